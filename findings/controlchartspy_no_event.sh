#!/usr/bin/env bash
# controlchartspy 0.1.3: in a funnel of standardised ratios no event is beyond the 99.8% limit, also
# where half an event is expected and 61 of 100 facilities in control would have none.
#
# The limits of chart_type="SR" are the exact confidence limits of a count that equals the expected
# one, divided by it: the lower one is above 0 at every expected count, by chi-square at 2E degrees.
# Limits of control are asked the other way round: which counts have a probability below 0.1% if the
# facility is at 1. The lower one is 0 up to 6.9 expected events (exp(-6.9) is 0.001), and without an
# event no smaller facility can be beyond it. Here eight such facilities are marked by three_sigma,
# with probabilities of 0.7 to 61%; above the upper limits are 0.005% or less. Probabilities are of
# the Poisson distribution. One would have guessed that limits called 99.8% hold about 99.8% of small
# counts, too, as they nearly do of 200 events; there is no warning.
#
# It matters for SMR and STrR, where most facilities expect few events: no death would be a signal.
# This project flags by exact and mid-p probabilities.
#
# Exits 0 while it is as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet controlchartspy==0.1.3 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
from importlib.metadata import version

from controlchartspy import funnel
from scipy.stats import chi2, poisson

print("controlchartspy", version("controlchartspy"))
expected = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.5, 200.0]
observed = [0] * 8 + [200]
chart = funnel(
    {"unit": [f"unit {place}" for place in range(9)], "events": observed, "expected": expected},
    keys="unit",
    numerators="events",
    denominators="expected",
    funnel_settings={"chart_type": "SR"},
    outlier_settings={"three_sigma": True},
    return_objs="limits",
)
print("expected  events  99.8% limits of the ratio  marked          beyond if in control: below  above")
as_described = []
for count, row in zip(observed, chart.limits, strict=True):
    mean = row["denominator"]
    low, high = row["ll99"], row["ul99"]
    below = poisson.cdf(math.ceil(low * mean) - 1, mean)
    above = poisson.sf(math.floor(high * mean), mean)
    limits = f"{low:>10.6f}{high:>13.4f}   {row['three_sigma']:<15}"
    print(f"{mean:<10}{count:<8}{limits}{below:>27.4%}{above:>9.4%}")
    as_described += [
        math.isclose(low, chi2.ppf(0.001, 2 * mean) / 2 / mean, rel_tol=1e-2),
        bool(below > 0.005) if count == 0 else bool(below < 0.002),
        (row["three_sigma"] != "none") == (count == 0),
        bool(above < 0.001),
    ]
print(f"none of 0.5 expected: {math.exp(-0.5):.1%}; of {math.log(1000):.1f}: 0.1%")
raise SystemExit(0 if all(as_described) else 1)
PYTHON
