"""Rows for a file: NumPy columns, texts as codes, and their conversion to Arrow tables.

Repeated texts are stored as integer codes with a dictionary, as in Parquet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from esrd_pipeline.tables.model import Column, Table

NO_DAY = np.iinfo(np.int32).min
"""A missing date among int32 days since 1970-01-01."""
NO_NUMBER = -1
"""A missing whole number."""
PLAIN = frozenset(
    {"mbi", "hicn", "ssn", "mbi_num", "bene_crnt_hic_num", "bene_ssn_num", "pers_ssn"}
)
"""Texts that hardly repeat, stored as text."""
_WORDS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Codes:
    """The words of the codes 0, 1, 2 ..."""

    words: tuple[str, ...]

    def of(self, codes: np.ndarray) -> "Coded":
        """Return a column of these words; -1 is a missing text."""
        return Coded(codes, self.words)

    def index(self, word: str) -> int:
        """Return the code of a word."""
        return self.words.index(word)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts as codes; -1 is missing."""

    codes: np.ndarray
    words: tuple[str, ...]


Values = np.ndarray | Coded
Rows = Mapping[str, Values]


def repeat(word: str, count: int) -> Coded:
    """Return a column with the same text in every row."""
    return Coded(np.zeros(count, dtype=np.int8), (word,))


def spell(texts: np.ndarray) -> Coded:
    """Return texts as codes; an empty text is missing."""
    words, codes = np.unique(texts, return_inverse=True)
    kept = [str(word) for word in words]
    codes = codes.astype(np.int32).reshape(-1)
    if kept and not kept[0]:
        return Coded(codes - 1, tuple(kept[1:]))
    return Coded(codes, tuple(kept))


def choose(values: Values, rows: np.ndarray) -> Values:
    """Return the rows of a column that an index or a mask selects."""
    if isinstance(values, Coded):
        return Coded(values.codes[rows], values.words)
    return values[rows]


def choose_rows(columns: Rows, rows: np.ndarray) -> dict[str, Values]:
    """Return the rows of all columns that an index or a mask selects."""
    return {name: choose(values, rows) for name, values in columns.items()}


def stack(parts: Sequence[Rows]) -> dict[str, Values]:
    """Concatenate rows with the same columns."""
    if not parts:
        return {}
    names = parts[0].keys()
    if any(part.keys() != names for part in parts):
        raise KeyError("rows with different columns cannot be concatenated")
    return {name: _join([part[name] for part in parts]) for name in names}


def schema_of(table: Table) -> pa.Schema:
    """Return the file's Arrow schema: the definition's columns in CMS's upper case."""
    return pa.schema(
        [pa.field(column.name.upper(), _type_of(column)) for column in _columns(table)]
    )


def to_arrow(table: Table, rows: Rows) -> pa.Table:
    """Return rows as the file's Arrow table; columns not given are null in every row."""
    schema = schema_of(table)
    unknown = rows.keys() - {column.name for column in table.columns}
    if unknown:
        raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    count = next((len(_codes(values)) for values in rows.values()), 0)
    arrays = [
        _to_array(rows[column.name], field.type)
        if column.name in rows
        else pa.nulls(count, field.type)
        for column, field in zip(_columns(table), schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _columns(table: Table) -> list[Column]:
    return [column for column in table.columns if column.name != "performance_year"]


def _type_of(column: Column) -> pa.DataType:
    if column.type == "text":
        return pa.string() if column.name in PLAIN else _WORDS
    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    return types[column.type]


def _to_array(values: Values, kind: pa.DataType) -> pa.Array:
    if isinstance(values, Coded):
        values = _unite_words(values)
        codes = values.codes.astype(np.int32, copy=False)
        missing = codes < 0
        indices = pa.array(codes, mask=missing) if missing.any() else pa.array(codes)
        words = pa.DictionaryArray.from_arrays(indices, pa.array(values.words, pa.string()))
        return words.cast(pa.string()) if kind == pa.string() else words
    if kind == pa.date32():
        days = values.astype(np.int32, copy=False)
        return pa.array(days, mask=days == NO_DAY).view(pa.date32())
    if kind == pa.float64():
        return pa.array(values.astype(np.float64, copy=False), from_pandas=True)
    if kind == pa.string():
        return pa.array([text or None for text in values.tolist()], pa.string())
    if kind == _WORDS:
        raise TypeError("a repeated text must be given as codes")
    if kind == pa.int64():
        missing = values == NO_NUMBER
        return pa.array(values, mask=missing if missing.any() else None).cast(kind)
    return pa.array(values).cast(kind)


def _unite_words(values: Coded) -> Coded:
    """Return the column with every word once.

    Of a dictionary that repeats a word, pyarrow 26 writes a Parquet page whose last bytes are
    whatever was in memory: the same rows would not give the same file.
    """
    words = tuple(dict.fromkeys(values.words))
    if len(words) == len(values.words):
        return values
    place = {word: code for code, word in enumerate(words)}
    moved = np.array([*(place[word] for word in values.words), NO_NUMBER], dtype=np.int32)
    return Coded(moved[values.codes], words)


def _codes(values: Values) -> np.ndarray:
    return values.codes if isinstance(values, Coded) else values


def _join(parts: Sequence[Values]) -> Values:
    first = parts[0]
    if not isinstance(first, Coded):
        return np.concatenate([part for part in parts if not isinstance(part, Coded)])
    coded = [part for part in parts if isinstance(part, Coded)]
    if all(part.words == first.words for part in coded):
        return Coded(np.concatenate([part.codes for part in coded]), first.words)
    words = tuple(dict.fromkeys(word for part in coded for word in part.words))
    place = {word: code for code, word in enumerate(words)}
    moved: list[np.ndarray] = []
    for part in coded:
        table = np.array([*(place[word] for word in part.words), -1], dtype=np.int32)
        moved.append(table[part.codes])
    return Coded(np.concatenate(moved), words)
