"""Compare our results with those CMS published: count the equal and the nearly equal ones.

Differences are counted, not explained; the program tables explain one facility's difference.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from esrd_pipeline.tables.report import PUBLISHED_AGREEMENT

_CATEGORY_NUMBER = {"worse": -1.0, "as": 0.0, "better": 1.0}


def compare_with_published(
    *,
    performance_year: int,
    published_results: pd.DataFrame,
    flags: pd.DataFrame,
    measure_scores: pd.DataFrame,
    tps: pd.DataFrame,
    stars: pd.DataFrame,
) -> pd.DataFrame:
    """Count agreement of every flag, score, TPS, reduction and star (`report.published_agreement`).

    A result that CMS published without a number ("No Score") counts as not given. For categories,
    within one means the adjacent category. A payment reduction counts only where there is a TPS.
    """
    ours = pd.concat(
        list(_our_results(flags=flags, measure_scores=measure_scores, tps=tps, stars=stars)),
        ignore_index=True,
    )
    theirs = _published(published_results)
    both = ours.merge(theirs, on=["ccn", "program", "measure"], how="outer")
    known = both.merge(
        theirs[["program", "measure"]].drop_duplicates(), on=["program", "measure"], how="inner"
    )
    known = known.assign(
        compared=known["ours"].notna() & known["theirs"].notna(),
        only_ours=known["ours"].notna() & known["theirs"].isna(),
        only_published=known["ours"].isna() & known["theirs"].notna(),
        difference=(known["ours"] - known["theirs"]).abs(),
    )
    counted = known.assign(
        equal=known["compared"] & (known["difference"] == 0),
        within_one=known["compared"] & (known["difference"] <= 1),
    )
    columns = ["compared", "equal", "within_one", "only_ours", "only_published"]
    summed = counted.groupby(["program", "measure"], as_index=False)[columns].sum()
    summed = summed.rename(columns={name: f"{name}_count" for name in columns})
    summed.insert(0, "performance_year", np.int64(performance_year))
    return summed[PUBLISHED_AGREEMENT.column_names].reset_index(drop=True)


def _published(results: pd.DataFrame) -> pd.DataFrame:
    number = results["score"].astype("float64")
    category = results["category"].map(_CATEGORY_NUMBER).astype("float64")
    frame = results[["ccn", "program", "measure"]].assign(theirs=number.fillna(category))
    # With "No Score" the file publishes a reduction of 0.0% that does not come from a TPS.
    scored = frame.loc[(frame["measure"] == "tps") & frame["theirs"].notna(), "ccn"]
    unscored = (frame["measure"] == "payment_reduction") & ~frame["ccn"].isin(scored)
    return frame.loc[~unscored]


def _our_results(
    *,
    flags: pd.DataFrame,
    measure_scores: pd.DataFrame,
    tps: pd.DataFrame,
    stars: pd.DataFrame,
) -> Iterator[pd.DataFrame]:
    yield _result(flags, "dfc", flags["measure"], flags["category"].map(_CATEGORY_NUMBER))
    yield _result(measure_scores, "qip", measure_scores["measure"], measure_scores["score"])
    yield _result(tps, "qip", "tps", tps["tps"])
    scored = tps.loc[tps["tps"].notna()]
    yield _result(scored, "qip", "payment_reduction", scored["payment_reduction"])
    yield _result(stars, "dfc", "star_rating", stars["rating"])


def _result(
    frame: pd.DataFrame, program: str, measure: pd.Series | str, value: pd.Series
) -> pd.DataFrame:
    return frame[["ccn"]].assign(program=program, measure=measure, ours=value.astype("float64"))
