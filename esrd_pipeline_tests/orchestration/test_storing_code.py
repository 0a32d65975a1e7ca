"""The code that stores tables is listed whole: what it imports is listed, or changes no byte."""

import ast
from pathlib import Path

import esrd_pipeline
from esrd_pipeline.orchestration.made_of import PACKAGE, STORING

ROOT = Path(str(esrd_pipeline.__file__)).parent
ELSEWHERE = {
    "parameters/__init__.py": "parameters have versions of their own",
    "code_state.py": "what processes keep for each other",
    "settings.py": "where files lie",
    "stores/__init__.py": "where bytes lie, whichever they are",
    "stores/store.py": "as stores/__init__.py",
    "tables/catalog.py": "each table's definition has a version of its own",
    "tables/release.py": "as tables/catalog.py",
    "tables/report.py": "as tables/catalog.py",
    "orchestration/executor.py": "when a step runs",
    "orchestration/failures.py": "how a failure is told",
    "orchestration/instance.py": "the UI's instance",
    "orchestration/intake.py": "whether a step may run",
    "orchestration/kept_versions.py": "the versions themselves",
    "orchestration/late.py": "alerts",
    "orchestration/made_of.py": "the record itself",
    "orchestration/partitions.py": "which years there are",
    "orchestration/resources.py": "which warehouse",
    "orchestration/shown.py": "what the UI shows",
    "orchestration/stopping.py": "how a run ends",
    "orchestration/failure_messages.py": "the log",
    "orchestration/unchanged.py": "whether a step runs",
}
"""Modules that the storing code imports and no stored byte depends on, and why."""


def list_imports(name: str) -> set[str]:
    """Modules of the package that a module imports, as paths in it."""
    found = set[str]()
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            place = "/".join(node.module.split(".")[1:])
            modules = [f"{place}/{alias.name}.py" for alias in node.names]
            found |= {one for one in modules if (ROOT / one).is_file()}
            if (ROOT / f"{place}.py").is_file():
                found.add(f"{place}.py")
            elif not any((ROOT / one).is_file() for one in modules):
                found.add(f"{place}/__init__.py".removeprefix("/"))
    return found


def test_what_the_storing_code_imports_is_listed_or_changes_no_byte() -> None:
    imported = {one for name in STORING for one in list_imports(name)}
    assert imported - {*STORING, *ELSEWHERE} == set()
    assert set(ELSEWHERE) - imported == set()
