"""Reads an official file that replaces one of the project's parameter files.

Its cells are text, so a slip would show where it is used, or nowhere: a row that lost a cell is
filled up by pandas, and one cell more in each row moves all columns. What the project's own file
is, the official one must be.
"""

import csv
import math
from pathlib import Path

import pandas as pd

from esrd_pipeline.settings import SettingError

CODES = frozenset(
    (
        *("category", "ccn", "code", "drg", "fips_state_code", "footnote", "middle_digits"),
        *("nch_clm_type_cd", "network", "printed_as", "ptnt_dschrg_stus_cd", "rev_cntr", "ruca1"),
    )
)
"""Columns of codes, which an official file may write with letters though ours has none."""
CITATION = "citation"


class ParameterFileError(SettingError):
    """An official file, or the folder of them, is none that can replace the project's."""


def read_official(path: Path, own: pd.DataFrame) -> pd.DataFrame:
    """Read an official file as text, with the columns of the project's own table.

    Raises:
        ParameterFileError: it is not a whole CSV file in UTF-8 with these columns; a cell is empty
            or no number where all of the project's own are there or numbers; or a row repeats one.
    """
    header, rows = _read_rows(path)
    if not rows and len(own):
        raise ParameterFileError(f"{path.name} has no row under the header")
    if sorted(header) != sorted(own.columns):
        raise ParameterFileError(
            f"{path.name}: columns are {', '.join(sorted(header))}, not"
            f" {', '.join(sorted(own.columns))}"
        )
    for name in own.columns:
        _check_column(path, name, own[name], {row: cells[name] for row, cells in rows.items()})
    _check_repeated(path, own, rows)
    table = pd.DataFrame(list(rows.values()), columns=own.columns, dtype="string")
    return table.replace("", pd.NA)


def _read_rows(path: Path) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Return the header, and by line the cells of each row; lines of comments are none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ParameterFileError(f"{path.name} is not UTF-8: save it as UTF-8") from None
    if not text.endswith("\n"):
        raise ParameterFileError(f"{path.name}: the last line does not end: the file was cut off")
    lines = ("" if line.startswith("#") else line for line in text.splitlines(keepends=True))
    reader = csv.reader(lines, strict=True)
    header: list[str] = []
    rows: dict[int, dict[str, str]] = {}
    try:
        for cells in reader:
            if not header:
                header = cells
            elif len(cells) != len(header):
                raise ParameterFileError(
                    f"{path.name}, row {reader.line_num}: {len(cells)} cells where the header has"
                    f" {len(header)}"
                )
            else:
                rows[reader.line_num] = dict(zip(header, map(str.strip, cells), strict=True))
    except csv.Error as error:
        raise ParameterFileError(f"{path.name}, row {reader.line_num}: {error}") from None
    return header, rows


def _check_column(path: Path, name: str, own: pd.Series, cells: dict[int, str]) -> None:
    ours = [str(text) for text in own.dropna()]
    is_number = bool(ours) and name not in CODES and all(map(_is_number, ours))
    for row, text in cells.items():
        place = f"{path.name}, row {row}, column '{name}'"
        if not text and (name == CITATION or (ours and not own.isna().any())):
            raise ParameterFileError(f"{place}: the cell is empty and must not be")
        if text and is_number and not _is_number(text):
            raise ParameterFileError(f"{place}: '{text}' is not a number")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _check_repeated(path: Path, own: pd.DataFrame, rows: dict[int, dict[str, str]]) -> None:
    names = [name for name in own.columns if name != CITATION]
    if own[names].duplicated().any():
        return
    seen: dict[tuple[str, ...], int] = {}
    for row, cells in rows.items():
        first = seen.setdefault(tuple(cells[name] for name in names), row)
        if first != row:
            raise ParameterFileError(f"{path.name}, row {row}: repeats row {first}")
