"""Which files answer to a section of the manual: SQL, parameter rows, specifications, tests.

Citations are read where they stand: in the comments of the SQL, in the column `citation` of the
parameter files, in the docstrings, texts and comments of the code, and in the mark
`@pytest.mark.manual("2.13.11")` of tests. Tests are read as text and none is executed; they are
part of the repository and not of the installed package.
"""

import ast
import csv
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from esrd_pipeline.parameters.manual import (
    find_chapters,
    find_citations,
    is_below,
    load_sections,
    parse_citation,
)

PACKAGE = Path(__file__).parent
TESTS = PACKAGE.parent / "esrd_pipeline_tests"

Kind = Literal["SQL", "Parameters", "Specifications", "Other code", "Tests"]
KINDS: tuple[Kind, ...] = ("SQL", "Parameters", "Specifications", "Other code", "Tests")
_CITING_COLUMNS = {"citation": "", "section": "Manual "}
"""Columns of parameter files that cite, and what is understood before their cells."""
_NOT_CITING = frozenset({"manual_section.csv", "manual.py", "trace.py", "cli.py"})
"""The list of sections itself, and what names sections as examples."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One place that cites sections.

    Attributes:
        kind: what sort of file it is.
        file: path from the repository's root.
        line: line of the file; for tests, of the mark.
        name: what cites there: a test, or the row of a parameter file; empty for a place in a text.
        words: the citation as written.
        sections: the sections it stands for.
    """

    kind: Kind
    file: str
    line: int
    name: str
    words: str
    sections: frozenset[str]


def has_tests() -> bool:
    """Whether the repository's tests are beside the package."""
    return TESTS.is_dir()


@cache
def read_places() -> tuple[Place, ...]:
    """Return every place that cites the manual, file by file."""
    places = [
        *_read_all_sql(),
        *(place for path in _list_parameters() for place in _read_parameters(path)),
        *(place for path in _list_code() for place in _read_code(path)),
        *(place for path in sorted(TESTS.rglob("*.py")) for place in read_marks(path)),
    ]
    return tuple(places)


def find_places(asked: str) -> list[Place]:
    """Return the places that cite a section or a measure's chapter, or stand for the measure.

    What cites a whole chapter is among the places of each of its sections.

    Raises:
        LookupError: the manual has no such section, and defines no such measure.
    """
    chapters = find_chapters(asked)
    wanted = chapters or ((asked,) if asked in load_sections() else ())
    if not wanted:
        raise LookupError(f"the manual has no section {asked} and defines no measure {asked}")
    covered = {
        number
        for number in load_sections()
        if any(number == one or is_below(number, one) or is_below(one, number) for one in wanted)
    }
    own = f"esrd_pipeline/measures/{asked}.py"
    return [
        place
        for place in read_places()
        if place.sections & covered
        or (chapters and (place.file == own or _is_row_of(place, asked)))
    ]


@cache
def _read_all_sql() -> tuple[Place, ...]:
    return tuple(place for path in sorted(PACKAGE.rglob("*.sql")) for place in _read_sql(path))


def find_sql(measure: str) -> list[str]:
    """Return the SQL files that cite a measure's chapters: found without reading code and tests."""
    wanted = find_chapters(measure)
    return sorted(
        {
            place.file
            for place in _read_all_sql()
            if any(
                section == one or is_below(section, one)
                for section in place.sections
                for one in wanted
            )
        }
    )


def find_missing() -> list[str]:
    """Return the sections with a rule that no test's mark names."""
    named = {
        section for place in read_places() if place.kind == "Tests" for section in place.sections
    }
    return [
        s.number for s in load_sections().values() if s.kind == "rule" and s.number not in named
    ]


def read_marks(path: Path) -> Iterator[Place]:
    """Yield what the tests of a file cite: marks of the module, of functions, and of parameters.

    Raises:
        ValueError: a mark names what is no section of the manual.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owners = {
        id(inner): node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.manual":
            for argument in node.args:
                words = ast.literal_eval(argument)
                try:
                    sections = parse_citation(words)
                except ValueError as unknown:
                    raise ValueError(f"{_name(path)}:{node.lineno}: {unknown}") from unknown
                name = owners.get(id(node), "")
                yield Place("Tests", _name(path), node.lineno, name, words, sections)


def describe(places: Iterable[Place]) -> list[tuple[Kind, str, str]]:
    """Return lines to print, in order: kind of file, where, and the citations as written.

    Rows of one parameter file with the same citation are one line.
    """
    lines = dict[tuple[Kind, str], dict[str, None]]()
    rows = dict[tuple[Kind, str, str], list[int]]()
    for place in sorted(places, key=lambda one: (KINDS.index(one.kind), one.file, one.line)):
        if place.file.endswith(".csv"):
            rows.setdefault((place.kind, place.file, place.words), []).append(place.line)
        elif place.kind == "Tests":
            where = f"{place.file}::{place.name}" if place.name else place.file
            lines.setdefault((place.kind, where), {})[place.words] = None
        else:
            where = f"{place.file}:{place.line}"
            lines.setdefault((place.kind, where), {})[place.words] = None
    found = dict[tuple[Kind, str], str]()
    for at, words in lines.items():
        found[at] = "; ".join(words)
    for (kind, file, words), numbers in rows.items():
        found[kind, f"{file} lines {_join(numbers)}"] = words
    order = sorted(found, key=lambda at: (KINDS.index(at[0]), at[1]))
    return [(kind, where, found[kind, where]) for kind, where in order]


def _is_row_of(place: Place, measure: str) -> bool:
    return place.file.endswith("register.csv") and place.name == measure


def _name(path: Path) -> str:
    return (
        path.relative_to(PACKAGE.parent).as_posix()
        if path.is_relative_to(PACKAGE.parent)
        else path.name
    )


def _read_sql(path: Path) -> Iterator[Place]:
    comments = [
        line.partition("--")[2] if "--" in line else ""
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    yield from _read_text(path, "\n".join(comments), 1)


def _read_code(path: Path) -> Iterator[Place]:
    source = path.read_text(encoding="utf-8")
    texts = [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    # Comments on lines that follow each other are one text, as a citation may go on.
    comments = [""] * (source.count("\n") + 1)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0] - 1] = token.string.lstrip("# ")
    texts.append((1, "\n".join(comments)))
    found = {
        (place.line, place.words): place
        for line, text in sorted(texts)
        for place in _read_text(path, text, line)
    }
    yield from found.values()


def _read_text(path: Path, text: str, first_line: int) -> Iterator[Place]:
    for citation in find_citations(text):
        yield Place(
            kind=_kind_of(path),
            file=_name(path),
            line=first_line + text.count("\n", 0, citation.start),
            name="",
            words=citation.words,
            sections=citation.sections,
        )


def _list_code() -> Sequence[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.name not in _NOT_CITING]


def _list_parameters() -> Sequence[Path]:
    files = sorted((PACKAGE / "parameters").glob("*.csv"))
    return [path for path in files if path.name not in _NOT_CITING]


def _read_parameters(path: Path) -> Iterator[Place]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        for line, row in enumerate(rows, start=2):
            cells = [
                f"{before}{row[name]}" for name, before in _CITING_COLUMNS.items() if name in row
            ]
            sections = frozenset[str]()
            words = list[str]()
            for citation in (found for cell in cells for found in find_citations(cell)):
                sections |= citation.sections
                words.append(citation.words)
            name = next(iter(row.values()))
            if sections:
                yield Place(
                    _kind_of(path),
                    _name(path),
                    line,
                    name,
                    ", ".join(dict.fromkeys(words)),
                    sections,
                )


def _kind_of(path: Path) -> Kind:
    if path.suffix == ".sql":
        return "SQL"
    if path.parent.name == "measures" or path.name == "register.csv":
        return "Specifications"
    return "Parameters" if path.suffix == ".csv" else "Other code"


def _join(numbers: Sequence[int]) -> str:
    """Return numbers with those that follow each other as a range: "2, 5 to 7"."""
    runs = list[list[int]]()
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def list_reasons() -> dict[str, list[str]]:
    """Return the sections without a rule by the reason why they have none."""
    reasons = dict[str, list[str]]()
    for section in load_sections().values():
        if section.kind != "rule":
            reasons.setdefault(section.why or "", []).append(section.number)
    return reasons


def describe_section(asked: str) -> str:
    """Return what is asked for, in words: the section's title, or the measure's chapters."""
    numbers = find_chapters(asked) or (asked,)
    return "; ".join(f"{n} {re.sub(r' ?[(].*', '', load_sections()[n].title)}" for n in numbers)
