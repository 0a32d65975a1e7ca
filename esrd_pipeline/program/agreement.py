"""Compare our results with those CMS published: counts, and every difference with its likely cause.

What is compared: flags, scores and which of achievement and improvement was applied, domain scores,
TPS, payment reductions and stars. `agreement_causes` says where a file has too few digits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.program.agreement_causes import (
    APPLIED,
    CATEGORY,
    Results,
    applied_results,
    flag_results,
    plain_results,
    score_results,
    star_results,
)
from esrd_pipeline.tables.report import AGREEMENT_DIFFERENCE, PUBLISHED_AGREEMENT

_RESULT = ["program", "measure", "kind"]
_COLUMNS = [
    *_RESULT,
    "ccn",
    "ours",
    "theirs",
    "difference",
    "compared",
    "low",
    "high",
    "cause",
    "cause_of_rounding",
    "our_reason",
    "our_reason_number",
    "their_reason",
    "their_reason_number",
]
_MADE_OF_SCORES = ("domain", "tps", "reduction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our results of a year, and what their differences are explained by.

    `origins` are the programs and measures of the facility contract with their origin, `standards`
    program.qip_standard, `star_periods` the DFC file's periods (None without a file), `zeros` the
    facilities whose published TPS follows from a 0 that no file prints.
    """

    flags: pd.DataFrame
    measure_scores: pd.DataFrame
    domain_scores: pd.DataFrame
    tps: pd.DataFrame
    stars: pd.DataFrame
    levels: pd.DataFrame
    standards: pd.DataFrame
    origins: pd.DataFrame
    star_periods: pd.DataFrame | None
    zeros: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Agreement:
    """`report.published_agreement` and `report.agreement_difference`."""

    counts: pd.DataFrame
    differences: pd.DataFrame


def compare_with_published(
    *, performance_year: int, published_results: pd.DataFrame, ours: Ours
) -> Agreement:
    """Compare every flag, score, TPS, reduction and star with the published one.

    A result that CMS published without a number ("No Score") counts as not given. For categories,
    within one means the adjacent category. A payment reduction counts only where there is a TPS.
    """
    theirs = _published(published_results, domains=set(ours.domain_scores["domain"]))
    both = pd.concat(list(_join(_our_results(performance_year, ours), theirs)), ignore_index=True)
    both = both.assign(
        compared=both["ours"].notna() & both["theirs"].notna(),
        difference=both["ours"] - both["theirs"],
    )
    both["equal"] = both["compared"] & (both["difference"] == 0)
    unprinted = _find_unprinted(ours.measure_scores, theirs)
    is_made_of_scores = both["kind"].isin(_MADE_OF_SCORES)
    # What is made of scores is decided where the file tells every one of them.
    both["decided"] = both["compared"] & (both["low"] == both["high"])
    both["decided"] &= ~(is_made_of_scores & both["ccn"].isin(unprinted))
    return Agreement(
        counts=_count(both, performance_year),
        differences=_list_differences(both, unprinted, ours.zeros, performance_year),
    )


def _join(results: Iterable[Results], theirs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Put ours beside theirs, for every measure of which CMS published a result of the kind."""
    printed = dict(iter(theirs.groupby(["program", "kind"], sort=True)))
    for part in results:
        rows = printed.pop((part.program, part.kind), None)
        if rows is None:
            continue
        mine = part.frame[part.frame["measure"].isin(rows["measure"].unique())]
        joined = mine.merge(
            rows.drop(columns=["program", "kind"]), on=["ccn", "measure"], how="outer"
        )
        # A measure is in one file, which lacks the facilities of which only we have a result.
        file_of = rows.drop_duplicates("measure").set_index("measure")["file_name"]
        joined["file_name"] = joined["measure"].map(file_of)
        is_looked_for = joined["measure"].isin(mine["measure"].unique())
        yield joined.assign(program=part.program, kind=part.kind, is_looked_for=is_looked_for)
    # Without any published result there are no rows, but columns.
    for rows in (*printed.values(), theirs.iloc[:0]):
        yield rows.assign(ours=np.nan, low=np.nan, high=np.nan, is_looked_for=False)


def _count(both: pd.DataFrame, performance_year: int) -> pd.DataFrame:
    counted = both.assign(
        within_one=both["compared"] & (both["difference"].abs() <= 1),
        only_ours=both["ours"].notna() & both["theirs"].isna(),
        only_published=both["ours"].isna() & both["theirs"].notna(),
        decided_equal=both["decided"] & both["equal"],
    )
    columns = [
        "compared",
        "equal",
        "within_one",
        "decided",
        "decided_equal",
        "only_ours",
        "only_published",
    ]
    summed = counted.groupby([*_RESULT, "file_name"], as_index=False)[columns].sum()
    summed = summed.rename(columns={name: f"{name}_count" for name in columns})
    summed.insert(0, "performance_year", np.int64(performance_year))
    return summed[PUBLISHED_AGREEMENT.column_names].reset_index(drop=True)


def _list_differences(
    both: pd.DataFrame, unprinted: set[str], zeros: frozenset[str], performance_year: int
) -> pd.DataFrame:
    """List what differs, and what only one of us has, among the results that we look for."""
    has_one = both["ours"].notna() | both["theirs"].notna()
    # Where only one of us has a score, its row says so.
    is_explained = (both["kind"] == "applied") & ~both["compared"]
    is_listed = both["is_looked_for"].astype(bool) & has_one & ~both["equal"] & ~is_explained
    rows = both[is_listed].reindex(columns=_COLUMNS)
    is_rounding = rows["theirs"].between(rows["low"], rows["high"])
    cause = rows["cause"].mask(is_rounding, rows["cause_of_rounding"])
    scores_differ = set(rows.loc[(rows["kind"] == "score") & rows["compared"], "ccn"])
    is_made = rows["kind"].isin(_MADE_OF_SCORES)
    cause = cause.mask(is_made & rows["ccn"].isin(zeros), "zero_not_printed")
    cause = cause.mask(is_made & rows["ccn"].isin(unprinted), "score_not_printed")
    cause = cause.mask(is_made & rows["ccn"].isin(scores_differ), "part_differs")
    number = pd.Series(np.nan, index=rows.index)
    # Where only one of us has a result, the other says why it has none.
    only_ours, only_theirs = rows["theirs"].isna(), rows["ours"].isna()
    cause = cause.mask(only_ours, rows["their_reason"]).mask(only_theirs, rows["our_reason"])
    number = number.mask(only_ours, rows["their_reason_number"])
    number = number.mask(only_theirs, rows["our_reason_number"])
    rows = rows.assign(
        performance_year=performance_year,
        reason=cause.fillna("difference_unexplained"),
        reason_number=number,
        ours=_as_texts(rows["ours"], rows["kind"]),
        theirs=_as_texts(rows["theirs"], rows["kind"]),
        difference=rows["difference"],
    )
    rows = rows.sort_values(list(AGREEMENT_DIFFERENCE.key), ignore_index=True)
    return rows[AGREEMENT_DIFFERENCE.column_names]


def _as_texts(values: pd.Series, kinds: pd.Series) -> pd.Series:
    words = {
        "flag": {number: word for word, number in CATEGORY.items()},
        "applied": {number: word for word, number in APPLIED.items()},
    }
    texts = [
        None if pd.isna(value) else words[kind][value] if kind in words else f"{value:g}"
        for value, kind in zip(values, kinds, strict=True)
    ]
    return pd.Series(texts, index=values.index, dtype=object)


def _find_unprinted(measure_scores: pd.DataFrame, theirs: pd.DataFrame) -> set[str]:
    """Find facilities with a measure of which the file tells neither a score nor why not."""
    known = theirs.loc[theirs["kind"] == "score", "measure"].unique()
    rows = measure_scores
    is_silent = (rows["role"] == "measure") & ~rows["measure"].isin(known) & rows["score"].isna()
    is_explained = rows["reason"].astype("string").str.startswith("footnote_", na=False)
    return set(rows.loc[is_silent & ~is_explained, "ccn"])


def _published(results: pd.DataFrame, *, domains: set[str]) -> pd.DataFrame:
    category = results["category"].map(CATEGORY).astype("float64")
    kind = pd.Series("score", index=results.index)
    kind = kind.mask(results["measure"].isin(domains), "domain")
    for name, of in (("tps", "tps"), ("payment_reduction", "reduction"), ("star_rating", "star")):
        kind = kind.mask(results["measure"] == name, of)
    is_flag = (results["program"] == "dfc") & results["score"].isna() & (kind == "score")
    frame = results[["ccn", "program", "measure", "file_name"]].assign(
        kind=kind.mask(is_flag, "flag"),
        theirs=results["score"].astype("float64").fillna(category),
        their_reason=results["reason"],
        their_reason_number=results["reason_number"].astype("float64"),
    )
    # A score of a DFC measure is of the survey; its facilities without one have no flag either.
    has_score = (frame["program"] == "dfc") & (frame["kind"] == "score")
    scored_measures = frame.loc[has_score, "measure"].unique()
    frame.loc[(frame["kind"] == "flag") & frame["measure"].isin(scored_measures), "kind"] = "score"
    # With "No Score" the file publishes a reduction of 0.0% that does not come from a TPS.
    scored = frame.loc[(frame["measure"] == "tps") & frame["theirs"].notna(), "ccn"]
    unscored = (frame["measure"] == "payment_reduction") & ~frame["ccn"].isin(scored)
    # A file prints which score was applied beside "No Score", too.
    applied = results["score_applied"].map(APPLIED).where(results["score"].notna())
    reduced = frame.assign(kind="applied", theirs=applied.astype("float64"))
    return pd.concat([frame.loc[~unscored], reduced[reduced["theirs"].notna()]], ignore_index=True)


def _our_results(performance_year: int, ours: Ours) -> Iterator[Results]:
    computed = ours.origins[ours.origins["origin"] == "computed"]
    keys = set(zip(computed["program"], computed["measure"], strict=True))
    yield flag_results(performance_year, ours.flags, ours.levels, keys)
    scores = ours.measure_scores
    yield score_results(scores, ours.standards, keys)
    yield applied_results(scores, ours.standards, keys)
    domains = ours.domain_scores
    yield plain_results(domains, "qip", "domain", domains["domain"], domains["score"])
    yield plain_results(ours.tps, "qip", "tps", "tps", ours.tps["tps"])
    reduction = ours.tps["payment_reduction"].where(ours.tps["tps"].notna())
    yield plain_results(ours.tps, "qip", "reduction", "payment_reduction", reduction)
    yield star_results(ours.stars, ours.star_periods)
