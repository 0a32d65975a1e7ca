"""A worked patient: small tables in, SQL files run on them, the rows a reader can check out.

A test yields its cases and gets their rows back; conftest.py solves those of a module together:

    @worked
    def test_a_claim_is_a_stay() -> Worked:
        rows = yield stay(inpatient(1, "2024-02-01", "2024-02-05"))
        assert len(rows) == 1
"""

import functools
import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline_tests.sql import engine

YEAR = 2024
Row = Mapping[str, object]
Tables = Mapping[str, Sequence[Row]]
Worked = Generator[Any, Any, None]
"""What a worked test is: it yields cases once, and is sent what they give."""


def day(text: str) -> date:
    """A day as '2024-03-01'."""
    return date.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Case:
    """Tables, the SQL files that run on them one after the other, and how the last is read.

    Attributes:
        selects: names of the SQL files, each run on what was there before.
        tables: rows by table; those left out are empty.
        performance_year: of the run, and of every row that does not say otherwise.
        parameters: what else the SQL files take.
        value_sets: stand in place of parameter files of the same name.
        alone: run by itself, because its rows depend on more than its own patient.
        readers: applied to the rows of the last table, one after the other.
    """

    selects: tuple[str, ...]
    tables: Tables
    performance_year: int = YEAR
    parameters: Mapping[str, object] = field(default_factory=dict)
    value_sets: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    alone: bool = False
    readers: tuple[Callable[[Any], Any], ...] = ()

    def read(self, reader: Callable[[Any], Any]) -> "Case":
        """The same case, its rows passed through `reader` before the test gets them."""
        return replace(self, readers=(*self.readers, reader))

    def run(self) -> Any:  # noqa: ANN401
        """What a test gets of the case, run by itself at once."""
        return self.get(self.solve())

    def solve(self) -> pa.Table:
        """The rows the last SQL file makes in a run of its own, in the order of its key."""
        return engine.run(
            self.selects,
            engine.to_arrow(self.tables, self.performance_year),
            {"performance_year": self.performance_year, **self.parameters},
            self.value_sets,
        )

    def get(self, made: pa.Table) -> Any:  # noqa: ANN401
        """What the test gets of the rows the last SQL file made."""
        found: Any = made.to_pandas()
        for reader in self.readers:
            found = reader(found)
        return found


def case(
    *selects: str,
    tables: Tables,
    performance_year: int = YEAR,
    value_sets: Mapping[str, pd.DataFrame] | None = None,
    alone: bool = False,
    **parameters: object,
) -> Case:
    """A case of these SQL files on these tables; see `Case`."""
    return Case(selects, tables, performance_year, parameters, value_sets or {}, alone)


def run(*selects: str, tables: Tables, **other: Any) -> pd.DataFrame:  # noqa: ANN401
    """Run SQL files on tables of their own at once: for tests that make many patients themselves.

    Columns a row does not name are null, tables a test does not name are empty. Rows come back in
    the order of the last table's key, dates as dates.
    """
    return case(*selects, tables=tables, **other).run()


def worked(test: Callable[..., Worked]) -> Callable[..., None]:
    """Make a test of a function that yields cases and is sent what they give.

    It yields a case, or a tuple, list or dictionary of cases, and receives the same shape.
    """

    @functools.wraps(test)
    def check(*, request: pytest.FixtureRequest, solved: Any, **arguments: object) -> None:  # noqa: ANN401
        __tracebackhide__ = True
        body = test(**arguments)
        declared = next(body)
        results = iter([one.get(solved.find(one)) for one in list_cases(declared)])
        try:
            body.send(_shape(declared, results))
        except StopIteration:
            return
        except AssertionError:
            request.node.add_report_section("call", "input", _print_input(declared))
            raise
        raise TypeError(f"{test.__name__} yields more than once: a worked test has one input")

    signature = inspect.signature(test)
    kept = [p.replace(kind=p.KEYWORD_ONLY) for p in signature.parameters.values()]
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("request", "solved")
    ]
    check.__signature__ = inspect.Signature([*kept, *own])  # type: ignore[attr-defined]
    check.declare = lambda **arguments: list_cases(next(test(**arguments)))  # type: ignore[attr-defined]
    return check


def list_cases(declared: object) -> list[Case]:
    """The cases of what a test yields, in order.

    Raises:
        TypeError: it yields something else.
    """
    if isinstance(declared, Case):
        return [declared]
    if isinstance(declared, Mapping):
        declared = list(declared.values())
    if isinstance(declared, list | tuple):
        return [one for part in declared for one in list_cases(part)]
    raise TypeError(f"a worked test yields cases, not {type(declared).__name__}")


def _shape(declared: object, results: Any) -> object:  # noqa: ANN401
    """The results in the shape of what was declared."""
    if isinstance(declared, Case):
        return next(results)
    if isinstance(declared, Mapping):
        return {key: _shape(part, results) for key, part in declared.items()}
    return [_shape(part, results) for part in declared]  # type: ignore[attr-defined]


def _print_input(declared: object) -> str:
    """The rows of every case, as small tables without the columns that nobody filled."""
    return "\n\n".join(
        f"case {number}, {name}\n{pd.DataFrame(list(rows)).to_string(index=False)}"
        for number, one in enumerate(list_cases(declared), start=1)
        for name, rows in one.tables.items()
        if rows
    )
