"""Every SQL file as the worked tests run it, with few runs a file: those that can be are joined.

Two runs with the same parameters and value sets are joined where the rows of both, with people and
claims of the second renumbered, still have one row a key in every table. What the joined run gives
need not be what the cases check: it is input for the comparison of two engines.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pyarrow as pa

from esrd_pipeline.sql import list_selects
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql import engine
from esrd_pipeline_tests.sql.batches import CITIES, IDENTIFIERS, NUMBERS, Solved
from esrd_pipeline_tests.sql.engine import Ran
from esrd_pipeline_tests.sql.modules import MODULES, list_module_cases

_ROOM = 10**13
"""Above every identifier of a batch of cases."""
_ASSIGNED = 6
"""Characters of a provider number as CMS assigns it, whose digits the rules use."""


def list_runs() -> dict[str, list[Ran]]:
    """Return the runs of each SQL file, joined; none for a file that no worked test runs."""
    seen: dict[str, dict[str, Ran]] = {name: {} for name in list_selects()}
    cases = [one for name in MODULES for one in list_module_cases(name)]
    with engine.watch(lambda ran: seen[ran.select].setdefault(_describe(ran), ran)):
        solved = Solved(cases)
        for one in cases:
            solved.find(one)
    return {name: _join(runs.values()) for name, runs in seen.items()}


def _describe(ran: Ran) -> str:
    rows = {name: table.to_pylist() for name, table in ran.tables.items()}
    return f"{_describe_rest(ran)} {rows}"


def _describe_rest(ran: Ran) -> str:
    """What runs must share to be joined."""
    sets = {name: hash(str(table.to_pydict())) for name, table in ran.value_sets.items()}
    return repr((sorted(ran.parameters.items()), sets))


def _join(runs: Iterable[Ran]) -> list[Ran]:
    alike: dict[str, list[list[Ran]]] = defaultdict(list)
    tables: dict[int, dict[str, pa.Table]] = {}
    for ran in sorted(runs, key=lambda one: -sum(rows.num_rows for rows in one.tables.values())):
        for group in alike[_describe_rest(ran)]:
            joined = _add(tables[id(group)], ran.tables, len(group))
            if joined is not None:
                tables[id(group)] = joined
                group.append(ran)
                break
        else:
            group = [ran]
            alike[_describe_rest(ran)].append(group)
            tables[id(group)] = dict(ran.tables)
    return [
        _run_again(group[0], tables[id(group)]) if len(group) > 1 else group[0]
        for groups in alike.values()
        for group in groups
    ]


def _run_again(ran: Ran, tables: Mapping[str, pa.Table]) -> Ran:
    sets = {name: rows.to_pandas() for name, rows in ran.value_sets.items()}
    made = engine.run([ran.select], tables, ran.parameters, sets)
    return replace(ran, tables=tables, made=made)


def _add(
    first: Mapping[str, pa.Table], second: Mapping[str, pa.Table], number: int
) -> dict[str, pa.Table] | None:
    """Return the rows of both, equal ones once; None where a key would have two rows."""
    joined = {}
    for name, rows in first.items():
        renumbered = [_renumber(row, number) for row in second[name].to_pylist()]
        both = {repr(row): row for row in [*rows.to_pylist(), *renumbered]}
        keys = {tuple(row[column] for column in TABLES_BY_NAME[name].key) for row in both.values()}
        if len(keys) < len(both):
            return None
        joined[name] = pa.Table.from_pylist(list(both.values()), schema=rows.schema)
    return joined


def _renumber(row: Mapping[str, object], number: int) -> dict[str, object]:
    return {column: _renumber_value(column, value, number) for column, value in row.items()}


def _renumber_value(column: str, value: object, number: int) -> object:
    if column in IDENTIFIERS and isinstance(value, int):
        return value + number * _ROOM * (-1 if value < 0 else 1)
    is_number = column in NUMBERS and isinstance(value, str) and len(value) != _ASSIGNED
    if is_number or (column in CITIES and value is not None):
        return f"{number}.{value}"
    return value
