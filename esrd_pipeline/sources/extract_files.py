"""The files of patient-level extracts: which file of a year's folder is of which raw table.

Files are Parquet, SAS's or delimited text with a header, of one table each, or RIF's flat files:
one per setting, one row per claim line, the claim's columns repeated.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.sources import sas
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_releases import Delivered, choose, list_delivered, name_below
from esrd_pipeline.sources.files import read_ignored
from esrd_pipeline.tables import medicare
from esrd_pipeline.tables.model import Table

TEXTS = (".txt", ".csv", ".rif", ".tsv")
SUFFIXES = (".parquet", *sas.SUFFIXES, *TEXTS, *(f"{suffix}.gz" for suffix in TEXTS))
GRANTS = "ece_grant.csv"
"""The list of exceptions, which lies in the folder and is read elsewhere."""
TRAILING = "trailing_delimiter"
HEAD_BYTES = 1 << 18
"""Beginning of a text file by which its delimiter and quotes are recognised."""
LINES = {"claim_revenue": "clm_line_num", "carrier_line": "line_num"}
"""Tables of claim lines, and the column that identifies a line in a flat file."""
FLAT_OF = {"carrier_claim": "carrier", "carrier_line": "carrier"}
"""Flat files of settings that are not institutional."""
ALIASES = {"carrier": ("bcarrier",)}
"""Other names of files."""


@dataclass(frozen=True, slots=True)
class Extract:
    """One file of a table, as found in the folder.

    Attributes:
        path: the file.
        columns: the file's spelling of each of its columns, by lower-case name.
        typed: types of a Parquet or SAS file's columns, by lower-case name; empty for text files.
        is_flat: a row is a claim line, with the claim's columns repeated on each line.
        delimiter: delimiter of a text file; None for the others.
        is_quoted: a text file's cells may stand in quotes.
        has_longer_header: a text file's header ends with a delimiter, and its lines do not.
        content: the Parquet file into which `unpack` wrote a SAS file's rows.
        kept: lower-case names of columns of which every value is stored as it stands, as a check of
            the file has found.
    """

    path: Path
    columns: Mapping[str, str]
    typed: Mapping[str, pa.DataType]
    is_flat: bool
    delimiter: str | None
    is_quoted: bool
    content: Path | None = None
    kept: frozenset[str] = frozenset()
    has_longer_header: bool = False

    @property
    def is_sas(self) -> bool:
        """Whether it is a SAS file, which is unpacked before it is read."""
        return self.path.suffix.lower() in sas.SUFFIXES


def find_extracts(folder: Path, table: Table, cutoff: date | None = None) -> tuple[Extract, ...]:
    """Return the files of a raw table, as `list_extracts`, at least one of a table that needs rows.

    Raises:
        SourceError: there is none, files of one extract exclude each other, or one has no header.
    """
    found = list_extracts(folder, table, cutoff)
    if not found and table.minimum_rows:
        name = table.path[1]
        names = ", ".join(f"{name}{suffix}" for suffix in SUFFIXES)
        until = "" if cutoff is None else f" released by {cutoff}"
        raise SourceError(file=str(folder), rule=f"has no file of {table.name} ({names}){until}")
    return found


def list_extracts(folder: Path, table: Table, cutoff: date | None = None) -> tuple[Extract, ...]:
    """Return the files of a raw table in a year's folder, in the order of their settings.

    `raw.eqrs_patient` is `eqrs_patient.parquet`, `.sas7bdat`, `.xpt`, `.txt`, `.csv`, `.tsv` or
    `.rif`, a text also with `.gz`; the parts of institutional claims are `inpatient_base.parquet`,
    ..., or one flat `inpatient.txt` a setting. A name may end with the year, and with a number
    where an extract has several parts (`carrier_2024.csv`, `inpatient_base_part2.parquet`). Of an
    extract with several releases (`extract_releases`), the newest on or before `cutoff` is read.

    Raises:
        SourceError: files of one extract exclude each other, or one has no header.
    """
    _, name = table.path
    delivered = list_delivered(folder)
    found: list[Extract] = []
    for stem, flat in _list_stems(table):
        paths = _find_files(folder, delivered, stem, cutoff)
        flat_paths = [
            path for one in _name_all(flat) for path in _find_files(folder, delivered, one, cutoff)
        ]
        if paths and flat_paths:
            raise SourceError(
                file=flat_paths[0].name,
                rule=f"holds the claims of {paths[0].name} again: one of them is to go",
            )
        found += [_open(path, is_flat=False) for path in paths]
        if name in LINES or name in {"claim", "carrier_claim"}:
            found += [_open(path, is_flat=True) for path in flat_paths]
    return tuple(found)


def _list_stems(table: Table) -> list[tuple[str, str]]:
    """Return the names of a table's files, each with that of the flat files that stand for it."""
    _, name = table.path
    if name in medicare.PARTS:
        part = medicare.PARTS[name]
        return [(f"{setting}_{part}", setting) for setting in medicare.SETTINGS]
    return [(name, FLAT_OF.get(name, ""))]


def _name_all(flat: str) -> tuple[str, ...]:
    return (flat, *ALIASES.get(flat, ())) if flat else ()


def check_end(path: Path, *, is_needed: bool) -> None:
    """Check that a text file is whole as far as its end can tell.

    Real files are seen without an end of their last line. Where the last column is needed, its last
    value might be a piece of one; `is_needed` says whether it is.

    Raises:
        SourceError: it ends within a line, or what compressed it is cut off.
    """
    if path.suffix.lower() != ".gz":
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 1, 0))
            last = file.read()
    else:
        last = b""
        try:
            with gzip.open(path) as file:
                while block := file.read(HEAD_BYTES):
                    last = block
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise SourceError(
                file=path.name, rule="is cut off or damaged: gzip cannot read it to its end"
            ) from None
    if is_needed and not last.endswith((b"\n", b"\r")):
        raise SourceError(
            file=path.name,
            rule="ends within a line, as a file that is cut off does: if it is whole, put an end"
            " of line at its end",
        )


def list_unread(folder: Path, tables: Iterable[Table], cutoff: date | None = None) -> list[str]:
    """Return the names in a year's folder that no table takes, hidden and ignored ones left out.

    A table takes the files of all its releases, read or not. Files that are not meant for the
    project are named in the folder's `.esrdignore`, a pattern (`*.log`) a line.

    Raises:
        SourceError: as for `find_extracts`.
    """
    if not folder.is_dir():
        return []
    delivered = list_delivered(folder)
    taken: set[Path] = set()
    for table in tables:
        taken.update(extract.path for extract in list_extracts(folder, table, cutoff))
        for stem, flat in _list_stems(table):
            for name in (stem, *_name_all(flat)):
                taken.update(one.path for _, one in _find_releases(folder, delivered, name))
    patterns = read_ignored(folder)
    return [
        name_below(folder, one.path)
        for one in delivered
        if one.path not in taken
        and not one.path.name.startswith((".", "_"))
        and one.path.name != GRANTS
        and not any(fnmatch(one.path.name.lower(), pattern.lower()) for pattern in patterns)
    ]


def _find_files(
    folder: Path, delivered: Iterable[Delivered], stem: str, cutoff: date | None
) -> list[Path]:
    """Return the files of one extract: one file, or numbered parts of it.

    Raises:
        SourceError: two files that are not parts, or a file named by another year.
    """
    found = choose(_find_releases(folder, delivered, stem), folder, cutoff)
    parts = [part for part, _ in found]
    if len(found) > 1 and (None in parts or len(set(parts)) < len(parts)):
        names = ", ".join(one.path.name for _, one in found)
        raise SourceError(file=folder.name, rule=f"several files of one extract: {names}")
    return [one.path for _, one in found]


def _find_releases(
    folder: Path, delivered: Iterable[Delivered], stem: str
) -> list[tuple[str | None, Delivered]]:
    """Return the files of all releases of one extract, with the numbers of their parts.

    Raises:
        SourceError: a file named by another year.
    """
    named = re.compile(
        rf"{re.escape(stem)}(?:_(?P<year>(?:19|20)\d\d))?(?:_(?:part_?)?(?P<part>\d{{1,3}}))?",
        re.IGNORECASE,
    )
    found: list[tuple[str | None, Delivered]] = []
    for one in delivered:
        suffix = next((s for s in SUFFIXES if one.name.lower().endswith(s)), None)
        match = named.fullmatch(one.name[: -len(suffix)]) if suffix else None
        if match is None:
            continue
        if match["year"] is not None and folder.name.isdigit() and match["year"] != folder.name:
            raise SourceError(file=one.path.name, rule=f"its name is not of the year {folder.name}")
        found.append((match["part"] and match["part"].lstrip("0"), one))
    return found


def _open(path: Path, *, is_flat: bool) -> Extract:
    if path.suffix.lower() == ".parquet":
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowInvalid, IsADirectoryError):
            raise SourceError(file=path.name, rule="is not a Parquet file") from None
        names = _name_columns(path, schema.names)
        types = {field.name.lower(): field.type for field in schema}
        return Extract(path, names, types, is_flat=is_flat, delimiter=None, is_quoted=False)
    if path.suffix.lower() in sas.SUFFIXES:
        columns = sas.read_columns(path)
        names = _name_columns(path, list(columns))
        types = {name.lower(): kind for name, kind in columns.items()}
        return Extract(path, names, types, is_flat=is_flat, delimiter=None, is_quoted=False)
    header, *lines = _read_head(path)
    header = header.lstrip("\ufeff")
    if not header:
        raise SourceError(file=path.name, rule="has no header")
    delimiter = next((sign for sign in "|\t" if sign in header), ",")
    published = [name.strip().strip('"') for name in header.split(delimiter)]
    # The last line may be a piece of one.
    has_longer_header = published[-1] == "" and {
        len(cells) for cells in csv.reader(lines[:-1], delimiter=delimiter) if cells
    } == {len(published) - 1}
    if has_longer_header:
        del published[-1]
    elif published[-1] == "":
        # A delimiter at the end of every line: a last column without a name.
        published[-1] = TRAILING
    names = _name_columns(path, published)
    is_quoted = delimiter == "," or any(
        line.startswith('"') or f'{delimiter}"' in line for line in (header, *lines)
    )
    return Extract(
        path,
        names,
        {},
        is_flat=is_flat,
        delimiter=delimiter,
        is_quoted=is_quoted,
        has_longer_header=has_longer_header,
    )


def _name_columns(path: Path, published: Sequence[str]) -> dict[str, str]:
    """Return the file's spelling of each of its columns, by lower-case name.

    Raises:
        SourceError: one is there twice, so that the values of one of them would not be read.
    """
    names = {name.lower(): name for name in published}
    if len(names) < len(published):
        # Without its name: in a text without a header that would be a value.
        row = 1 if path.suffix.lower() not in {".parquet", *sas.SUFFIXES} else None
        raise SourceError(file=path.name, row=row, rule="a column's name appears twice")
    return names


def _read_head(path: Path) -> list[str]:
    """Return a text file's first lines, without their ends; at least one, which may be empty.

    Raises:
        SourceError: it is not UTF-8 text with lines that all end alike, or not gzip's.
    """
    compressed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if compressed else path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError(file=path.name, rule="is not compressed by gzip") from None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(file=path.name, rule="is UTF-16; text is read as UTF-8")
    if 0 < head.count(b"\r\n") < head.count(b"\n"):
        raise SourceError(file=path.name, rule="ends some lines with CRLF and others with LF")
    return head.decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n")
