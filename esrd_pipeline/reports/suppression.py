"""Cells that tell of few patients, in what others are shown (CMS's cell size policy).

Which cells those are is declared in the tables' definitions: columns that count patients or their
events, columns that follow from them, and the totals that counts add up to (`Column`, `Total`). A
count of 1 to 10 is not shown. Where the total is shown beside it, another is hidden too
(complementary suppression), the next smallest, until what is shown of a total leaves at least two
cells open that together are 11 or more, and each hidden count could be another. Which of the hidden
cells are small is not shown, so that their size says nothing about the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.reports.open_cells import Sums, find_given_away
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Column, Table, Total

SMALLEST_SHOWN = 11
LEAST_HIDDEN = 2
"""Parts of a shown total that are hidden together at least."""
MARKER = "suppressed"
"""Column that names a row's hidden columns, with spaces between; null where nothing is hidden."""
FEW = f"fewer than {SMALLEST_SHOWN}"
FEW_OR_BESIDE = f"{FEW}, or hidden beside such a count"
_ROW_OF_A_MEASURE = ["program", "measure", "ccn"]


def describe_hidden(table: Table) -> str:
    """Return what a page prints in place of a hidden cell."""
    return FEW_OR_BESIDE if table.totals or table.row_totals else FEW


def suppress(
    table: Table,
    frame: pd.DataFrame,
    *,
    few: pd.DataFrame | None = None,
    places: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the rows with null in every cell that others are not shown, and the column MARKER.

    A frame may have only some of the table's columns, but of a table with totals it must have the
    key and all rows that are shown: a cell is protected from the rows given. The result does not
    depend on their order.

    Args:
        table: definition of the rows.
        frame: its rows, in any order.
        few: program, measure and ccn of the contract's rows of few patients, for tables whose
            columns follow it.
        places: facility directory, for totals over places; its column `ccn` is the key.
    """
    rows = frame.reset_index(drop=True)
    hidden = {
        column.name: _find_small(column, rows) for column in table.columns if column.name in rows
    }
    _protect_totals(table, rows, hidden, places)
    of_few = _find_rows_of_few(rows, few)
    before = {name: mask.copy() for name, mask in hidden.items()}
    for column in table.columns:
        for other in column.suppressed_with:
            if column.name in hidden:
                follows = of_few if "." in other else before.get(other)
                if follows is not None:
                    hidden[column.name] |= follows
    shown = frame.copy()
    names = np.full(len(rows), "", dtype=object)
    for name, mask in hidden.items():
        gone = mask & rows[name].notna().to_numpy()
        if gone.any():
            shown[name] = shown[name].mask(gone)
            names[gone] = names[gone] + f" {name}"
    shown[MARKER] = pd.Series([text.strip() or None for text in names], frame.index, dtype=object)
    return shown


def find_few(contract: pd.DataFrame) -> pd.DataFrame:
    """Return program, measure and ccn of the contract's rows that rest on one to ten patients."""
    small = [
        _find_small(column, contract) for column in CONTRACT.columns if column.name in contract
    ]
    return contract.loc[np.logical_or.reduce(small), _ROW_OF_A_MEASURE]


def is_few(counts: pd.Series) -> pd.Series:
    """Return whether a count is one of one to ten patients."""
    numbers = counts.astype("float64")
    return (numbers > 0) & (numbers < SMALLEST_SHOWN)


def _find_small(column: Column, rows: pd.DataFrame) -> np.ndarray:
    """Return where a column's own number is of few patients."""
    if column.counts is None:
        return np.zeros(len(rows), dtype=bool)
    small = is_few(rows[column.name])
    if column.out_of is not None and column.out_of in rows:
        rest = rows[column.out_of].astype("float64") - rows[column.name].astype("float64")
        small |= is_few(rest)
    if column.counts_where is not None:
        name, text = column.counts_where
        small &= (rows[name] == text).fillna(value=False) if name in rows else False
    return small.to_numpy(dtype=bool, copy=True)


def _find_rows_of_few(rows: pd.DataFrame, few: pd.DataFrame | None) -> np.ndarray | None:
    """Return which rows belong to a row of the contract that rests on few patients.

    A table of a single program has no column for it: flags are DFC's, scores the QIP's.
    """
    if few is None or not {"measure", "ccn"} <= set(rows.columns):
        return None
    program = "qip" if "payment_year" in rows.columns else "dfc"
    keyed = rows[["measure", "ccn"]].assign(program=rows.get("program", program))
    keys = pd.MultiIndex.from_frame(keyed[_ROW_OF_A_MEASURE])
    return keys.isin(pd.MultiIndex.from_frame(few[_ROW_OF_A_MEASURE]))


def _protect_totals(
    table: Table,
    rows: pd.DataFrame,
    hidden: dict[str, np.ndarray],
    places: pd.DataFrame | None,
) -> None:
    """Hide further counts where a total would give a hidden one away."""
    names = [column.name for column in table.columns if column.counts and column.name in rows]
    if not (table.totals or table.row_totals) or rows.empty or not names:
        return
    count = len(rows)
    links = [_link(table, total, rows, places) for total in table.totals]
    sums = list_sums(table, names, links, rows)
    mask = np.concatenate([*(hidden[name] for name in names), np.zeros(sums.extra, dtype=bool)])
    mask[count * len(names) :] = _hide_columns(sums, hidden)
    protect(sums, mask, _rank(table, rows, len(names), sums.extra))
    for position, name in enumerate(names):
        hidden[name] |= mask[position * count : (position + 1) * count]
    for name, cells in sums.in_columns.items():
        gone = cells[:, 1][mask[cells[:, 1]]]
        hidden[name] |= np.isin(np.arange(count), cells[np.isin(cells[:, 1], gone), 0])


def _rank(table: Table, rows: pd.DataFrame, columns: int, extra: int) -> np.ndarray:
    """Return the order in which equal cells are hidden: by column, then by the row's key."""
    order = [pd.factorize(rows[name].astype(str), sort=True)[0] for name in reversed(table.key)]
    rank = np.empty(len(rows), dtype=np.int64)
    rank[np.lexsort(order)] = np.arange(len(rows))
    cells = len(rows) * columns
    return np.concatenate(
        [
            (rank + len(rows) * np.arange(columns)[:, np.newaxis]).ravel(),
            cells + np.arange(extra),
        ]
    )


def _hide_columns(sums: Sums, hidden: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which totals that stand in a column of their parts are small themselves."""
    small = np.zeros(sums.extra, dtype=bool)
    first = len(sums.numbers) - sums.extra
    for name, cells in sums.in_columns.items():
        small[cells[hidden[name][cells[:, 0]], 1] - first] = True
    return small


@dataclass(frozen=True, slots=True)
class _Linked:
    """The rows that are parts of totals: sum `of[i]` of row `part[i]`, and each sum's total row.

    Where `at` is None, no row is the total.
    """

    total: Total
    part: np.ndarray
    of: np.ndarray
    count: int
    at: np.ndarray | None


def _link(table: Table, total: Total, rows: pd.DataFrame, places: pd.DataFrame | None) -> _Linked:
    keys = _key_of_total(table, total, rows, places)
    is_part = keys.notna().all(axis=1).to_numpy(copy=True)
    for name, value in total.among.items():
        is_part &= (rows[name].astype(str) == value).to_numpy()
    own, wanted = _number(rows[list(keys.columns)], keys)
    if not total.row:
        part = np.flatnonzero(is_part)
        of, names = pd.factorize(wanted[part])
        return _Linked(total, part, of, len(names), None)
    at = np.full(max(own.max(), wanted.max()) + 1, -1)
    at[own] = np.arange(len(rows))
    part = np.flatnonzero(is_part & (own != wanted) & (at[wanted] >= 0))
    # Parts of different kinds have one total, but each kind is a sum of its own.
    fixed = rows[[name for name in table.key if name not in total.over]]
    kinds, _ = _number(fixed, fixed)
    of, names = pd.factorize(kinds[part] * len(at) + wanted[part])
    return _Linked(total, part, of, len(names), at[names % len(at)])


def _number(some: pd.DataFrame, others: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Number the rows of two frames of the same columns: equal rows have equal numbers."""
    count = len(some)
    numbers = np.zeros(count + len(others), dtype=np.int64)
    for name in some.columns:
        texts = pd.concat([some[name].astype(str), others[name].astype(str)])
        codes, found = pd.factorize(texts, use_na_sentinel=False)
        numbers, _ = pd.factorize(numbers * len(found) + codes)
    return numbers[:count], numbers[count:]


def list_sums(
    table: Table, names: Sequence[str], links: Sequence[_Linked], rows: pd.DataFrame
) -> Sums:
    """Return the sums of counts that a reader of the rows can form.

    The cells are the counting columns' one after the other, each in the order of the rows, and
    after them totals that stand beside each of their parts, or are known from elsewhere.
    """
    count = len(rows)
    columns = [rows[name].astype("float64").fillna(0.0).to_numpy() for name in names]
    empty = np.zeros(0, dtype=np.int64)
    extra: list[np.ndarray] = []
    part, of, totals = [empty], [empty], [empty]
    in_columns: dict[str, np.ndarray] = {}
    cells, number = count * len(names), 0

    def add(parts: np.ndarray, sums: np.ndarray, total: np.ndarray) -> None:
        nonlocal number
        part.append(parts)
        of.append(sums + number)
        totals.append(total)
        number += len(total)

    for position, name in enumerate(names):
        for one in links:
            if one.total.counts and name not in one.total.counts:
                continue
            if one.at is not None:
                add(one.part + position * count, one.of, one.at + position * count)
                continue
            known = np.bincount(one.of, columns[position][one.part], minlength=one.count)
            at = cells + np.arange(one.count)
            extra.append(known)
            cells += one.count
            add(one.part + position * count, one.of, at)
            if one.total.column is not None:
                pairs = np.column_stack([one.part, at[one.of]])
                before = in_columns.get(one.total.column, pairs[:0])
                in_columns[one.total.column] = np.concatenate([before, pairs])
    each = np.arange(count)
    for total in table.row_totals:
        if {total.column, *total.parts} <= set(names):
            places = [each + names.index(name) * count for name in total.parts]
            sums = np.tile(each, len(places))
            add(np.concatenate(places), sums, each + names.index(total.column) * count)
    return Sums(
        numbers=np.concatenate([*columns, *extra]),
        extra=cells - count * len(names),
        part=np.concatenate(part),
        of=np.concatenate(of),
        total=np.concatenate(totals),
        in_columns=in_columns,
    )


def _key_of_total(
    table: Table, total: Total, rows: pd.DataFrame, places: pd.DataFrame | None
) -> pd.DataFrame:
    """Return, row by row, the key of the total it is a part of; null where it is part of none."""
    keys = rows[[name for name in table.key if name not in total.over]].astype(str)
    keys = keys.assign(**total.row)
    for name, attribute in total.place.items():
        if attribute in rows:
            keys[name] = rows[attribute]
        elif places is not None:
            of = places.drop_duplicates("ccn").set_index("ccn")[attribute]
            keys[name] = rows[name].map(of)
        else:
            raise LookupError(f"{table.name}: {attribute} is of the directory, which is not given")
        keys[name] = keys[name].map(_write_place)
    return keys


def _write_place(value: float | str | None) -> str | None:
    """Return a place as a text key has it: Network 6, though a column with nulls holds 6.0."""
    if pd.isna(value):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def protect(sums: Sums, hidden: np.ndarray, rank: np.ndarray) -> None:
    """Hide further cells, in place, until no sum gives a hidden one away; ties go by rank."""
    while True:
        _leave_open(sums, hidden, rank)
        given = find_given_away(sums, hidden)
        if not len(given):
            return
        concerned = np.zeros(sums.count, dtype=bool)
        concerned[sums.of[np.isin(sums.part, given)]] = True
        if not _hide_next(sums, hidden, rank, concerned):
            concerned[np.isin(sums.total, given)] = True
            beyond = _hide_next(sums, hidden, rank, concerned)
            if not beyond and not _hide_totals(sums, hidden, concerned):
                return


def _leave_open(sums: Sums, hidden: np.ndarray, rank: np.ndarray) -> None:
    """Hide the next smallest part of each sum whose total would give its hidden parts away."""
    closed = np.zeros(sums.count, dtype=bool)
    while True:
        at = hidden[sums.part]
        number = np.bincount(sums.of, weights=at, minlength=sums.count)
        size = np.bincount(
            sums.of, weights=np.where(at, sums.numbers[sums.part], 0.0), minlength=sums.count
        )
        total_hidden = hidden[sums.total]
        is_open = (number < LEAST_HIDDEN) | (size < SMALLEST_SHOWN) | (size <= number)
        wanting = np.where(total_hidden, (number == 0) & (sums.numbers[sums.total] > 0), is_open)
        wanting &= (total_hidden | (number > 0)) & ~closed
        if not wanting.any():
            return
        hidden_now = _hide_next(sums, hidden, rank, wanting)
        left = wanting.copy()
        left[list(hidden_now)] = False
        # No part is left to hide: the total goes; one known from elsewhere cannot.
        _hide_totals(sums, hidden, left)
        closed |= left


def _hide_next(sums: Sums, hidden: np.ndarray, rank: np.ndarray, wanting: np.ndarray) -> set[int]:
    """Hide the smallest shown part, above 0, of each sum that wants one; return these sums."""
    open_to = ~hidden[sums.part] & (sums.numbers[sums.part] > 0) & wanting[sums.of]
    at = np.flatnonzero(open_to)
    if not len(at):
        return set()
    order = at[np.lexsort([rank[sums.part[at]], sums.numbers[sums.part[at]], sums.of[at]])]
    _, first = np.unique(sums.of[order], return_index=True)
    hidden[sums.part[order[first]]] = True
    return {int(of) for of in sums.of[order[first]]}


def _hide_totals(sums: Sums, hidden: np.ndarray, wanting: np.ndarray) -> bool:
    """Hide the totals of these sums that a table shows; return whether any was shown."""
    cells = sums.total[wanting]
    cells = cells[sums.is_shown[cells] & ~hidden[cells] & (sums.numbers[cells] > 0)]
    hidden[cells] = True
    return bool(len(cells))
