"""Worked tests of a module share one run of the SQL files they have in common."""

import pytest

from esrd_pipeline_tests.sql.batches import Solved


@pytest.fixture(scope="module")
def solved(request: pytest.FixtureRequest) -> Solved:
    """The cases of the module's worked tests that are to run, solved together."""
    items = [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    return Solved(
        one
        for item in items
        if hasattr(item.function, "declare")
        for one in item.function.declare(
            **(item.callspec.params if hasattr(item, "callspec") else {})
        )
    )
