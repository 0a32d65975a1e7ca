"""Ways in which a patient-level text file comes damaged, with a person's identifiers in the place.

Each takes a good file's rows, the header first, and returns the bytes of a damaged one; None where
it has no such column. What is told of the file must name nobody.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.tables.forms import Form
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline_tests.canaries import DATES, NAMES, NUMBERS, TEXTS

Rows = list[list[str]]
Damage = Callable[[Rows, Table], bytes | None]
PLACE = 3
"""The damaged row; the rows before it are good."""
_PERSONAL = (*NAMES, *TEXTS, *NUMBERS, *DATES)


def find_person(rows: Rows) -> str:
    """Return something that tells who the damaged row is about."""
    header, row = rows[0], rows[PLACE]
    return next(row[header.index(name)] for name in _PERSONAL if name in header and _at(rows, name))


def write(rows: Sequence[Sequence[str]]) -> bytes:
    """Return the rows as a pipe-delimited file."""
    return "".join("|".join(row) + "\n" for row in rows).encode()


def _at(rows: Rows, name: str) -> str:
    return rows[PLACE][rows[0].index(name)]


def _put(rows: Rows, place: int, text: str) -> bytes:
    rows[PLACE][place] = text
    return write(rows)


def _find(rows: Rows, table: Table, fits: Callable[[Column], bool]) -> int | None:
    """Return the place of the first column of the file that fits."""
    names = [column.name.upper() for column in table.columns if fits(column)]
    return next((rows[0].index(name) for name in names if name in rows[0]), None)


def _refuses_words(form: Form | None) -> bool:
    return form is not None and bool(form.pattern) and not re.fullmatch(form.pattern, "OF 1")


def _put_person_into(rows: Rows, table: Table, *, fits: Callable[[Column], bool]) -> bytes | None:
    place = _find(rows, table, fits)
    # Not the number alone, which might be read as one.
    return None if place is None else _put(rows, place, f"of {find_person(rows)}")


def _rewrite_number(rows: Rows, table: Table, *, form: str) -> bytes | None:
    place = _find(rows, table, lambda column: column.name.upper() in NUMBERS)
    return None if place is None else _put(rows, place, form.format(rows[PLACE][place]))


def _rewrite_day(rows: Rows, table: Table, *, form: str) -> bytes | None:
    place = _find(rows, table, lambda column: column.name.upper() in DATES)
    return None if place is None else _put(rows, place, form.format(find_person(rows)))


def _empty_needed(rows: Rows, table: Table) -> bytes | None:
    place = _find(rows, table, lambda column: column.required and column.name.upper() in _PERSONAL)
    return None if place is None else _put(rows, place, "")


def _double_rows(rows: Rows, _: Table) -> bytes:
    return write([*rows, *rows[1:]])


def _lose_cells(rows: Rows, _: Table) -> bytes:
    rows[PLACE] = rows[PLACE][:-1]
    return write(rows)


def _add_cells(rows: Rows, _: Table) -> bytes:
    rows[PLACE] += [find_person(rows)]
    return write(rows)


def _lose_header(rows: Rows, _: Table) -> bytes:
    return write(rows[1:])


def _put_person_into_header(rows: Rows, _: Table) -> bytes:
    rows[0] = [*rows[0], find_person(rows), find_person(rows)]
    return write([rows[0], *([*row, "", ""] for row in rows[1:])])


def _name_column_by_person(rows: Rows, _: Table) -> bytes:
    rows[0] = [*rows[0], find_person(rows)]
    return write([rows[0], *([*row, ""] for row in rows[1:PLACE]), *rows[PLACE:]])


def _repeat_header(rows: Rows, _: Table) -> bytes:
    return write([*rows, rows[0], *rows[1:]])


def _swap_names(rows: Rows, table: Table) -> bytes | None:
    first = _find(rows, table, lambda column: column.type == "date")
    other = _find(rows, table, lambda column: column.name.upper() in (*TEXTS, *NUMBERS))
    if first is None or other is None:
        return None
    rows[0][first], rows[0][other] = rows[0][other], rows[0][first]
    return write(rows)


def _open_quote(rows: Rows, _: Table) -> bytes:
    rows[1] = [f'"{cell}"' for cell in rows[1]]
    return _put(rows, 0, '"' + find_person(rows))


def _put_bytes(rows: Rows, _: Table, *, extra: bytes) -> bytes:
    person = find_person(rows).encode()
    return write(rows).replace(person, person + extra)


def _cut_off(rows: Rows, _: Table) -> bytes:
    content = write(rows)
    return content[: content.rindex(b"|") - 1]


def _write_utf_16(rows: Rows, _: Table) -> bytes:
    return write(rows).decode().encode("utf-16")


def _put_commas(rows: Rows, _: Table) -> bytes:
    return write([*rows[:PLACE], [",".join(rows[PLACE])], *rows[PLACE + 1 :]])


def _mix_line_ends(rows: Rows, _: Table) -> bytes:
    return write(rows).replace(b"\n", b"\r\n", 2)


def _tear_gzip(rows: Rows, _: Table) -> bytes:
    return b"\x1f\x8b" + write(rows)


def _write_parquet(rows: Rows, _: Table, *, torn: bool) -> bytes:
    """Return the rows as Parquet whose numbers have fractions and whose dates are names."""
    columns = {}
    for place, name in enumerate(rows[0]):
        cells = [row[place] for row in rows[1:]]
        if name in NUMBERS:
            columns[name] = pa.array([float(cell or 0) + 0.5 for cell in cells])
        else:
            columns[name] = pa.array([find_person(rows) if name in DATES else c for c in cells])
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    content = file.getvalue()
    return content[: len(content) // 2] if torn else content


TEXT_DAMAGES: Mapping[str, Damage] = {
    "a person in a date": partial(_put_person_into, fits=lambda c: c.type == "date"),
    "a person in a number": partial(_put_person_into, fits=lambda c: c.type == "number"),
    "a person in yes or no": partial(_put_person_into, fits=lambda c: c.type == "boolean"),
    "a person in a list of texts": partial(_put_person_into, fits=lambda c: c.allowed is not None),
    "a person in a code": partial(_put_person_into, fits=lambda c: _refuses_words(c.form)),
    "a name in an id": partial(
        _put_person_into, fits=lambda c: c.type == "integer" and c.name.upper() not in NUMBERS
    ),
    "an id with a fraction": partial(_rewrite_number, form="{}.5"),
    "an id as a float": partial(_rewrite_number, form="{}E+2"),
    "an id that is too large": partial(_rewrite_number, form="{}00000"),
    "an id that does not exist": partial(_rewrite_number, form="-{}"),
    "a birth date in words": partial(_rewrite_day, form="born {}"),
    "a needed id is empty": _empty_needed,
    "every row twice": _double_rows,
    "a row is short": _lose_cells,
    "a row is long": _add_cells,
    "no header": _lose_header,
    "a person in the header, twice": _put_person_into_header,
    "a column named by a person": _name_column_by_person,
    "the header again": _repeat_header,
    "two columns' names swapped": _swap_names,
    "an open quote": _open_quote,
    "a NUL byte": partial(_put_bytes, extra=b"\0"),
    "a byte that is no UTF-8": partial(_put_bytes, extra=b"\xf1"),
    "a line break in a cell": partial(_put_bytes, extra=b"\n"),
    "cut off": _cut_off,
    "UTF-16": _write_utf_16,
    "commas in a row": _put_commas,
    "line ends mixed": _mix_line_ends,
}
OTHER_DAMAGES: Mapping[str, tuple[str, Damage]] = {
    "a torn compressed file": (".txt.gz", _tear_gzip),
    "Parquet of other types": (".parquet", partial(_write_parquet, torn=False)),
    "a torn Parquet file": (".parquet", partial(_write_parquet, torn=True)),
}
DAMAGES: Mapping[str, tuple[str, Damage]] = {
    **{name: (".txt", damage) for name, damage in TEXT_DAMAGES.items()},
    **OTHER_DAMAGES,
}
"""By what is wrong: the file's suffix and the damage."""
