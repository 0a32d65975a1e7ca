"""Manglings of a whole file: its name, its frame, its encoding, its lines and columns."""

import gzip
import io
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

from esrd_pipeline_tests.manglings.files import ENOUGH, File, Rows, write
from esrd_pipeline_tests.manglings.trial import Contents

Mangle = Callable[[File, Random], Contents | None]
"""Makes a mangling of a file; None where the file has nothing to mangle so."""


def _frame(file: File, draw: Random, *, change: Callable[[bytes, Random], bytes]) -> Contents:
    return {file.name: change(file.content, draw)}


def _rows(file: File, draw: Random, *, change: Callable[[Rows, Random], Rows]) -> Contents:
    return {file.name: write(change(file.rows, draw))}


def _place(rows: Rows, draw: Random) -> int:
    """Return a row below the header."""
    return draw.randrange(1, len(rows))


def _quote_some(rows: Rows, draw: Random) -> Rows:
    places = [place for place in range(len(rows[0])) if draw.random() < 0.5] or [0]
    for row in rows[draw.randrange(2) :]:
        for place in places:
            row[place] = f'"{row[place]}"'
    return rows


def _quote_late(rows: Rows, draw: Random) -> Rows:
    """Quote what lies beyond the lines by which quotes are recognised, or in one row."""
    row = rows[-1]
    for place in range(len(row)):
        row[place] = f'"{row[place]}"'
    del draw
    return rows


def _pad(rows: Rows, draw: Random) -> Rows:
    width = draw.randrange(1, 9)
    return [[cell + " " * width for cell in row] for row in rows]


def _shuffle(rows: Rows, draw: Random) -> Rows:
    body = rows[1:]
    draw.shuffle(body)
    return [rows[0], *body]


def _reorder(rows: Rows, draw: Random) -> Rows:
    places = list(range(len(rows[0])))
    draw.shuffle(places)
    return [[row[place] for place in places] for row in rows]


def _add_column(rows: Rows, draw: Random) -> Rows:
    at = draw.randrange(len(rows[0]) + 1)
    return [[*row[:at], cell, *row[at:]] for cell, row in zip(_extra(rows), rows, strict=True)]


def _extra(rows: Rows) -> list[str]:
    return ["REMARK", *(f"remark {place}" for place in range(1, len(rows)))]


def _delimiter_in_name(rows: Rows, _: Random) -> Rows:
    return [[*rows[0], ""], *rows[1:]]


def _trailing(rows: Rows, _: Random) -> Rows:
    return [[*row, ""] for row in rows]


def _blank_line(rows: Rows, draw: Random) -> Rows:
    at = draw.choice([_place(rows, draw), len(rows)])
    return [*rows[:at], [""], *rows[at:]]


def _repeat_header(rows: Rows, draw: Random) -> Rows:
    at = draw.choice([1, _place(rows, draw), len(rows)])
    return [*rows[:at], rows[0], *rows[at:]]


def _lose_header(rows: Rows, _: Random) -> Rows:
    return rows[1:]


def _add_line(rows: Rows, draw: Random, *, at: int) -> Rows:
    texts = ["(1234 rows affected)", f"TOTAL|{len(rows) - 1}", "-- end of file", "Confidential"]
    line = draw.choice(texts).split("|")
    return [*rows, line] if at else [line, *rows]


def _rule_line(rows: Rows, _: Random) -> Rows:
    """The line that database clients write below the header."""
    return [rows[0], ["-" * len(name) for name in rows[0]], *rows[1:]]


def _repeat_rows(rows: Rows, draw: Random) -> Rows:
    first = _place(rows, draw)
    count = draw.choice([1, 2, len(rows)])
    return [*rows, *rows[first : first + count]]


def _lose_cell(rows: Rows, draw: Random) -> Rows:
    row = rows[_place(rows, draw)]
    del row[draw.randrange(len(row))]
    return rows


def _add_cell(rows: Rows, draw: Random) -> Rows:
    row = rows[_place(rows, draw)]
    row.insert(draw.randrange(len(row) + 1), draw.choice(["", "x", "1"]))
    return rows


def _join_rows(rows: Rows, draw: Random) -> Rows:
    at = _place(rows, draw)
    if at == len(rows) - 1:
        at -= 1
    return [*rows[:at], rows[at] + rows[at + 1], *rows[at + 2 :]]


def _break_line(rows: Rows, draw: Random) -> Rows:
    row = rows[_place(rows, draw)]
    place = draw.randrange(len(row))
    row[place] += "\n"
    return rows


def _open_quote(rows: Rows, draw: Random) -> Rows:
    row = rows[_place(rows, draw)]
    place = draw.randrange(len(row))
    row[place] = '"' + row[place]
    return rows


def _cut_bytes(content: bytes, draw: Random) -> bytes:
    first = content.index(b"\n") + 2
    return content[: draw.randrange(first, len(content))].rstrip(b"\n")


def _cut_last_cell(content: bytes, draw: Random) -> bytes:
    """End within the last cell of a row: as many cells as the header has."""
    lines = content.decode().splitlines()
    lines = lines[: draw.randrange(2, len(lines) + 1)]
    cells = lines[-1].split("|")
    cells[-1] = cells[-1][: draw.randrange(max(len(cells[-1]), 1))]
    return "\n".join([*lines[:-1], "|".join(cells)]).encode()


def _cut_lines(file: File, draw: Random) -> Contents | None:
    """Lose most rows, at a line's end: from the front, from the end or here and there."""
    if file.row_count < ENOUGH:
        return None
    rows = file.rows
    kept = max(1, int(file.row_count * draw.uniform(0.02, 0.35)))
    begin = draw.choice([1, len(rows) - kept, draw.randrange(1, len(rows) - kept)])
    return {file.name: write([rows[0], *rows[begin : begin + kept]])}


def _insert(content: bytes, draw: Random, *, extra: bytes) -> bytes:
    at = draw.randrange(content.index(b"\n") + 1, len(content) - 1)
    return content[:at] + extra + content[at:]


def _overwrite(content: bytes, draw: Random, *, byte: bytes) -> bytes:
    """A block of a disk that was never written."""
    at = draw.randrange(content.index(b"\n") + 1, len(content) - 1)
    size = min(4096, len(content) - at)
    return content[:at] + byte * size + content[at + size :]


def _mix_ends(content: bytes, draw: Random) -> bytes:
    lines = content.split(b"\n")
    at = draw.randrange(1, len(lines))
    return b"\r\n".join(lines[:at]) + b"\n" + b"\n".join(lines[at:])


def _rename(file: File, draw: Random) -> Contents:
    names = (
        f"{file.stem.upper()}.TXT",
        f"{file.stem}_2024.txt",
        f"{file.stem}_2023.txt",
        f"{file.stem}.rif",
        f"{file.stem}_1.csv",
        f"{file.stem[:-1]}.txt",
        f"{file.stem}s.txt",
        f"copy of {file.name}",
        f"{file.stem}.dat",
        f"{file.stem}.txt.bak",
        f"{file.stem}.xlsx",
    )
    return {file.name: None, draw.choice(names): file.content}


def _double_file(file: File, draw: Random) -> Contents:
    names = (
        f"{file.stem}.csv",
        f"{file.stem}_1.txt",
        f"{file.stem}_2024.txt",
        f"{file.stem} (1).txt",
        f"{file.stem.upper()}.rif",
        f"{file.stem}.txt.gz",
    )
    name = draw.choice(names)
    return {name: gzip.compress(file.content) if name.endswith(".gz") else file.content}


def _double_parts(file: File, _: Random) -> Contents:
    names = (f"{file.stem}_1.txt", f"{file.stem}_2.txt")
    return {file.name: None, **dict.fromkeys(names, file.content)}


def _split(file: File, draw: Random) -> Contents:
    rows = file.rows
    at = _place(rows, draw)
    parts = (rows[:at], [rows[0], *rows[at:]])
    names = (f"{file.stem}_part1.txt", f"{file.stem}_part2.txt")
    return {file.name: None, **dict(zip(names, map(write, parts), strict=True))}


def _overlap(file: File, draw: Random) -> Contents:
    """Two parts that both hold some rows."""
    rows = file.rows
    at = _place(rows, draw)
    parts = (rows[: at + 1], [rows[0], *rows[at:]])
    names = (f"{file.stem}_part1.txt", f"{file.stem}_part2.txt")
    return {file.name: None, **dict(zip(names, map(write, parts), strict=True))}


def _lose_file(file: File, _: Random) -> Contents | None:
    return {file.name: None} if file.row_count >= ENOUGH else None


def _put_other(file: File, draw: Random) -> Contents | None:
    """Another file's content, of the same folder or of the year before, under this name."""
    if file.row_count < ENOUGH:
        return None
    others = [path for path in sorted(file.path.parent.glob("*.txt")) if path.name != file.name]
    return {file.name: draw.choice(others).read_bytes()}


def _put_no_table(file: File, draw: Random) -> Contents:
    pages = (
        b"",
        b"\n",
        b"<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
        b"PK\x03\x04" + file.content[:64],
        b"\x1f\x8b" + file.content[:64],
        b"PAR1" + file.content[:64] + b"PAR1",
    )
    return {file.name: draw.choice(pages)}


def _compress(file: File, draw: Random, *, torn: bool) -> Contents:
    packed = gzip.compress(file.content)
    if torn:
        packed = packed[: draw.randrange(20, len(packed))]
    return {file.name: None, f"{file.stem}.txt.gz": packed}


def _encode(file: File, draw: Random) -> Contents:
    text = file.content.decode()
    encoding = draw.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"])
    return {file.name: text.encode(encoding)}


def _write_parquet(file: File, draw: Random) -> Contents:
    """Parquet as tools write it: texts, numbers as floats or whole ones, categories."""
    rows = file.rows
    how = draw.choice(["text", "float", "guess", "category"])
    columns = {}
    for place, name in enumerate(rows[0]):
        cells = pd.Series([row[place] or None for row in rows[1:]], dtype=object)
        numbers = pd.to_numeric(cells, errors="coerce")
        if how in {"float", "guess"} and numbers.notna().sum() == cells.notna().sum():
            columns[name] = numbers.astype(float) if how == "float" else numbers
        else:
            columns[name] = cells.astype("category") if how == "category" else cells
    table = pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)
    packed = io.BytesIO()
    pq.write_table(table, packed)
    content = packed.getvalue()
    return {file.name: None, f"{file.stem}.parquet": content}


def _tear_parquet(file: File, draw: Random) -> Contents:
    (content,) = (c for c in _write_parquet(file, draw).values() if c is not None)
    at = draw.randrange(8, len(content) - 8)
    return {file.name: None, f"{file.stem}.parquet": content[:at]}


def _write_sas(file: File, _: Random) -> Contents | None:
    """A SAS transport file of texts."""
    rows = file.rows
    if len(rows) * len(rows[0]) > 300_000:
        return None
    frame = pd.DataFrame(rows[1:], columns=[name[:32] for name in rows[0]], dtype=object)
    if frame.columns.has_duplicates:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "file.xpt"
        pyreadstat.write_xport(frame, str(path), file_format_version=8)
        content = path.read_bytes()
    return {file.name: None, f"{file.stem}.xpt": content}


def _delimit(rows: Rows, draw: Random) -> bytes:
    return write(rows, delimiter=draw.choice([",", "\t", ";", "^", "~", "  "]))


def _lower_header(rows: Rows, draw: Random) -> Rows:
    change = draw.choice([str.lower, str.title, " {} ".format, '"{}"'.format])
    rows[0] = [change(name) for name in rows[0]]
    return rows


WHOLE: Mapping[str, Mangle] = {
    "cells in quotes": partial(_rows, change=_quote_some),
    "the last row in quotes": partial(_rows, change=_quote_late),
    "cells padded": partial(_rows, change=_pad),
    "rows in another order": partial(_rows, change=_shuffle),
    "columns in another order": partial(_rows, change=_reorder),
    "a column more": partial(_rows, change=_add_column),
    "header in other letters": partial(_rows, change=_lower_header),
    "a delimiter at the header's end": partial(_rows, change=_delimiter_in_name),
    "a delimiter at each line's end": partial(_rows, change=_trailing),
    "an empty line": partial(_rows, change=_blank_line),
    "header repeated": partial(_rows, change=_repeat_header),
    "header lost": partial(_rows, change=_lose_header),
    "a line above the header": partial(_rows, change=partial(_add_line, at=0)),
    "a line at the end": partial(_rows, change=partial(_add_line, at=1)),
    "a ruled line below the header": partial(_rows, change=_rule_line),
    "rows repeated": partial(_rows, change=_repeat_rows),
    "a cell lost": partial(_rows, change=_lose_cell),
    "a cell more": partial(_rows, change=_add_cell),
    "two rows in a line": partial(_rows, change=_join_rows),
    "a line break in a cell": partial(_rows, change=_break_line),
    "an open quote": partial(_rows, change=_open_quote),
    "cut off in a row": partial(_frame, change=_cut_bytes),
    "cut off in a row's last cell": partial(_frame, change=_cut_last_cell),
    "most lines lost": _cut_lines,
    "a NUL byte": partial(_frame, change=partial(_insert, extra=b"\0")),
    "a byte that is no UTF-8": partial(_frame, change=partial(_insert, extra=b"\xe9")),
    "zeros of a disk": partial(_frame, change=partial(_overwrite, byte=b"\0")),
    "spaces of a disk": partial(_frame, change=partial(_overwrite, byte=b" ")),
    "a mark of the byte order": lambda file, _: {file.name: b"\xef\xbb\xbf" + file.content},
    "Ctrl-Z at the end": lambda file, _: {file.name: file.content + b"\x1a"},
    "CRLF": lambda file, _: {file.name: file.content.replace(b"\n", b"\r\n")},
    "CR": lambda file, _: {file.name: file.content.replace(b"\n", b"\r")},
    "line ends mixed": partial(_frame, change=_mix_ends),
    "no end of the last line": lambda file, _: {file.name: file.content[:-1]},
    "another delimiter": lambda file, draw: {file.name: _delimit(file.rows, draw)},
    "another encoding": _encode,
    "another name": _rename,
    "the file twice": _double_file,
    "the file as two parts": _double_parts,
    "split into parts": _split,
    "parts that share a row": _overlap,
    "the file lost": _lose_file,
    "another file in its place": _put_other,
    "no table": _put_no_table,
    "compressed": partial(_compress, torn=False),
    "compressed and cut off": partial(_compress, torn=True),
    "as Parquet": _write_parquet,
    "as Parquet, cut off": _tear_parquet,
    "as SAS": _write_sas,
}
