"""The worked tests of this folder, by module, for tests that run all of their cases."""

import importlib
import itertools
from pathlib import Path

from esrd_pipeline_tests.sql.worked import Case

MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("test_*.py")
    if path.stem != "test_batches" and "@worked" in path.read_text(encoding="utf-8")
)


def list_module_cases(name: str) -> list[Case]:
    """The cases of every worked test of a module, with all its parameters."""
    module = importlib.import_module(f"esrd_pipeline_tests.sql.{name}")
    found = []
    for test in vars(module).values():
        if hasattr(test, "declare"):
            marks = [m for m in getattr(test, "pytestmark", ()) if m.name == "parametrize"]
            for chosen in itertools.product(*(mark.args[1] for mark in marks)):
                arguments: dict[str, object] = {}
                for mark, values in zip(marks, chosen, strict=True):
                    names = mark.args[0]
                    if isinstance(names, str):
                        arguments |= {names: values}
                    else:
                        arguments |= dict(zip(names, values, strict=True))
                found += test.declare(**arguments)
    return found
