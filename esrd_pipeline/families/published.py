"""Convert CMS's published files to the facility contract, and keep CMS's published results.

Raw tables in, tables of `tables.facility` out. Nothing is estimated here: a value is the published
one, or for SMR, SHR, SRR and STrR of DFC the published rate over the national rate.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from esrd_pipeline.families.published_reasons import add_reasons, as_list
from esrd_pipeline.parameters.reasons import (
    RowReasons,
)
from esrd_pipeline.sources.published_fields import (
    CATEGORY_COUNTS,
    PublishedMeasure,
    find_file,
    load_measures,
    load_national_columns,
)
from esrd_pipeline.tables.facility import (
    DIRECTORY,
    NATIONAL,
    NO_FILE,
    PUBLISHED,
    PUBLISHED_IMPROVEMENT,
    PUBLISHED_RESULT,
)
from esrd_pipeline.tables.model import Table

NUMERIC_FIELDS = ("unit_count", "numerator", "denominator", "value", "rate", "lower", "upper")
RELATIVE_FIELDS = ("lower", "upper")
DIRECTORY_DTYPES = {"integer": "Int64", "boolean": "boolean"}
_NO_FILES: Mapping[str, str] = {}


def publish_contract(
    *,
    performance_year: int,
    dfc: pd.DataFrame | None,
    qip: pd.DataFrame | None,
    ich_cahps: pd.DataFrame | None,
    national: pd.DataFrame,
) -> pd.DataFrame:
    """Return facility.published: one row per facility, program and measure of the given raw tables.

    DFC rates, percents and ratios are in the published unit, QIP proportions are fractions, QIP's
    SRR, SHR and STrR rates (reading 10); `is_adjusted` says which of them have had the small
    facility adjustment (reading 4). `national` is facility.national. An upper limit at which
    the file stops (SMoSR's at 10.00), or below its own value, is no limit and is left out.
    """
    frames = _named(dfc, qip, ich_cahps)
    dfc_levels = national[national["program"] == "dfc"]
    levels = dict(zip(dfc_levels["measure"], dfc_levels["national"], strict=True))
    parts = [
        _contract_rows(measure, performance_year, frames[measure.source], _level(measure, levels))
        for measure in load_measures("contract", performance_year)
        if measure.source in frames
    ]
    return _assemble(parts, PUBLISHED, performance_year)


def publish_improvement(*, performance_year: int, qip: pd.DataFrame | None) -> pd.DataFrame:
    """Return facility.published_improvement: the year before, from this year's QIP file."""
    parts = [
        _contract_rows(measure, performance_year, qip, None)
        for measure in load_measures("improvement", performance_year)
        if qip is not None
    ]
    return _assemble(parts, PUBLISHED_IMPROVEMENT, performance_year)


def publish_results(
    *,
    performance_year: int,
    dfc: pd.DataFrame | None,
    qip: pd.DataFrame | None,
    ich_cahps: pd.DataFrame | None,
    files: Mapping[str, str] = _NO_FILES,
) -> pd.DataFrame:
    """Return facility.published_result: the published categories, stars, scores and reductions.

    Every facility of a file has a row, with the reason where no result was published. `files` has
    the names of the year's files by source.
    """
    frames = _named(dfc, qip, ich_cahps)
    parts = [
        _result_rows(measure, performance_year, frames[measure.source]).assign(
            file_name=find_file(measure, performance_year, files) or NO_FILE
        )
        for measure in load_measures("result", performance_year)
        if measure.source in frames
    ]
    return _assemble(parts, PUBLISHED_RESULT, performance_year)


def build_directory(
    *,
    performance_year: int,
    dfc: pd.DataFrame | None,
    qip: pd.DataFrame | None,
    registered: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return facility.directory: for each cell the DFC file, else the QIP file, else EQRS.

    The directory has every facility of the year's files and every one of `registered`, which is
    facility.registered: a facility on a program's own list is measured, whether or not the files
    print it. The certification date is the QIP's, of its list and then of its file: there it says
    who is new, and the DFC file may print a recertification (reading 285). The last two columns
    tell the programs' files apart from their lists.
    """
    frames = (dfc, qip, registered)
    ccns = sorted({ccn for frame in frames if frame is not None for ccn in frame["ccn"]})
    rows = [_facility_rows(frame, ccns) for frame in frames]
    of_qip = [_facility_rows(_listed(None, registered, "is_qip"), ccns), rows[1], rows[0], rows[2]]
    frame = pd.DataFrame({"ccn": ccns, "performance_year": performance_year})
    for column in DIRECTORY.columns[2:-2]:
        order = of_qip if column.name == "certification_date" else rows
        first, *others = (_pick(part, column.name) for part in order)
        for other in others:
            first = first.where(first.notna(), other)
        frame[column.name] = pd.array(
            first.to_numpy(), dtype=DIRECTORY_DTYPES.get(column.type, "object")
        )
    frame["has_dfc_row"] = _holds(_listed(dfc, registered, "is_dfc"), ccns)
    frame["has_qip_row"] = _holds(_listed(qip, registered, "is_qip"), ccns)
    return frame


def _listed(
    printed: pd.DataFrame | None, registered: pd.DataFrame | None, program: str
) -> pd.DataFrame | None:
    """Return a program's file or, without one, its own list."""
    if printed is not None or registered is None:
        return printed
    return registered[registered[program].astype(bool)]


def build_national(
    *,
    performance_year: int,
    dfc: pd.DataFrame | None,
    dfc_national: pd.DataFrame | None,
    qip: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return facility.national, in the published unit (for SMR, SHR, SRR and STrR the rate).

    Where CMS publishes no national value it is the mean of the facilities' published values,
    weighted by unit_count among the facilities that have one. It is unweighted if none has, and
    where that reproduces the published categories better (PPPW and SFR); `source` states which.
    """
    frames = _named(dfc, qip, None)
    published = load_national_columns(performance_year)
    rows: list[dict[str, object]] = []
    for measure in load_measures("contract", performance_year):
        field = "rate" if measure.divide_by_national else "value"
        if measure.source not in frames or field not in measure.columns:
            continue
        printed = published.get(measure.measure, {}) if measure.program == "dfc" else {}
        rows.append(_national_row(measure, field, frames[measure.source], dfc_national, printed))
    table = pd.DataFrame(rows, columns=NATIONAL.column_names)
    table["performance_year"] = performance_year
    counts = ["facility_count", *CATEGORY_COUNTS.values()]
    table[counts] = table[counts].astype("Int64")
    return table.sort_values(list(NATIONAL.key), ignore_index=True)


def _named(
    dfc: pd.DataFrame | None, qip: pd.DataFrame | None, ich_cahps: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    frames = {"dfc_facility": dfc, "qip_complete": qip, "ich_cahps_facility": ich_cahps}
    return {name: frame for name, frame in frames.items() if frame is not None}


def _level(measure: PublishedMeasure, levels: Mapping[str, float]) -> float | None:
    """Return the national rate that divides a published rate; None where the value is published."""
    return levels.get(measure.measure, np.nan) if measure.divide_by_national else None


def _contract_rows(
    measure: PublishedMeasure, performance_year: int, frame: pd.DataFrame, level: float | None
) -> pd.DataFrame:
    numbers = {
        field: _numbers(frame, measure.columns[field])
        for field in NUMERIC_FIELDS
        if field in measure.columns
    }
    basis = numbers[measure.basis]
    if level is not None:
        numbers["value"] = numbers["rate"] / level
        basis = numbers["value"]
        for field in RELATIVE_FIELDS:
            numbers[field] = numbers[field] / level
    if "upper" in numbers:
        upper = numbers["upper"]
        stop = np.inf if measure.upper_stops_at is None else measure.upper_stops_at
        is_none = (upper < numbers["value"]) | (upper >= stop)
        numbers["upper"] = np.where(is_none, np.nan, upper)
    if measure.fixed_denominator is not None and "numerator" in numbers:
        known = ~np.isnan(numbers["numerator"])
        numbers["denominator"] = np.where(known, measure.fixed_denominator, np.nan)
    reportable = ~np.isnan(basis)
    reasons = RowReasons(len(frame))
    if level is not None:
        reasons.add(~reportable & ~np.isnan(numbers["rate"]), "no_national_rate")
    add_reasons(
        reasons,
        frame,
        ~reportable,
        (measure.basis,),
        measure=measure,
        performance_year=performance_year,
    )
    rows = _key_columns(measure, frame) | numbers
    rows["unit"] = measure.unit
    rows["is_adjusted"] = measure.is_adjusted
    rows["reportable"] = reportable
    rows["reason"] = reasons.code
    rows["reason_number"] = reasons.number
    if "category" in measure.columns:
        rows["category"] = frame[measure.columns["category"]].to_numpy()
    return pd.DataFrame(rows)


def _result_rows(
    measure: PublishedMeasure, performance_year: int, frame: pd.DataFrame
) -> pd.DataFrame:
    rows = _key_columns(measure, frame)
    concluded = np.zeros(len(frame), dtype=bool)
    if "score" in measure.columns:
        rows["score"] = _numbers(frame, measure.columns["score"])
        concluded |= ~np.isnan(rows["score"])
    if "category" in measure.columns:
        rows["category"] = frame[measure.columns["category"]].to_numpy()
        concluded |= frame[measure.columns["category"]].notna().to_numpy()
    if "score_applied" in measure.columns:
        rows["score_applied"] = frame[measure.columns["score_applied"]].to_numpy()
    if "codes" in measure.columns:
        rows["codes"] = [as_list(codes) for codes in frame[measure.columns["codes"]]]
    reasons = RowReasons(len(frame))
    add_reasons(
        reasons,
        frame,
        ~concluded,
        ("score", "category"),
        measure=measure,
        performance_year=performance_year,
    )
    rows["reason"] = reasons.code
    rows["reason_number"] = reasons.number
    return pd.DataFrame(rows)


def _key_columns(measure: PublishedMeasure, frame: pd.DataFrame) -> dict[str, object]:
    return {
        "ccn": frame["ccn"].to_numpy(),
        "program": measure.program,
        "measure": measure.measure,
    }


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    return frame[column].to_numpy(dtype="float64", na_value=np.nan)


def _national_row(
    measure: PublishedMeasure,
    field: str,
    frame: pd.DataFrame,
    dfc_national: pd.DataFrame | None,
    printed: Mapping[str, str],
) -> dict[str, object]:
    values = _numbers(frame, measure.columns[field])
    weights = _weights(measure, frame, values)
    row: dict[str, object] = {
        "program": measure.program,
        "measure": measure.measure,
        "national": _mean(values, weights),
        "facility_count": int((~np.isnan(values)).sum()),
        "source": "mean of facilities" if weights is None else "weighted mean of facilities",
    }
    if "category" in measure.columns:
        categories = frame[measure.columns["category"]].to_numpy(dtype=object)
        row |= {name: int((categories == key).sum()) for key, name in CATEGORY_COUNTS.items()}
    if dfc_national is not None:
        nation = dfc_national.iloc[0]
        from_national = {
            key: nation[name] for key, name in printed.items() if pd.notna(nation[name])
        }
        if measure.has_unweighted_mean and _is_of_another_release(row, from_national):
            return row
        row |= from_national
        if "national" in from_national:
            row["source"] = "published"
    return row


def _is_of_another_release(row: Mapping[str, object], from_national: Mapping[str, object]) -> bool:
    """Whether a national file counts other categories than the facilities' file has."""
    return any(
        row.get(name, from_national[name]) != from_national[name]
        for name in CATEGORY_COUNTS.values()
        if name in from_national
    )


def _weights(
    measure: PublishedMeasure, frame: pd.DataFrame, values: np.ndarray
) -> np.ndarray | None:
    """Return the facilities' units as weights; None where all have the same weight."""
    if measure.has_unweighted_mean or "unit_count" not in measure.columns:
        return None
    units = np.nan_to_num(_numbers(frame, measure.columns["unit_count"]))
    return units if np.any((units > 0) & ~np.isnan(values)) else None


def _mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    counted = ~np.isnan(values)
    if not counted.any():
        return float("nan")
    return float(np.average(values[counted], weights=None if weights is None else weights[counted]))


def _facility_rows(frame: pd.DataFrame | None, ccns: Sequence[str]) -> pd.DataFrame:
    """Return a file's rows under the directory's column names, one for each of `ccns`."""
    if frame is None:
        return pd.DataFrame(index=pd.Index(ccns))
    rows = frame.set_index("ccn").reindex(list(ccns))
    if "profit_status" in rows:
        rows["is_profit"] = rows["profit_status"].map({"Profit": True, "Non-profit": False}.get)
    return rows.rename(columns={"ownership": "chain_organization"})


def _pick(rows: pd.DataFrame, name: str) -> pd.Series:
    if name in rows:
        return pd.Series(rows[name].to_numpy(dtype=object), index=rows.index)
    return pd.Series(None, index=rows.index, dtype=object)


def _holds(frame: pd.DataFrame | None, ccns: Sequence[str]) -> np.ndarray:
    known: set[str] = set() if frame is None else set(frame["ccn"])
    return np.array([ccn in known for ccn in ccns], dtype=bool)


def _assemble(parts: Sequence[pd.DataFrame], table: Table, performance_year: int) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    frame = frame.reindex(columns=table.column_names)
    frame["performance_year"] = performance_year
    return frame.sort_values(list(table.key), ignore_index=True)
