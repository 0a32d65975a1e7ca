#!/usr/bin/env bash
# lifelines 0.30.0: CoxTimeVaryingFitter diverges on an ordinary spline of age at its default step.
#
# 1,000 patients in 60 strata, ages 1 to 75, and the years of age from 12 to 18 and from 18 to 64 as
# two covariates, as in the models of CMS's dialysis measures. Two of ten data sets end with
# "ConvergenceError: hessian or gradient contains nan or inf value(s)"; with step_size=0.5 all ten
# converge, to the same estimates where both do. One would have guessed that Newton's method on a
# concave likelihood halves a step that makes it worse, as R's coxph does.
#
# It matters where lifelines is the second opinion on a fit: the year of a nation without children
# could stop at it. This project starts with step_size=0.5.
#
# Exits 0 while the default step fails on some of the ten and the shorter one on none, 1 when that
# changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lifelines==0.30.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lifelines
import numpy as np
import pandas as pd
from lifelines import CoxTimeVaryingFitter

print("lifelines", lifelines.__version__)


def draw(seed):
    generator = np.random.default_rng(seed)
    count = 1000
    age = np.clip(generator.normal(55, 18, count), 1, 75)
    youth, adult = np.clip(age - 12, 0, 6), np.clip(age - 18, 0, 46)
    time = generator.exponential(250 * np.exp(0.2 * youth + 0.03 * adult))
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "start": 0.0,
            "stop": np.minimum(time, 365.0),
            "event": (time < 365).astype(int),
            "stratum": generator.integers(0, 60, count),
            "youth": youth,
            "adult": adult,
        }
    )


def fit(rows, **options):
    try:
        fitted = CoxTimeVaryingFitter().fit(
            rows,
            id_col="id",
            start_col="start",
            stop_col="stop",
            event_col="event",
            strata=["stratum"],
            fit_options=options,
        )
    except (lifelines.exceptions.ConvergenceError, np.linalg.LinAlgError) as error:
        return type(error).__name__
    return " ".join(f"{value:.3f}" for value in fitted.params_)


failed = {"default": 0, "0.5": 0}
print(f"{'data':<6}{'default step':<22}step_size=0.5")
for seed in range(10):
    rows = draw(seed)
    first, second = fit(rows), fit(rows, step_size=0.5)
    failed["default"] += "Error" in first
    failed["0.5"] += "Error" in second
    print(f"{seed:<6}{first:<22}{second}")
raise SystemExit(0 if failed["default"] > 0 and failed["0.5"] == 0 else 1)
PYTHON
