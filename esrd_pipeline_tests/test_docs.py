"""What the documents say is there: readings that code cites, files, links and commands."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from esrd_pipeline.cli import main
from esrd_pipeline.parameters.readings import load_readings, render_readings
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))),
)
"""The change log is none of them: it speaks of files that are no more."""
LAYERS = sorted({name.partition(".")[0] for name in TABLES_BY_NAME})
READINGS = ROOT / "docs" / "readings.md"
CITING = ("esrd_pipeline", "esrd_pipeline_tests")
SUFFIXES = {".py", ".sql", ".csv"}
_LINE_BREAK = re.compile(r"\s*\n\s*(?:--|#)?\s*")
_CITATION = re.compile(r"\b[Rr]eadings? (\d+(?:(?:, | and | to )\d+)*)")
_FILE = re.compile(r"`((?:esrd_pipeline(?:_tests)?|docs|data|\.ci)/[\w./]+)`")
_NAME = re.compile(r"`(\w+\.(?:py|sql|csv))`")
_TABLE = re.compile(rf"\b((?:{'|'.join(LAYERS)})\.[a-z][a-z0-9_]*)(?![\w.*])")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def find_citations(text: str) -> set[int]:
    """Return the numbers of the readings a text cites, "20 to 23" among them."""
    found = set[int]()
    for cited in _CITATION.findall(_LINE_BREAK.sub(" ", text)):
        for part in re.split(r", | and ", cited):
            first, _, last = part.partition(" to ")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_citations_are_found_in_every_form() -> None:
    assert find_citations("Manual 2.13; readings 17, 20 to\n-- 23, and reading 25: x") == {
        *(17, 20, 21, 22, 23, 25)
    }
    assert find_citations("of several readings of Kt/V; Reading: the last counts") == set()


def test_every_reading_that_is_cited_is_written_down() -> None:
    written = {reading.number for reading in load_readings()}
    cited = {
        (str(path.relative_to(ROOT)), number)
        for folder in CITING
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SUFFIXES and path != Path(__file__)
        for number in find_citations(path.read_text(encoding="utf-8"))
    }
    assert cited
    assert not {citation for citation in cited if citation[1] not in written}


def test_each_reading_has_a_number_of_its_own_and_rows_are_in_their_order() -> None:
    numbers = [int(row["number"]) for row in load_rows("reading")]
    assert numbers == sorted(set(numbers))


def test_every_file_that_a_reading_names_is_there() -> None:
    named = {file for reading in load_readings() for file in reading.files}
    assert named
    assert not {file for file in named if not (ROOT / file).is_file()}


def test_the_page_of_readings_is_made_from_the_table() -> None:
    page = READINGS.read_text(encoding="utf-8")
    command = "uv run esrd readings --write docs/readings.md"
    assert page == render_readings(), f"docs/readings.md is not what reading.csv says: {command}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_link_of_a_document_is_there(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    named = {ROOT / name for name in _FILE.findall(text) if not name.startswith("data/")}
    linked = {path.parent / name for name in _LINK.findall(text)}
    assert not {str(target) for target in named | linked if not target.exists()}
    names = {path.name for folder in CITING for path in (ROOT / folder).rglob("*.*")}
    assert not set(_NAME.findall(text)) - names


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_esrd_command_of_a_document_is_understood(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    for line in lines:
        _, found, command = f" {line}".partition(" esrd ")
        if found:
            name, *options = shlex.split(command)
            main.commands[name].make_context(name, options)


def test_the_command_that_audits_the_lock_is_given_every_package_of_it(tmp_path: Path) -> None:
    """What README gives to pip-audit; that itself needs a network."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the path")
    blocks = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    (block,) = [block for block in blocks if "pip-audit" in block]
    export, audit = (shlex.split(line) for line in block.splitlines())
    assert {"--strict", "--require-hashes"} <= set(audit)
    assert export[-1] == audit[-1]
    asked = tmp_path / "requirements.txt"
    subprocess.run([uv, *export[1:-1], str(asked)], cwd=ROOT, check=True, timeout=60)
    pinned = re.findall(r"^([\w.-]+)==\S+", asked.read_text(encoding="utf-8"), re.MULTILINE)
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert set(pinned) == {one["name"] for one in locked if "registry" in one["source"]}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_table_a_document_names_is_stored(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {name for name in _TABLE.findall(text) if not name.endswith((".py", ".sql", ".csv"))}
    assert named <= set(TABLES_BY_NAME)
