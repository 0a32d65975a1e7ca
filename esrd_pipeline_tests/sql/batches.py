"""Run the cases of a module together: every case gets its own patients and facilities.

Cases with the same SQL files, year, parameters and value sets share one set of tables. The
identifiers of each case are renumbered, so that cases cannot affect each other, and each resulting
row is returned to the case with its identifiers.

Short provider numbers such as 'A' become '0007.A' in the seventh case. The rules use the digits of
a CMS number, except the first two, the state: a number of Illinois, such as '142500', gets an
invented state, one for each case. Numbers of other states are unchanged, because lists contain some
of them; cases with rows that have no other key cannot be separated and have to run alone.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql.worked import Case

IDENTIFIERS = ("patient_id", "earlier_patient_id", "bene_id", "clm_id", "facilityid", "pers_id")
"""Columns that number people, claims and facilities."""
SECURITY_NUMBERS = ("ssn", "bene_ssn_num", "pers_ssn")
"""Columns that hold Social Security numbers."""
NUMBERS = (
    "ccn",
    "provider_number",
    "second_number",
    "reported_number",
    "higher_number",
    "related_provider_number",
    "provnum",
    "altprovnum",
    "prvdr_num",
    "hospital",
    "hospital_ccn",
)
"""Columns that hold the numbers of providers."""
CITIES = ("city", "city_name")
"""Columns by which two records are seen to be of one address."""
MOST = 250
"""Cases in a batch: as many as there are states."""
_STATES = "BCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROOM = 1_000_000_000
_ASSIGNED = re.compile(r"[0-9A-Z]{6}")
_MARKED = re.compile(r"(\d{4})\.(.*)", re.DOTALL)
_OF_STATE = re.compile(r"([B-Z])(\d)(.*)", re.DOTALL)


class NotSeparableError(ValueError):
    """A row cannot be told to be one case's; the case is to be declared `alone`."""


class Solved:
    """The rows of cases, each as if it had been run by itself; equal cases are run once."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Run together what can be.

        Raises:
            NotSeparableError: a row is no case's, or more than one's.
        """
        self._made: dict[str, pa.Table] = {}
        batches: dict[str, dict[str, Case]] = defaultdict(dict)
        for one in cases:
            if not one.alone:
                shared = _describe_run(one)
                batches[shared][_describe(one)] = one
        for batch in batches.values():
            for start in range(0, len(batch), MOST):
                names = list(batch)[start : start + MOST]
                if len(names) < 2:
                    continue
                # What DuckDB refuses is run case by case, so that the one at fault says so.
                with contextlib.suppress(duckdb.Error):
                    made = _run_batch([batch[name] for name in names])
                    self._made.update(zip(names, made, strict=True))

    def find(self, one: Case) -> pa.Table:
        """The rows of one case; if it was not run with others, it is run by itself now."""
        described = _describe(one)
        if described not in self._made:
            self._made[described] = one.solve()
        return self._made[described]


def _describe_run(one: Case) -> str:
    """What cases must share to be run together."""
    sets = {name: frame.to_csv(index=False) for name, frame in one.value_sets.items()}
    return repr((one.selects, one.performance_year, sorted(one.parameters.items()), sets))


def _describe(one: Case) -> str:
    return repr((_describe_run(one), {name: list(rows) for name, rows in one.tables.items()}))


def _run_batch(cases: Sequence[Case]) -> list[pa.Table]:
    joined: dict[str, list[dict[str, object]]] = defaultdict(list)
    for number, one in enumerate(cases, start=1):
        for name, rows in one.tables.items():
            joined[name] += [_renumber(name, row, number) for row in rows]
    made = replace(cases[0], tables=joined).solve()
    return _hand_out(cases[0].selects[-1], made, len(cases))


def _renumber(name: str, row: Mapping[str, object], number: int) -> dict[str, object]:
    """The row with identifiers of its case alone."""
    changed = {
        column: value if value is None else _renumber_value(column, value, number)
        for column, value in row.items()
    }
    if all(changed.get(column) == row.get(column) for column in TABLES_BY_NAME[name].key):
        raise NotSeparableError(f"{name}: nothing in the key of a row is its case's alone")
    return changed


def _renumber_value(column: str, value: object, number: int) -> object:
    if column in IDENTIFIERS:
        if not (isinstance(value, int) and abs(value) < _ROOM):
            raise NotSeparableError(f"{column} is no number below {_ROOM}")
        # A beneficiary nobody knows is a patient with a negative number.
        return (number * _ROOM + abs(value)) * (-1 if value < 0 else 1)
    if column in SECURITY_NUMBERS:
        return f"{(int(str(value)) + number * 1_000_000) % _ROOM:09d}"
    if column in NUMBERS:
        return _renumber_provider(str(value), number)
    return f"{number:04d}.{value}" if column in CITIES else value


def _renumber_provider(value: str, number: int) -> str:
    if value.startswith("14"):
        state, digit = divmod(number - 1, 10)
        return f"{_STATES[state]}{digit}{value[2:]}"
    if not _ASSIGNED.fullmatch(value):
        return f"{number:04d}.{value}"
    if _OF_STATE.fullmatch(value):
        raise NotSeparableError("a provider number has a state that is a case's")
    return value


def _hand_out(name: str, made: pa.Table, count: int) -> list[pa.Table]:
    """Each case's rows, with the identifiers that it gave."""
    owners: list[set[int]] = [set() for _ in range(made.num_rows)]
    for column in {*IDENTIFIERS, *NUMBERS, *CITIES} & set(made.column_names):
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
        number, original = divmod(abs(value), _ROOM)
        return number, -original if value < 0 else original
    if isinstance(value, str) and (found := _MARKED.fullmatch(value)):
        return int(found.group(1)), found.group(2)
    if isinstance(value, str) and (found := _OF_STATE.fullmatch(value)):
        return 10 * _STATES.index(found.group(1)) + int(found.group(2)) + 1, f"14{found.group(3)}"
    return None, value
