"""Worked tests of a module share one run of the SQL files they have in common."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from esrd_pipeline_tests.sql.batches import solve_together
from esrd_pipeline_tests.sql.worked import Case, solve


@pytest.fixture(scope="module")
def solved(request: pytest.FixtureRequest) -> Callable[[Case, pytest.Item, int], pa.Table]:
    """The rows of a test's case, run together with the other cases of its module."""
    places: dict[tuple[str, int], int] = {}
    cases: list[Case] = []
    for item in request.session.items:
        if item.path == request.path and hasattr(item.obj, "declare"):
            arguments = item.callspec.params if hasattr(item, "callspec") else {}
            for number, one in enumerate(item.obj.declare(**arguments)):
                places[item.nodeid, number] = len(cases)
                cases.append(one)
    made = solve_together(cases)

    def find(one: Case, item: pytest.Item, number: int) -> pa.Table:
        place = places[item.nodeid, number]
        return made[place] if place in made else solve(one)

    return find
