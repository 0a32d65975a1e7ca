#!/usr/bin/env bash
# lifelines 0.30.0: CoxPHFitter takes late entry into its coefficients, and leaves it out of the
# baseline hazard and of the robust standard errors.
#
# 400 patients, half of whom enter late (entry_col). The coefficients are those of the partial
# likelihood in which nobody is at risk before entry. baseline_cumulative_hazard_ is Breslow's sum
# over everybody who has not left yet, entered or not: up to time 1 it is 0.127 where those at risk
# give 0.236, so survival is overstated most where few have entered. With robust=True the middle of
# the sandwich is summed over the same sets (0.081 for 0.078). Both are recomputed by hand
# here, with late entry and without. One would have guessed that a model has one set at risk, or a
# refusal, as residuals have it ("Residuals for entries not implemented").
#
# The baseline was asked about in CamDavidsonPilon/lifelines#1416, which is open. It matters where
# patients are followed from their 90th day of dialysis, or a year's risk set is that of calendar
# time. This project compares coefficients alone with CoxPHFitter; it has both sums of its own.
#
# Exits 0 while lifelines behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lifelines==0.30.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lifelines
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

print("lifelines", lifelines.__version__)
generator = np.random.default_rng(7)
count = 400
x = generator.normal(size=count)
late = generator.integers(0, 2, count) == 1
start = np.where(late, generator.uniform(0, 3, count), 0.0)
stop = start + generator.exponential(3 * np.exp(-0.5 * x))
end = start + generator.uniform(0, 4, count)
event = (stop <= end).astype(int)
stop = np.minimum(stop, end)
table = pd.DataFrame({"start": start, "stop": stop, "event": event, "x": x})
model = CoxPHFitter().fit(table, "stop", "event", entry_col="start")
robust = CoxPHFitter().fit(table, "stop", "event", entry_col="start", robust=True)
slope = float(model.params_["x"])
centred = x - x.mean()
risk = np.exp(slope * centred)


def sum_up(entered_late):
    """Return Breslow's hazard up to time 1, the score and the robust standard error (no ties)."""
    times = np.sort(stop[event == 1])
    there = (stop[:, None] >= times) & ((start[:, None] < times) | (not entered_late))
    total = (risk[:, None] * there).sum(axis=0)
    mean = (risk[:, None] * there * centred[:, None]).sum(axis=0) / total
    at = np.searchsorted(times, stop)
    own = event * (centred - mean[np.minimum(at, len(times) - 1)])
    shares = there * risk[:, None] * (centred[:, None] - mean) / total
    scores = own - shares.sum(axis=1)
    error = float(model.standard_errors_["x"]) ** 2 * np.sqrt((scores**2).sum())
    return (1 / total)[times <= 1].sum(), scores.sum(), error


baseline = model.baseline_cumulative_hazard_.iloc[:, 0]
of_lifelines = float(baseline[baseline.index <= 1].iloc[-1]), float(robust.standard_errors_["x"])
right, without = sum_up(True), sum_up(False)
print(f"score at lifelines' coefficient: {right[1]:.6f} with late entry, {without[1]:.2f} without")
print(f"{'':<30}{'hazard to time 1':>18}{'robust error':>15}")
print(f"{'lifelines':<30}{of_lifelines[0]:>18.5f}{of_lifelines[1]:>15.5f}")
print(f"{'by hand, with late entry':<30}{right[0]:>18.5f}{right[2]:>15.5f}")
print(f"{'by hand, without late entry':<30}{without[0]:>18.5f}{without[2]:>15.5f}")
as_described = (
    abs(right[1]) < 1e-2
    and np.isclose(of_lifelines[0], without[0], rtol=1e-3)
    and np.isclose(of_lifelines[1], without[2], rtol=1e-3)
    and right[0] > 1.5 * without[0]
)
raise SystemExit(0 if as_described else 1)
PYTHON
