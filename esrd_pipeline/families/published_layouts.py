"""Render computed results in the layouts CMS publishes: the inverse of `published`.

The published file of the year is the base: its facilities, and every measure that is not computed,
stay as published. A computed measure replaces all of its columns: numbers, category, availability
code or footnote. Reading such a file returns the contract it was made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.families.levels import find_national_rate
from esrd_pipeline.families.published import NUMERIC_FIELDS, RELATIVE_FIELDS, build_national
from esrd_pipeline.families.published_codes import (
    NO_ROW,
    SMALL,
    SUPPRESSED,
    Why,
    explain_absence,
    list_codes,
)
from esrd_pipeline.families.published_reasons import AVAILABLE
from esrd_pipeline.parameters.reasons import NOT_PRINTED
from esrd_pipeline.sources.layout import SourceColumn, load_layout
from esrd_pipeline.sources.published_fields import (
    PublishedMeasure,
    TableName,
    load_measures,
    load_national_columns,
)
from esrd_pipeline.sources.write import DECIMALS

_PREFERRED_SENTINELS = {
    "value": ("No Rate",),
    "score": ("No Score",),
    "category": ("Not Available",),
}
_WHOLE = 1e-6
_FACILITY_MEASURE = ["ccn", "measure"]
_APPLIED = ("achievement", "improvement")

Values = NDArray[np.object_] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A raw table being filled: its columns, and by row the texts in place of its nulls."""

    source: str
    ccns: list[str]
    columns: dict[str, pd.Series]
    labels: list[dict[str, str]]
    layout: Mapping[str, SourceColumn]

    def put(self, name: str, values: Values, texts: Sequence[str | None]) -> None:
        """Replace a column; where a value is null, `texts` gives the text in its place.

        Raises:
            ValueError: a column of whole numbers would get another number; names the column.
        """
        column = self.layout[name]
        if column.type == "integer":
            series = _whole(values, column)
        elif column.type in ("number", "percent", "fraction"):
            numbers = np.asarray(values, dtype=np.float64)
            series = pd.Series(np.round(numbers, DECIMALS))
        else:
            series = pd.Series(values, dtype=object)
            if column.type != "codes":
                series = series.astype(pd.StringDtype(na_value=np.nan))
        self.columns[name] = series
        for label, is_null, text in zip(self.labels, series.isna(), texts, strict=True):
            label.pop(name, None)
            if is_null and text:
                label[name] = text

    def to_frame(self, template: pd.DataFrame) -> pd.DataFrame:
        """Return the table, with columns in the order of the one it was made from."""
        missing = pd.Series([sorted(label.items()) for label in self.labels], dtype=object)
        return pd.DataFrame({**self.columns, "missing": missing})[list(template.columns)]


def render_dfc(
    *,
    performance_year: int,
    base: pd.DataFrame,
    contract: pd.DataFrame,
    stars: pd.DataFrame,
    smallest: int,
) -> pd.DataFrame:
    """Return `base` (raw.dfc_facility) with the computed measures and our stars in their columns.

    `contract` holds the computed rows that may be published: a row with a reason has no number.
    A measure that the program and the file count in different units (SHR: patient-years, patients)
    shows its patients. Ratios are rendered as rates, as CMS does. If no facility has a star, stars
    stay as published. Counts below `smallest` patients are suppressed in every measure.
    """
    sheet = _open_layout("dfc_facility", performance_year, base)
    _put_measures(sheet, "contract", performance_year, contract)
    for measure in load_measures("result", performance_year):
        is_stars = measure.source == sheet.source and measure.measure == "star_rating"
        if is_stars and stars["rating"].notna().any():
            rows = stars.set_index("ccn").reindex(sheet.ccns)
            _put_fields(
                sheet,
                measure,
                {"score": _numbers(rows, "rating")},
                _reasons(rows, rows["rating"].isna()),
            )
    _hide_small(sheet, performance_year, smallest)
    return sheet.to_frame(base)


def render_dfc_national(
    *, performance_year: int, base: pd.DataFrame, facilities: pd.DataFrame, contract: pd.DataFrame
) -> pd.DataFrame:
    """Return `base` (raw.dfc_national) with the national levels of the computed measures.

    `facilities` is the result of `render_dfc`. A measure published as a rate has the fit's national
    rate; the others have the mean of facilities from `build_national`, and all have their counts of
    categories.
    """
    sheet = _open_layout("dfc_national", performance_year, base)
    counted = build_national(
        performance_year=performance_year, dfc=facilities, dfc_national=None, qip=None
    ).set_index("measure")
    by_rate = {
        measure.measure
        for measure in load_measures("contract", performance_year)
        if measure.divide_by_national
    }
    shown = contract[contract["reason"].isna() & (contract["program"] == "dfc")]
    for name, columns in load_national_columns(performance_year).items():
        mine = shown[shown["measure"] == name]
        if mine.empty:
            continue
        levels = counted.loc[[name]]
        if name in by_rate:
            levels = levels.assign(national=find_national_rate(mine))
        for field, column in columns.items():
            sheet.put(column, _numbers(levels, field), [None])
    return sheet.to_frame(base)


def render_qip(
    *,
    performance_year: int,
    base: pd.DataFrame,
    contract: pd.DataFrame,
    earlier: pd.DataFrame,
    scores: pd.DataFrame,
    tps: pd.DataFrame,
    smallest: int,
) -> pd.DataFrame:
    """Return `base` (raw.qip_complete) with the computed measures, all scores, TPS and reductions.

    `contract` and `earlier` hold the computed rows of the year and of the one before it; scores
    are ours for every measure, computed or not, and so are their national averages. Measures we
    did not score stay as published. Counts below `smallest` patients are suppressed everywhere.
    As CMS does, the file prints the adjusted rates of small facilities (reading 4).
    """
    sheet = _open_layout("qip_complete", performance_year, base)
    _put_measures(sheet, "contract", performance_year, _adjust_values(contract, scores))
    _put_measures(sheet, "improvement", performance_year, earlier)
    for measure in load_measures("result", performance_year):
        if measure.source != sheet.source:
            continue
        results: dict[str, Values]
        if measure.measure in ("tps", "payment_reduction"):
            if tps.empty:
                continue
            rows = tps.set_index("ccn").reindex(sheet.ccns)
            # A TPS that rests on a score CMS does not print stays as CMS printed it.
            printed = _numbers(base, measure.columns["score"])
            ours = _numbers(rows, measure.measure)
            rows = rows.assign(score=np.where(rows["reason"] == NOT_PRINTED, printed, ours))
            results = {"score": _numbers(rows, "score")}
        else:
            rows = scores[scores["measure"] == measure.measure]
            if rows.empty:
                continue
            _put_average(sheet, measure, rows)
            rows = rows.set_index("ccn").reindex(sheet.ccns)
            results = {
                "score": _numbers(rows, "score"),
                "score_applied": _texts(rows, "applied", rows["applied"].isin(_APPLIED)),
            }
        _put_fields(sheet, measure, results, _reasons(rows, rows["score"].isna()))
    _hide_small(sheet, performance_year, smallest)
    return sheet.to_frame(base)


def _adjust_values(contract: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the contract's rows with the rates that scoring adjusted in place of the raw ones."""
    scored = pd.MultiIndex.from_frame(scores[_FACILITY_MEASURE])
    at = scored.get_indexer(pd.MultiIndex.from_frame(contract[_FACILITY_MEASURE]))
    adjusted = np.append(_numbers(scores, "adjusted_rate"), np.nan)[at]
    is_adjusted = ~np.isnan(adjusted) & (contract["program"] == "qip").to_numpy()
    return contract.assign(value=np.where(is_adjusted, adjusted, _numbers(contract, "value")))


def _open_layout(source: str, performance_year: int, base: pd.DataFrame) -> Sheet:
    rows = base.reset_index(drop=True)
    return Sheet(
        source=source,
        ccns=rows["ccn"].tolist() if "ccn" in rows else [],
        columns={name: rows[name] for name in rows.columns if name != "missing"},
        labels=[dict(missing) for missing in rows["missing"]],
        layout={column.name: column for column in load_layout(source, performance_year)},
    )


def _put_measures(
    sheet: Sheet, table: TableName, performance_year: int, contract: pd.DataFrame
) -> None:
    for measure in load_measures(table, performance_year):
        is_mine = (contract["program"] == measure.program) & (
            contract["measure"] == measure.measure
        )
        if measure.source != sheet.source or not is_mine.any():
            continue
        rows = contract[is_mine].set_index("ccn").reindex(sheet.ccns)
        reasons = _reasons(rows, rows["reason"].notna() | rows["measure"].isna())
        fields = _fields(measure, rows, reasons)
        if sheet.source == "dfc_facility":
            reasons = explain_absence(measure.measure, reasons, sheet.columns, performance_year)
        _put_fields(sheet, measure, fields, reasons)


def _fields(
    measure: PublishedMeasure, rows: pd.DataFrame, reasons: Sequence[Why | None]
) -> dict[str, Values]:
    """Return the fields of a measure in the file's units; no value where there is a reason."""
    is_shown = pd.Series([reason is None for reason in reasons], index=rows.index)
    shown = rows.where(is_shown)
    if set(rows["unit"].dropna()) != {measure.unit} and measure.unit == "patients":
        shown = shown.assign(unit_count=shown["patients"])
    if measure.divide_by_national:
        level = find_national_rate(rows)
        shown = shown.assign(**{field: shown[field] * level for field in RELATIVE_FIELDS})
    if measure.fixed_denominator is not None and measure.basis != "numerator":
        # Surveys made, of two: who made one is not compliant, however few answered.
        shown = shown.assign(numerator=rows["numerator"])
    elif measure.unit == "patients" and set(rows["unit"].dropna()) == {"patients"}:
        # Who has the patients and not the reports is scored for that (2.18.9).
        shown = shown.assign(unit_count=rows["unit_count"])
    numbers = {field: _numbers(shown, field) for field in NUMERIC_FIELDS}
    return {**numbers, "category": _texts(shown, "category", is_shown)}


def _put_fields(
    sheet: Sheet,
    measure: PublishedMeasure,
    fields: Mapping[str, Values],
    reasons: Sequence[Why | None],
) -> None:
    codes = [list_codes(sheet.source, measure.measure, reason) for reason in reasons]
    for field, name in measure.columns.items():
        if name not in sheet.layout:
            continue  # of a file by measure, which the year's Complete file does not have
        column = sheet.layout[name]
        if field in fields:
            texts = [
                _null_text(column, field, reason, code)
                for reason, code in zip(reasons, codes, strict=True)
            ]
            sheet.put(name, fields[field], texts)
        elif field == "codes":
            is_single = column.type == "code"
            values = np.empty(len(codes), dtype=object)
            values[:] = [code[0] if is_single else code or None for code in codes]
            sheet.put(name, values, ["-"] * len(codes))


def _hide_small(sheet: Sheet, performance_year: int, smallest: int) -> None:
    """Blank the numbers of every measure whose column of patients counts fewer than `smallest`."""
    for measure in load_measures("contract", performance_year):
        counted = measure.columns.get("unit_count")
        if measure.source != sheet.source or measure.unit != "patients" or counted is None:
            continue
        counts = sheet.columns[counted].to_numpy(dtype=np.float64, na_value=np.nan)
        is_small = (counts > 0) & (counts < smallest)
        for field in NUMERIC_FIELDS if is_small.any() else ():
            if field in measure.columns:
                _blank(sheet, measure.columns[field], field, is_small, smallest)


def _blank(sheet: Sheet, name: str, field: str, rows: NDArray[np.bool_], smallest: int) -> None:
    """Remove the numbers from some rows of a column; texts of its other nulls stay."""
    column = sheet.layout[name]
    code = None if column.explained_by is None else sheet.columns[column.explained_by]
    texts = [
        _null_text(
            column,
            field,
            Why(SUPPRESSED, smallest),
            [AVAILABLE] if code is None else [str(code[row])],
        )
        if rows[row]
        else label.get(name)
        for row, label in enumerate(sheet.labels)
    ]
    numbers = sheet.columns[name].to_numpy(dtype=np.float64, na_value=np.nan)
    sheet.put(name, np.where(rows, np.nan, numbers), texts)


def _put_average(sheet: Sheet, measure: PublishedMeasure, scores: pd.DataFrame) -> None:
    name = f"{measure.measure}_national_score"
    if name not in sheet.layout:
        return
    mean = float(scores["score"].astype("float64").mean())
    # Printed as a whole number, halves up, as all averages of nation and states are.
    sheet.put(name, np.full(len(sheet.ccns), np.floor(mean + 0.5)), ["-"] * len(sheet.ccns))


def _reasons(rows: pd.DataFrame, is_silent: pd.Series) -> list[Why | None]:
    """Return why rows have no value: the reason, or that there is no row; else None."""
    codes = rows["reason"].fillna(NO_ROW)
    numbers = (
        rows["reason_number"].astype("float64")
        if "reason_number" in rows
        else pd.Series(np.nan, index=rows.index)
    )
    return [
        Why(str(code), float(number)) if silent else None
        for code, number, silent in zip(codes, numbers, is_silent, strict=True)
    ]


def _numbers(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    return rows[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(rows: pd.DataFrame, column: str, is_shown: pd.Series) -> NDArray[np.object_]:
    texts = np.empty(len(rows), dtype=object)
    is_text = is_shown & rows[column].notna()
    texts[is_text.to_numpy()] = rows.loc[is_text, column].to_numpy(dtype=object)
    return texts


def _null_text(
    column: SourceColumn, field: str, why: Why | None, codes: Sequence[str]
) -> str | None:
    """Return the text in place of a value: the most specific of the sentinels, else the code."""
    is_small = field == "unit_count" and why is not None and why.reason in SMALL
    small = f"<{why.number:g}" if is_small and why is not None else ""
    for text in (small, *_PREFERRED_SENTINELS.get(field, ()), "-"):
        if text and text in column.sentinels:
            return text
    if column.explained_by is None or list(codes) == [AVAILABLE]:
        return None
    return codes[0]


def _whole(values: Values, column: SourceColumn) -> pd.Series:
    numbers = np.asarray(values, dtype=np.float64)
    whole = np.round(numbers)
    broken = np.abs(numbers - whole) > _WHOLE
    if broken.any():
        raise ValueError(
            f"column {column.header}: {int(broken.sum())} values are not whole numbers"
        )
    return pd.Series(pd.array(whole, dtype="Float64")).astype("Int64")
