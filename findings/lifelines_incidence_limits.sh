#!/usr/bin/env bash
# lifelines 0.30.0: the lower confidence limit of a cumulative incidence is called its upper one.
#
# AalenJohansenFitter of six patients with two kinds of events: by day 6 the incidence is 0.58, and its
# column AJ_estimate_upper_0.95 has 0.11, AJ_estimate_lower_0.95 0.88. The numbers are right (recomputed
# here by the delta method on log(-log F), as its documentation has it), the two names are exchanged.
# With ci_labels=["low", "high"] the lower limit is "low", so only the names it gives itself are
# wrong. KaplanMeierFitter's are right. One would have guessed that a column called upper is the upper
# limit, or at least not below the estimate.
#
# It matters where limits are read by name: "below 0.88" becomes "above 0.88", and an incidence is
# called higher than a standard that lies within its limits. This project computes incidences and their
# limits itself.
#
# Exits 0 while the names are exchanged, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lifelines==0.30.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math

import lifelines
from lifelines import AalenJohansenFitter, KaplanMeierFitter

print("lifelines", lifelines.__version__)
days, events = [1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 2, 1]


def read_last(fitter, estimate):
    limits = fitter.confidence_interval_.iloc[-1].to_dict()
    return float(estimate.iloc[-1, 0]), {name: float(limit) for name, limit in limits.items()}


incidence = AalenJohansenFitter().fit(days, events, event_of_interest=1)
estimate, limits = read_last(incidence, incidence.cumulative_density_)
named = AalenJohansenFitter().fit(days, events, event_of_interest=1, ci_labels=["low", "high"])
_, named_limits = read_last(named, named.cumulative_density_)
survival = KaplanMeierFitter().fit(days, [1, 1, 1, 0, 0, 0])
surviving, survival_limits = read_last(survival, survival.survival_function_)

error = math.sqrt(float(incidence.variance_.iloc[-1])) / (estimate * abs(math.log(estimate)))
wide = 1.959963984540054 * error
low, high = sorted(math.exp(-math.exp(math.log(-math.log(estimate)) + z)) for z in (wide, -wide))
print(f"by hand          {estimate:.4f}  low {low:.4f}  high {high:.4f}")
for name, value, found in (
    ("incidence", estimate, limits),
    ("with ci_labels", estimate, named_limits),
    ("Kaplan-Meier", surviving, survival_limits),
):
    print(f"{name:<16} {value:.4f}  " + "  ".join(f"{key} {limit:.4f}" for key, limit in found.items()))


def equal(first, second):
    return math.isclose(first, second, abs_tol=1e-9)


exchanged = equal(limits["AJ_estimate_upper_0.95"], low) and equal(limits["AJ_estimate_lower_0.95"], high)
right = equal(named_limits["low"], low) and equal(named_limits["high"], high)
other = survival_limits["KM_estimate_lower_0.95"] < surviving < survival_limits["KM_estimate_upper_0.95"]
raise SystemExit(0 if exchanged and right and other else 1)
PYTHON
