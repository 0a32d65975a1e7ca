#!/usr/bin/env bash
# linearmodels 7.1: predictions of a formula with a spline, a centred or a scaled covariate depend on
# which rows are asked together.
#
# A model of age is fitted with "y ~ 1 + bs(age, df=4)". predict(data=...) of the 300 patients gives
# the fitted values; of the first seven of them, other numbers; of patients of one age, again others.
# The knots, the mean and the deviation are taken anew from the rows that are asked: the coefficients
# of one basis are multiplied with another. The same formulas in statsmodels, lifelines and pyfixest,
# of which two use the same parser (formulaic), keep the basis of the fit. One would have guessed
# that a prediction is a function of its row; there is no error and no warning.
#
# It matters where a model of a national year is applied to one facility's patients: their mean would
# become the nation's. This project writes the columns of its splines itself.
#
# Exits 0 while linearmodels behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet linearmodels==7.1 statsmodels==0.15.0 numpy==2.4.6 pandas==3.1.1 \
    scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import linearmodels
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from linearmodels import IV2SLS

print("linearmodels", linearmodels.__version__)
generator = np.random.default_rng(1)
patients = pd.DataFrame({"age": generator.uniform(20, 80, 300)})
patients["y"] = 0.1 * patients["age"] + generator.normal(size=300)
some = patients.iloc[:7]
moved = []
print(f"{'formula':<26}{'row 2 among 300':>16}{'among 7':>9}{'statsmodels, both':>19}")
for formula in ("y ~ age", "y ~ center(age)", "y ~ scale(age)", "y ~ bs(age, df=4)"):
    model = IV2SLS.from_formula("y ~ 1 +" + formula[3:], patients).fit()
    among_all = model.predict(data=patients).iloc[1, 0]
    among_some = model.predict(data=some).iloc[1, 0]
    other = smf.ols(formula, patients).fit()
    reference = other.predict(patients).iloc[1]
    assert np.isclose(reference, other.predict(some).iloc[1])
    assert np.isclose(reference, among_all)
    moved.append(bool(abs(among_some - among_all) > 0.05))
    print(f"{formula:<26}{among_all:>16.3f}{among_some:>9.3f}{reference:>19.3f}")
raise SystemExit(0 if moved == [False, True, True, True] else 1)
PYTHON
