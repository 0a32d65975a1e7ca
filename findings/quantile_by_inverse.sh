#!/usr/bin/env bash
# NumPy 2.4.6, SciPy 1.17.1, statsmodels 0.15.0, Polars 2.1.0: a percentile that falls between two
# values, or on one, is another value for some counts of facilities; DuckDB 2.0.0 has none of these.
#
# Hyndman and Fan's definitions 1 and 2 (2 is SAS's usual one) take the value at the place n q, or the
# mean of it and the next where n q is whole. 0.55 has no exact double, and 100 times it is
# 55.00000000000001: of 1 to 100, NumPy's "inverted_cdf" gives 56 for 55, its "averaged_inverted_cdf"
# 56 for 55.5. np.percentile(x, 55) divides by 100 itself, and is no better. Of the 99 percentiles of
# each count from 2 to 200, 39 averages are wrong, the first with 25 values, the 70th with 90; SciPy's
# are the same 39. 27 are wrong of NumPy's "inverted_cdf", of statsmodels' DescrStatsW and of Polars'
# "equiprobable". DuckDB's quantile_disc has none. Counted against fractions. One would have guessed
# that the 55th of 100 values is the 55th, or that a place within rounding of a whole one is whole.
#
# Known to NumPy (numpy/numpy#22582). It matters where a percentile of facilities is a standard, as
# in the QIP: a rate of a facility more or less. Its 15th, 50th and 90th are right for every count up
# to 8,000 (checked here too); this project takes places by whole numbers all the same.
#
# Exits 0 while it is as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 pandas==3.1.1 \
    polars==2.1.0 duckdb==2.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
from fractions import Fraction

import duckdb
import numpy as np
import polars as pl
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

PERCENTS = range(1, 100)
SHARES = [percent / 100 for percent in PERCENTS]


def place(count, percent, averaged):
    exact = Fraction(count * percent, 100)
    if averaged and exact.denominator == 1:
        return float(exact + Fraction(1, 2))
    return float(math.ceil(exact))


def ask(values):
    """Return the 99 percentiles of 1 to n by each tool, and whether it averages two values."""
    count = len(values)
    (by_duckdb,) = duckdb.execute(
        f"SELECT quantile_disc(x, {SHARES}) FROM range(1, {count + 1}) AS t (x)"
    ).fetchall()
    series = pl.Series(values)
    weighted = DescrStatsW(values, weights=np.ones(count))
    return {
        "numpy inverted_cdf": (np.quantile(values, SHARES, method="inverted_cdf"), False),
        "numpy averaged": (np.quantile(values, SHARES, method="averaged_inverted_cdf"), True),
        "numpy percentile averaged": (
            np.percentile(values, list(PERCENTS), method="averaged_inverted_cdf"),
            True,
        ),
        "scipy averaged": (stats.quantile(values, SHARES, method="averaged_inverted_cdf"), True),
        "statsmodels DescrStatsW": (np.ravel(weighted.quantile(SHARES, return_pandas=False)), True),
        "polars equiprobable": ([series.quantile(s, "equiprobable") for s in SHARES], False),
        "duckdb quantile_disc": (by_duckdb[0], False),
    }


wrong = {}
for count in range(2, 201):
    for name, (found, averaged) in ask(np.arange(1.0, count + 1)).items():
        places = wrong.setdefault(name, [])
        for percent, value in zip(PERCENTS, found, strict=True):
            right = place(count, percent, averaged)
            if abs(float(value) - right) > 1e-6:
                places.append((count, percent, float(value), right))
for name, places in wrong.items():
    print(f"{name:<28}{len(places):>3} of {199 * 99:,}", *places[:1])
standards = [
    (count, percent)
    for count in range(1, 8001)
    for percent in (15, 50, 90)
    if Fraction(count * percent, 100).denominator == 1
    and count * (percent / 100) != count * percent // 100
]
print("n q of the 15th, 50th and 90th not whole where it should be:", len(standards))
counts = {name: len(places) for name, places in wrong.items()}
as_described = (
    counts["numpy averaged"] == counts["numpy percentile averaged"] == counts["scipy averaged"] == 39
    and (90, 70) in [one[:2] for one in wrong["numpy averaged"]]
    and (100, 55, 56.0, 55.5) in wrong["numpy averaged"]
    and counts["polars equiprobable"] == counts["numpy inverted_cdf"] == 27
    and (100, 55, 56.0, 55.0) in wrong["numpy inverted_cdf"]
    and counts["statsmodels DescrStatsW"] == 27
    and counts["duckdb quantile_disc"] == 0
    and not standards
)
raise SystemExit(0 if as_described else 1)
PYTHON
