"""SAS files, `.sas7bdat` and `.xpt`: their columns, and their rows written as Parquet.

SAS knows two types, text and float; a column's format tells that a number is of days or of seconds
since 1960. It is judged here, for pyreadstat knows fewer formats and takes the seconds of a column
of DTDATE for days. Missing values, the special ones (.A to .Z) too, are null. A number that SAS cut
off, with a LENGTH of fewer than eight bytes, is the shortest decimal that is cut off like that: in
four bytes 1.2 is 1.1999998, and below a threshold that it meets. Whole numbers and days that such a
LENGTH does not keep are refused: in four bytes 3000001 is 3000000.
"""

import re
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from numpy.typing import NDArray

from esrd_pipeline.sources.errors import SourceError

SUFFIXES = (".sas7bdat", ".xpt")
SCRATCH = ".scratch"
"""Folder of the warehouse for what is unpacked."""
LONGEST_NAME = 32
_CELLS_AT_ONCE = 10_000_000
_DATE = re.compile(
    r"DATE|(MMDDYY|DDMMYY|YYMMDD)[BCDNPS]?|WEEKDAT[EX]|WORDDAT[EX]|JULIAN"
    r"|(E8601|B8601|IS8601)DA|NLDATE\w*|EURDF(DD|DE|WDX|WKX)|(MMYY|YYMM)[CDNPS]?|MONYY|YYMON"
)
_DATETIME = re.compile(
    r"DATETIME|DATEAMPM|MDYAMPM|(E8601|B8601|IS8601)(DT|DN|DZ|DX)|DT(DATE|MONYY)|NLDATM\w*|EURDFDT"
)
_MILLISECONDS = {"date": 86_400_000, "datetime": 1000}
_EPOCH = -315_619_200_000  # 1 January 1960, in milliseconds of 1 January 1970
_FARTHEST = 10**15
"""Milliseconds to years of five digits, which no form of a date has."""
_WHOLE_WIDTH = 8
"""Bytes of a number that is not cut off."""
_BITS_BEFORE = 12
"""Bits of sign and exponent."""
_BITS_BESIDE = _BITS_BEFORE - 1
"""Bits that tell no whole numbers apart: those, but for a fraction's first, which is implied."""
_MOST_DIGITS = 15
_LAST_BITS = 1e-15
_RECORD = 80
_MEMBER = b"HEADER RECORD*******MEMBV8  HEADER RECORD!!!!!!!"
_COUNT = b"HEADER RECORD*******OBSV8   HEADER RECORD!!!!!!!"
_COUNT_DIGITS = 15
_CUT = (
    "is not below {limit:,}, beyond which a LENGTH of {width} bytes does not keep a whole number or"
    " a day: give the column a LENGTH of 8 where it is made"
)
_UNREADABLE = "cannot be read as a SAS file: it is damaged, cut off, or encrypted"


@contextmanager
def open_scratch(folder: Path) -> Generator[Path]:
    """Make an empty folder, and delete it at the end.

    What a killed process left in it is deleted at the next begin.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_columns(path: Path) -> dict[str, pa.DataType]:
    """Return the types that a file's columns get, by their names as in the file.

    Raises:
        SourceError: it is no SAS file, or one that cannot be read without a loss.
    """
    if path.suffix.lower() == ".xpt":
        _check_transport(path)
    _, meta = _read(path, metadataonly=True)
    formats: Mapping[str, str | None] = meta.original_variable_types
    kinds: Mapping[str, str] = meta.readstat_variable_types
    return {name: _type(kinds[name], formats[name]) for name in meta.column_names}


def write_parquet(path: Path, names: Mapping[str, bool], target: Path) -> None:
    """Write some columns of a file as Parquet, a part of its rows at a time.

    `names` says of each column whether its numbers are whole ones or days, not measured ones.

    Raises:
        SourceError: it cannot be read, holds fewer rows than it says, or has whole numbers or days
            that their LENGTH does not keep.
    """
    types = read_columns(path)
    is_transport = path.suffix.lower() == ".xpt"
    schema = pa.schema([(name, types[name]) for name in names])
    step = max(1, _CELLS_AT_ONCE // len(names))
    _, meta = _read(path, metadataonly=True)
    formats: Mapping[str, str | None] = meta.original_variable_types
    widths: Mapping[str, int] = meta.variable_storage_width
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while True:
            columns, _ = _read(
                path,
                usecols=list(names),
                row_offset=count,
                row_limit=step,
                disable_datetime_conversion=True,
                output_format="dict",
            )
            for name, is_whole in names.items():
                if is_whole and not pa.types.is_string(types[name]):
                    row = _find_cut(columns[name], widths[name], formats[name])
                    if row is not None:
                        rule = _CUT.format(limit=_find_limit(widths[name]), width=widths[name])
                        raise SourceError(
                            file=path.name, row=count + row + 2, column=name, rule=rule
                        )
            arrays = [
                pa.array(
                    _restore(
                        np.array(columns[name], np.float64),
                        widths[name],
                        is_transport=is_transport,
                    ),
                    types[name],
                    from_pandas=True,
                )
                if pa.types.is_floating(types[name]) and widths[name] < _WHOLE_WIDTH
                else _convert(columns[name], types[name], formats[name])
                for name in names
            ]
            part = pa.Table.from_arrays(arrays, schema=schema)
            writer.write_table(part)
            count += part.num_rows
            if part.num_rows < step:
                break
    stated = _read_stated_count(path) if is_transport else meta.number_rows
    if stated is not None and stated != count:
        raise SourceError(
            file=path.name, rule=f"says it holds {stated:,} rows, and holds {count:,}"
        )


def _kind(variable_format: str | None) -> str | None:
    """Return what a format says of a number: date, datetime, or neither."""
    name = (variable_format or "").upper().rstrip("0123456789.")
    if _DATE.fullmatch(name):
        return "date"
    return "datetime" if _DATETIME.fullmatch(name) else None


def _type(kind: str, variable_format: str | None) -> pa.DataType:
    if kind == "string":
        return pa.string()
    return pa.float64() if _kind(variable_format) is None else pa.timestamp("ms")


def _find_limit(width: int) -> int:
    """Return the number below which a LENGTH keeps every whole number.

    A transport file keeps some more, but its numbers may come from a data set of this LENGTH.
    """
    return 2 ** (8 * width - _BITS_BESIDE)


def _find_cut(values: Sequence[object], width: int, variable_format: str | None) -> int | None:
    """Return the place of the first number that may stand for several whole ones or days."""
    # Midnights, whose seconds are multiples of 128, are kept, and what is cut is none.
    if width >= _WHOLE_WIDTH or _kind(variable_format) == "datetime":
        return None
    places = np.flatnonzero(np.abs(np.array(values, np.float64)) >= _find_limit(width))
    return int(places[0]) if places.size else None


def _convert(values: Sequence[object], kind: pa.DataType, variable_format: str | None) -> pa.Array:
    if not pa.types.is_timestamp(kind):
        return pa.array(values, kind, from_pandas=True)
    since = np.array(values, np.float64) * _MILLISECONDS[_kind(variable_format) or "date"]
    is_missing = np.isnan(since)
    # A day beyond the calendar stays a value, and one that is refused as no date.
    near = np.clip(np.where(is_missing, 0.0, since), -_FARTHEST, _FARTHEST)
    return pa.array(np.rint(near).astype(np.int64) + _EPOCH, mask=is_missing).cast(kind)


def _restore(values: NDArray[np.float64], width: int, *, is_transport: bool) -> NDArray[np.float64]:
    """Return the shortest decimals that lie less than one unit of the last kept bit above.

    Transport files have IBM's floats: a fraction of 8 bits for each byte but the first, and powers
    of 16.
    """
    restored = values.copy()
    places = np.flatnonzero(np.isfinite(values) & (values != np.trunc(values)))
    size = np.abs(values[places])
    power = np.floor(np.log2(size))
    kept = power - (8 * width - _BITS_BEFORE)
    unit = 2.0 ** (4 * np.floor(power / 4) + 4 - 8 * (width - 1) if is_transport else kept)
    first = np.floor(np.log10(size))
    is_open = np.ones(places.size, dtype=bool)
    for digits in range(1, _MOST_DIGITS + 1):
        scale = 10.0 ** (digits - 1 - first)
        # The next one above, or the number itself, which the product may pass by its last bit.
        decimal = np.ceil(size * scale * (1 - _LAST_BITS)) / scale
        is_found = is_open & (decimal >= size) & (decimal - size < unit)
        restored[places[is_found]] = np.copysign(decimal, values[places])[is_found]
        is_open &= ~is_found
    return restored


def _read(path: Path, **options: object) -> tuple[Mapping[str, Sequence[object]], Any]:
    is_transport = path.suffix.lower() == ".xpt"
    reader: Callable[..., tuple[Any, Any]] = (
        pyreadstat.read_xport if is_transport else pyreadstat.read_sas7bdat
    )
    try:
        return reader(str(path), **options)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeError):
        raise SourceError(file=path.name, rule=_UNREADABLE) from None


def _check_transport(path: Path) -> None:
    """Check that a transport file is one of version 8 with one data set.

    Version 5 cuts names to 8 characters, which no table's columns are known by.
    """
    with path.open("rb") as file:
        head = file.read(_RECORD)
    if head.startswith(b"HEADER RECORD*******LIBRARY"):
        raise SourceError(
            file=path.name,
            rule="is a SAS transport file of version 5, whose names have 8 characters at most:"
            " write version 8 (%loc2xpt with FORMAT=V8), or a .sas7bdat",
        )
    if not head.startswith(b"HEADER RECORD*******LIBV8"):
        raise SourceError(
            file=path.name,
            rule="is not a SAS transport file of version 8 (files of PROC CPORT are not read)",
        )
    if path.stat().st_size % _RECORD:
        raise SourceError(file=path.name, rule="is cut off: its last record is not whole")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        first = _find_record(content, _MEMBER, 0)
        if first is None or _find_record(content, _MEMBER, first + _RECORD) is not None:
            rule = "holds several data sets, or none: write each into a file of its own"
            raise SourceError(file=path.name, rule=rule)


def _read_stated_count(path: Path) -> int | None:
    """Return the number of rows in a transport file's header; None where it says none."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        place = _find_record(content, _COUNT, 0)
        if place is None:
            return None
        stated = content[place + len(_COUNT) : place + len(_COUNT) + _COUNT_DIGITS].strip()
    return int(stated) if stated.isdigit() and int(stated) else None


def _find_record(content: mmap, record: bytes, start: int) -> int | None:
    place = content.find(record, start)
    while place >= 0 and place % _RECORD:
        place = content.find(record, place + 1)
    return place if place >= 0 else None
