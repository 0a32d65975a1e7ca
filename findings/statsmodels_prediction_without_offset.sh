#!/usr/bin/env bash
# statsmodels 0.15.0: 2,657 deaths are 10 in get_prediction(), where predict() of the same fit has 2,657.
#
# A Poisson model of the deaths of 200 facilities with their patient-years as exposure. Without new
# rows, predict() has the expected deaths of the rows of the fit, which add up to those observed, as
# the score of the intercept has it. get_prediction(), which adds the confidence limits, gives them
# per patient-year: the exposure is left out, in GLM, Poisson, NegativeBinomial and GEE, with offset=
# as with exposure=. Given again, get_prediction(offset=...) is right. fittedvalues is with it in GLM
# and GEE, and the logarithm without it in Poisson. One would have guessed that the prediction with
# limits is the prediction, as R's predict(se.fit = TRUE) has it; there is no warning.
#
# It matters for limits about expected events: each lies far below the estimate it belongs to. This
# project computes expected events and their limits itself, and compares coefficients.
#
# Exits 0 while statsmodels behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import statsmodels
import statsmodels.api as sm

print("statsmodels", statsmodels.__version__)
generator = np.random.default_rng(1)
count = 200
x = generator.normal(size=count)
years = generator.integers(50, 500, count)
deaths = generator.poisson(years * np.exp(-3 + 0.3 * x))
design = sm.add_constant(x)
poisson = sm.families.Poisson()
groups = np.arange(count) // 4
models = {
    "GLM": sm.GLM(deaths, design, family=poisson, exposure=years).fit(),
    "GLM, offset": sm.GLM(deaths, design, family=poisson, offset=np.log(years)).fit(),
    "Poisson": sm.Poisson(deaths, design, exposure=years).fit(disp=0),
    "NegativeBinomial": sm.NegativeBinomial(deaths, design, exposure=years).fit(disp=0),
    "GEE": sm.GEE(deaths, design, groups=groups, family=poisson, offset=np.log(years)).fit(),
}
print(f"observed {deaths.sum()}; sums over the rows of the fit:")
print(f"{'':<18}{'predict()':>10}{'get_prediction()':>18}{'of the first: limits':>24}")
as_described = []
for name, model in models.items():
    predicted = np.asarray(model.predict())
    frame = model.get_prediction().summary_frame()
    mean, low, high = (frame.iloc[:, place].to_numpy() for place in (0, 2, 3))
    print(f"{name:<18}{predicted.sum():>10.1f}{mean.sum():>18.1f}{low[0]:>16.3f}{high[0]:>8.3f}")
    as_described += [
        abs(predicted.sum() / deaths.sum() - 1) < 0.01,
        np.allclose(mean * years, predicted, rtol=1e-6),
        bool((high < predicted).all()),
    ]
again = models["GLM"].get_prediction(offset=np.log(years)).summary_frame()["mean"].sum()
logs = models["Poisson"].fittedvalues
print(f"GLM, offset given again: {again:.1f}; Poisson's fittedvalues: {np.exp(logs).sum():.1f}")
as_described += [bool(abs(again - deaths.sum()) < 0.1), bool(np.exp(logs).sum() < 20)]
raise SystemExit(0 if all(as_described) else 1)
PYTHON
