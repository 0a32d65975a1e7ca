"""What moved a facility's value, flag, score, TPS, reduction or star: `report.change`.

Results of one year are laid beside those of the year before, or of an earlier release of the year.
What can move a number is told apart: the cohort (numerator, denominator, patients), the files read,
the parameters (standards, levels, rule sets and parameter files) and the code, by the digests that
are stored with every table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from esrd_pipeline.tables.change import CHANGE

FLAGS = {"better": 1.0, "as": 0.0, "worse": -1.0}
SUPPRESSED = "suppressed_small_count"
"""Reason of a release's rows of few patients."""
TPS, STARS = "tps", "stars"
"""Names of the results of a whole facility, in place of a measure."""
PERCENT = (1.0, 100.0)
"""What a numerator over its denominator is multiplied by: ratios and fractions, or percents."""
_KEY = ["program", "measure", "kind", "ccn"]
_PARTS = ("numerator", "denominator", "patients")
Makers = Mapping[str, list[str]]
"""By table: the digests, `code parameters`, of what made it; see `esrd_pipeline.makers`."""
OWN = {
    "value": ("facility.contract",),
    "flag": ("facility.contract", "program.flags"),
    "score": ("facility.contract", "program.qip_standard", "program.qip_measure_score"),
}
"""Tables whose own code makes a measure's result, beside all that makes its values."""
WHOLE = {"tps": "program.qip_tps", "reduction": "program.qip_tps", "star": "program.stars"}
"""The table of a result of a whole facility, which rests on every measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The tables of one year or release, and what is known of how they came about.

    Attributes:
        contract: facility.contract.
        flags: program.flags.
        scores: program.qip_measure_score.
        tps: program.qip_tps.
        stars: program.stars.
        files: by name, digests of the files read; None where they are not known.
        makers: by table, what made it and all it rests on; of tables of measures and programs.
    """

    contract: pd.DataFrame
    flags: pd.DataFrame
    scores: pd.DataFrame
    tps: pd.DataFrame
    stars: pd.DataFrame
    files: Mapping[str, str] | None = None
    makers: Mapping[str, Makers] = field(default_factory=dict)


def find_changes(
    *, performance_year: int, basis: str, before: Results, after: Results
) -> pd.DataFrame:
    """Return a row for every result that is not what it was (`report.change`)."""
    both = _list_results(before).merge(
        _list_results(after), on=_KEY, how="outer", suffixes=("_before", "_after")
    )
    both = both.rename(columns={"number_before": "before", "number_after": "after"})
    for when in ("before", "after"):
        both[f"{when}_text"] = both[f"text_{when}"]
    # What a release does not show is not known to have moved.
    is_hidden = both["before_text"] == SUPPRESSED
    both["before_text"] = both["before_text"].mask(is_hidden, None)
    both = both[~(is_hidden & both["before"].isna())].reset_index(drop=True)
    both["change"] = both["after"] - both["before"]
    both["moved_cohort"] = _compare_cohorts(both)
    _split_change(both)
    _add_size(both)
    is_moved = _differs(both["before"], both["after"]) | _differs(
        both["before_text"], both["after_text"]
    )
    rows = both[is_moved].copy()
    _add_causes(rows, before, after)
    rows["rank"] = _rank(rows)
    rows = rows.assign(basis=basis, performance_year=performance_year)
    order = ["program", "measure", "kind", "rank", "ccn"]
    return rows.sort_values(order, ignore_index=True)[CHANGE.column_names]


def _list_results(results: Results) -> pd.DataFrame:
    """Return every result in the same columns; flags and scores have their measure's cohort."""
    contract = results.contract
    cohort = contract[["program", "measure", "ccn", "numerator", "denominator"]].assign(
        patients=contract["patients"].fillna(
            contract["unit_count"].where(contract["unit"] == "patients")
        )
    )
    value = contract.assign(
        kind="value",
        number=contract["value"].where(contract["reportable"].astype(bool)),
        text=contract["reason"],
        setting=None,
    )
    flags = results.flags.assign(
        program="dfc",
        kind="flag",
        number=results.flags["category"].map(FLAGS),
        text=results.flags["category"].fillna(results.flags["reason"]),
        setting=_join(results.flags, "reference", "method"),
    )
    scores = results.scores.assign(
        program="qip",
        kind="score",
        number=results.scores["score"],
        text=results.scores["reason"],
        setting=_join(
            results.scores, "achievement_threshold", "benchmark", "small_facility_benchmark"
        ),
    )
    rules = _join(results.tps, "rule_set", "minimum_tps")
    whole = [
        results.tps.assign(
            program="qip",
            measure=TPS,
            kind=kind,
            number=results.tps[column],
            text=results.tps["reason"],
            setting=rules,
        )
        for kind, column in (("tps", "tps"), ("reduction", "payment_reduction"))
    ]
    stars = results.stars.assign(
        program="dfc",
        measure=STARS,
        kind="star",
        number=results.stars["rating"],
        text=results.stars["reason"],
        setting=_join(results.stars, "baseline_year", "measure_set"),
    )
    columns = [*_KEY, "number", "text", "setting"]
    parts = [
        frame[columns].astype(object).assign(number=frame["number"].astype("float64"))
        for frame in (value, flags, scores, *whole, stars)
    ]
    listed = pd.concat(parts, ignore_index=True)
    listed["text"] = listed["text"].where(listed["text"].notna(), None)
    cohort = cohort.astype(dict.fromkeys(_PARTS, "float64"))
    return listed.merge(cohort, on=["program", "measure", "ccn"], how="left", validate="m:1")


def _join(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Return the numbers and names that decide a row as one text."""
    joined = pd.Series("", frame.index, dtype=object)
    for name in columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            values = values.astype("float64")
        joined = joined + values.astype(object).map(str) + " "
    return joined


def _differs(some: pd.Series, others: pd.Series) -> pd.Series:
    """Whether two columns differ; null is equal to null."""
    return (some != others).fillna(value=True).astype(bool) & (some.notna() | others.notna())


def _compare_cohorts(both: pd.DataFrame) -> pd.Series:
    """Whether what a result was computed from is other; null where it is not known of both."""
    names = [(both[f"{name}_before"], both[f"{name}_after"]) for name in _PARTS]
    known = [a.notna() & b.notna() for a, b in names]
    differs = np.logical_or.reduce([k & (a != b) for k, (a, b) in zip(known, names, strict=True)])
    moved = pd.Series(differs, both.index, dtype="boolean")
    return moved.mask(~np.logical_or.reduce(known))


def _split_change(both: pd.DataFrame) -> None:
    """Tell what the numerator and the denominator made of a value's change, in place.

    Each is changed alone, once before and once after the other, and the mean is taken; so the two
    parts add up. Only where a value is its numerator over its denominator in both.
    """
    n0, n1 = both["numerator_before"], both["numerator_after"]
    d0 = both["denominator_before"].where(lambda d: d > 0)
    d1 = both["denominator_after"].where(lambda d: d > 0)
    by_numerator = pd.Series(np.nan, both.index)
    for scale in PERCENT:
        is_quotient = (
            (both["kind"] == "value")
            & _is_near(scale * n0 / d0, both["before"])
            & _is_near(scale * n1 / d1, both["after"])
        )
        part = scale * (n1 - n0) * (1 / d0 + 1 / d1) / 2
        by_numerator = by_numerator.mask(is_quotient & by_numerator.isna(), part)
    both["by_numerator"] = by_numerator
    both["by_denominator"] = both["change"] - by_numerator


def _is_near(some: pd.Series, others: pd.Series) -> pd.Series:
    return (some - others).abs() <= 1e-6 * (1 + others.abs())


def _add_size(both: pd.DataFrame) -> None:
    spread = both.groupby(["program", "measure", "kind"])["after"].transform("std", ddof=0)
    both["size"] = (both["change"].abs() / spread).where(spread > 0)


def _add_causes(rows: pd.DataFrame, before: Results, after: Results) -> None:
    """Add whether files, parameters and code are others, in place."""
    rows["moved_data"] = (
        pd.NA if before.files is None or after.files is None else before.files != after.files
    )
    setting = _differs(rows["setting_before"], rows["setting_after"])
    is_both = rows["setting_before"].notna() & rows["setting_after"].notna()
    results = pd.MultiIndex.from_frame(rows[["kind", "measure"]])
    compared = {result: _compare_makers(before, after, *result) for result in results.unique()}
    for position, name in enumerate(("code", "parameters")):
        each = [pair[position] if (pair := compared[result]) else pd.NA for result in results]
        rows[f"moved_{name}"] = pd.array(each, dtype="boolean")
    moved = rows["moved_parameters"]
    rows["moved_parameters"] = moved.mask(is_both & setting, other=True)
    for name in ("moved_data", "moved_cohort"):
        rows[name] = rows[name].astype("boolean")


def _compare_makers(
    before: Results, after: Results, kind: str, measure: str
) -> tuple[bool, bool] | None:
    """Whether code, and whether parameter files, that made a result are others; None if unknown."""
    some, others = (_find_makers(one, kind, measure) for one in (before, after))
    if not some or not others:
        return None
    code, parameters = (
        [
            {(name, digests.split()[part]) for name, all_of in one.items() for digests in all_of}
            for one in (some, others)
        ]
        for part in (0, 1)
    )
    return code[0] != code[1], parameters[0] != parameters[1]


def _find_makers(results: Results, kind: str, measure: str) -> Makers:
    """Return what made a result: of a measure with a table of its own, not what made the others."""
    if kind in WHOLE:
        return results.makers.get(WHOLE[kind], {})
    contract = results.makers.get("facility.contract", {})
    values = results.makers.get(f"facility.{measure}") or contract
    every = {
        **contract,
        **{name: d for made in results.makers.values() for name, d in made.items()},
    }
    own = {name: every[name] for name in OWN[kind] if name in every}
    return {**values, **own} if values else {}


def list_changed_makers(before: Results, after: Results) -> list[str]:
    """Return the tables whose own code or parameters are others, of all that both know."""
    some, others = (
        {name: digests for made in one.makers.values() for name, digests in made.items()}
        for one in (before, after)
    )
    return sorted(name for name in some.keys() & others if some[name] != others[name])


def _rank(rows: pd.DataFrame) -> pd.Series:
    """Number the changes of each program, measure and kind, largest first; equal ones by CCN."""
    ordered = rows[rows["change"].notna()].assign(by=lambda frame: -frame["change"].abs())
    ordered = ordered.sort_values(["program", "measure", "kind", "by", "ccn"])
    place = ordered.groupby(["program", "measure", "kind"]).cumcount() + 1
    return place.reindex(rows.index).astype("Int64")


def list_files(release: pd.DataFrame, extract: pd.DataFrame | None) -> dict[str, str]:
    """Return the digests of a year's files, published and of patients, by what is read from them.

    The files' own names are not said: a release has them.
    """
    read = release.loc[release["file_name"].notna(), ["source", "sha256"]]
    pairs = list(zip(read["source"], read["sha256"], strict=True))
    if extract is not None:
        pairs += zip(extract["table_name"], extract["sha256"], strict=True)
    files: dict[str, list[str]] = {}
    for name, digest in sorted(pairs):
        files.setdefault(name, []).append(digest)
    return {name: " ".join(digests) for name, digests in files.items()}
