#!/usr/bin/env bash
# scikit-survival 0.28.0, lifelines 0.30.0: a tenth of the patients is dead on day 0, where the first
# death is on day 40.
#
# A Cox model of eight patients who die or leave from day 40 on. predict_survival_function() is asked for
# the days 0, 10 and 39: in both packages each answer is that of day 40, 0.90, and the cumulative hazard
# is above 0 from the first day. A time before the first one of the data is taken for the first;
# scikit-survival refuses one beyond the last. lifelines' Kaplan-Meier curve of the same patients is 1 on
# these days, and so is the curve of the fit written out by hand, which agrees with both from day 40 on.
# One would have guessed that everybody lives on day 0.
#
# In scikit-survival it was put there on purpose (sebp/scikit-survival#375, after an error in #249). It
# matters where the first of few events is late, and in each mean over time, as of a Brier score, that
# begins with day 0. This project asks neither for survival.
#
# Exits 0 while both behave so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-survival==0.28.0 lifelines==0.30.0 pandas==3.1.1 numpy==2.4.6 \
  scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
from importlib.metadata import version

import lifelines
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

print("scikit-survival", version("scikit-survival"), "lifelines", lifelines.__version__)
days = np.array([40.0, 55, 70, 90, 120, 150, 200, 300])
died = np.array([True, True, False, True, True, False, True, False])
age = np.array([1.0, -0.5, 0.3, 0.8, -1.0, -0.2, 0.1, -0.6])
patient = pd.DataFrame({"age": [0.0]})
asked = [0, 10, 39, 40, 60]

model = CoxPHSurvivalAnalysis(ties="breslow").fit(pd.DataFrame({"age": age}), Surv.from_arrays(died, days))
(curve,) = model.predict_survival_function(patient)
(hazard,) = model.predict_cumulative_hazard_function(patient)
table = pd.DataFrame({"age": age, "days": days, "died": died})
fit = CoxPHFitter().fit(table, "days", "died")
other = fit.predict_survival_function(patient, times=asked)
kaplan_meier = KaplanMeierFitter().fit(days, died)


def survive(day):
    """Breslow's sum over the deaths up to a day, of a patient of mean age."""
    risk = np.exp(model.coef_[0] * age)
    return math.exp(-sum(1 / risk[days >= moment].sum() for moment in days[died] if moment <= day))


found = {}
print("day  scikit-survival  lifelines  by hand  Kaplan-Meier  hazard, scikit-survival")
for day in asked:
    found[day] = float(curve(day)), float(other.loc[day].iloc[0]), survive(day)
    columns = (*found[day], float(kaplan_meier.predict(day)), float(hazard(day)))
    print("{:<4} {:<16.4f} {:<10.4f} {:<8.4f} {:<13.4f} {:.4f}".format(day, *columns))
before = all(max(abs(value - found[40][2]) for value in found[day][:2]) < 1e-4 for day in (0, 10, 39))
whole = all(found[day][2] == 1 and kaplan_meier.predict(day) == 1 for day in (0, 10, 39))
after = all(max(abs(value - found[day][2]) for value in found[day][:2]) < 1e-4 for day in (40, 60))
try:
    curve(301)
    refused = False
except ValueError as error:
    refused = True
    print("day 301:", error)
raise SystemExit(0 if before and whole and after and refused and found[40][2] < 0.91 else 1)
PYTHON
