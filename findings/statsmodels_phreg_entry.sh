#!/usr/bin/env bash
# statsmodels 0.15.0: in PHReg a row that begins on the day of an event counts as at risk of it.
#
# 200 patients in rows of thirty days, (0, 30], (30, 60], ..., as recurrent events and covariates that
# change are written. At day 30 the row that ends there is at risk and the one that begins there is
# not: so have it R's coxph, lifelines' CoxTimeVaryingFitter, and statsmodels' own survival curve,
# SurvfuncRight. PHReg takes both, so each patient twice: a log hazard ratio of 0.690 becomes 0.639
# (Efron). The estimate jumps to R's when every row begins a millionth of a day later. Beside it is
# the partial likelihood, maximised by hand under either rule. One would have guessed one rule for a
# beginning within one package; there is no warning.
#
# It matters for every fit in days with `entry`, where beginnings and events share their days. This
# project compares its Cox models with lifelines and R, whose rule it has.
#
# Exits 0 while PHReg counts both rows, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 lifelines==0.30.0 numpy==2.4.6 pandas==3.1.1 \
    scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lifelines
import numpy as np
import pandas as pd
import statsmodels
from lifelines import CoxTimeVaryingFitter
from scipy.optimize import minimize_scalar
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

print("statsmodels", statsmodels.__version__, "lifelines", lifelines.__version__)
generator = np.random.default_rng(5)
rows = []
for patient in range(200):
    x = generator.normal()
    for start in range(30 * int(generator.integers(0, 4)), 300, 30):
        event = int(generator.random() < 0.15 * np.exp(0.6 * x))
        rows.append((patient, float(start), start + 30.0, event, x))
table = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "x"])


def fit_by_hand(counts_entry):
    """Maximise Efron's partial likelihood."""
    start, stop, x = table["start"].to_numpy(), table["stop"].to_numpy(), table["x"].to_numpy()
    died = table["event"].to_numpy() == 1

    def lose(slope):
        risk, total = np.exp(slope * x), 0.0
        for day in np.unique(stop[died]):
            there = (stop >= day) & ((start <= day) if counts_entry else (start < day))
            now = died & (stop == day)
            shares = np.arange(now.sum()) / now.sum()
            total += slope * x[now].sum()
            total -= np.log(risk[there].sum() - shares * risk[now].sum()).sum()
        return -total

    return minimize_scalar(lose, bounds=(-2, 2), method="bounded", options={"xatol": 1e-9}).x


def fit_phreg(later):
    entry = table["start"] + later
    model = PHReg(table["stop"], table[["x"]], status=table["event"], entry=entry, ties="efron")
    return float(model.fit().params[0])


lifelines_fit = CoxTimeVaryingFitter().fit(
    table, id_col="id", start_col="start", stop_col="stop", event_col="event"
)
found = {
    "PHReg": fit_phreg(0.0),
    "PHReg, rows begin a millionth later": fit_phreg(1e-6),
    "lifelines": float(lifelines_fit.params_["x"]),
    "by hand, beginning counted": fit_by_hand(True),
    "by hand, beginning not counted": fit_by_hand(False),
}
for name, slope in found.items():
    print(f"{name:<38}{slope:.4f}")
curve = SurvfuncRight(table["stop"], table["event"], entry=table["start"])
begun = int((table["start"] < 30).sum())
print(f"at risk on day 30 in SurvfuncRight: {int(curve.n_risk[0])}, rows begun before: {begun}")
phreg, later, other, counted, not_counted = found.values()
as_described = (
    abs(phreg - counted) < 1e-4
    and max(abs(later - not_counted), abs(other - not_counted)) < 1e-4
    and abs(counted - not_counted) > 0.01
    and int(curve.n_risk[0]) == begun
)
raise SystemExit(0 if as_described else 1)
PYTHON
