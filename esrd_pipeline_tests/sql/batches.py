"""The cases of a module in one run: every case gets patients and facilities of its own.

Cases with the same SQL files, year, parameters and value sets are put into one set of tables. The
identifiers of each case are renumbered, so that nothing of one can meet anything of another, and
what comes out is given back to the case whose identifiers it holds. Numbers of six characters, as
CMS assigns them, mean something to the rules and are not renumbered: rows that nothing but such a
number keys cannot be told apart, and their cases have to run alone.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql import engine
from esrd_pipeline_tests.sql.worked import Case

IDENTIFIERS = ("patient_id", "bene_id", "clm_id", "facilityid", "pers_id")
"""Columns that number people, claims and facilities."""
NUMBERS = ("ccn", "provider_number", "prvdr_num", "hospital", "hospital_ccn")
"""Columns that hold the numbers of providers."""
_ROOM = 1_000_000_000
_ASSIGNED = re.compile(r"[0-9A-Z]{6}")
_MARKED = re.compile(r"(\d{4})\.(.*)", re.DOTALL)


class NotSeparableError(ValueError):
    """A row cannot be told to be one case's; the case is to be declared `alone`."""


def solve_together(cases: Sequence[Case]) -> dict[int, pa.Table]:
    """The rows of each case by its place, as if it had been run by itself.

    Cases that say they run alone, and those of a batch that DuckDB refuses, are not among them.

    Raises:
        NotSeparableError: a row is no case's, or more than one's.
    """
    batches: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(cases):
        if not one.alone:
            batches[_describe_run(one)].append(place)
    solved = {}
    for places in batches.values():
        if len(places) > 1:
            made = _run_batch([cases[place] for place in places])
            solved.update(zip(places, made, strict=False))
    return solved


def _describe_run(one: Case) -> str:
    """What cases must share to be run together."""
    sets = {name: frame.to_csv(index=False) for name, frame in one.value_sets.items()}
    return repr((one.selects, one.performance_year, sorted(one.parameters.items()), sets))


def _run_batch(cases: Sequence[Case]) -> list[pa.Table]:
    joined: dict[str, list[dict[str, object]]] = defaultdict(list)
    for number, one in enumerate(cases, start=1):
        for name, rows in one.tables.items():
            joined[name] += [_renumber(name, row, number) for row in rows]
    first = cases[0]
    try:
        made = engine.run(
            first.selects,
            engine.to_arrow(joined, first.performance_year),
            {"performance_year": first.performance_year, **first.parameters},
            first.value_sets,
        )
    except duckdb.Error:
        # Each case is run alone then, and the one that is at fault says so.
        return []
    return _hand_out(first.selects[-1], made, len(cases))


def _renumber(name: str, row: Mapping[str, object], number: int) -> dict[str, object]:
    """The row with identifiers of its case alone."""
    changed = dict(row)
    for column in IDENTIFIERS:
        value = row.get(column)
        if value is not None:
            if not (isinstance(value, int) and 0 <= value < _ROOM):
                raise NotSeparableError(f"{name}: {column} is no number below {_ROOM}")
            changed[column] = number * _ROOM + value
    for column in NUMBERS:
        value = row.get(column)
        if value is not None and not _ASSIGNED.fullmatch(str(value)):
            changed[column] = f"{number:04d}.{value}"
    if all(changed.get(column) == row.get(column) for column in TABLES_BY_NAME[name].key):
        raise NotSeparableError(f"{name}: nothing in the key of a row is its case's alone")
    return changed


def _hand_out(name: str, made: pa.Table, count: int) -> list[pa.Table]:
    """Each case's rows, with the identifiers that it gave."""
    owners: list[set[int]] = [set() for _ in range(made.num_rows)]
    for column in {*IDENTIFIERS, *NUMBERS} & set(made.column_names):
        given: list[object] = []
        for value, owner in zip(made[column].to_pylist(), owners, strict=True):
            number, original = _read_mark(value)
            if number is not None:
                owner.add(number)
            given.append(original)
        place = made.column_names.index(column)
        field = made.schema.field(place)
        made = made.set_column(place, field, pa.array(given, field.type))
    places: list[list[int]] = [[] for _ in range(count)]
    for place, owner in enumerate(owners):
        if len(owner) != 1:
            raise NotSeparableError(f"{name}: a row is that of {len(owner)} cases")
        places[owner.pop() - 1].append(place)
    return [made.take(pa.array(rows, pa.int64())) for rows in places]


def _read_mark(value: object) -> tuple[int | None, object]:
    """The case an identifier belongs to, and the identifier it gave."""
    if isinstance(value, int):
        return divmod(value, _ROOM)
    found = _MARKED.fullmatch(value) if isinstance(value, str) else None
    return (int(found.group(1)), found.group(2)) if found else (None, value)
