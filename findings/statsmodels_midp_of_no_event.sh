#!/usr/bin/env bash
# statsmodels 0.15.0: the mid-p interval of a rate without an event is one point, above its estimate.
#
# confint_poisson(0, 1, method="midp-c") gives 2.9957 as lower and as upper limit. The upper limit
# of no event is right (half of exp(-m) is 0.025 at m = ln 20), the lower one is 0: at no mean is the
# tail of 0 or more, with half of the chance of 0, as small as 0.025. A root is sought from both
# sides, and here both searches end at the only one there is. One would have guessed 0, as
# method="exact-c" has it, or at least an interval that holds the rate of 0; there is no warning.
#
# It matters for the standardised mortality ratio of a small facility: without a death, it would be
# called worse than expected wherever fewer than 2.99 deaths are expected. This project computes
# mid-p limits itself, with 0 as the lower one.
#
# Exits 0 while statsmodels behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math

import statsmodels
from scipy.optimize import brentq
from statsmodels.stats.rates import confint_poisson

print("statsmodels", statsmodels.__version__)


def below(events, mean):
    terms = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(events + 1)]
    return sum(terms) - terms[-1] / 2


def find_limits(events):
    """Invert the two mid-p tails; no event has no lower limit but 0."""
    lower = brentq(lambda m: 1 - below(events, m) - 0.025, 1e-9, 50) if events else 0.0
    return lower, brentq(lambda m: below(events, m) - 0.025, 1e-9, 50)


print("events  statsmodels midp-c  the tails inverted  statsmodels exact-c")
found = {}
for events in range(4):
    midp = tuple(map(float, confint_poisson(events, 1, method="midp-c")))
    exact = tuple(map(float, confint_poisson(events, 1, method="exact-c")))
    found[events] = midp, find_limits(events)
    print(f"{events:<8}" + "  ".join(f"{low:8.4f} {high:8.4f}" for low, high in (*found[events], exact)))


def agree(first, second):
    return all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(first, second, strict=True))


others_are_right = all(agree(*found[events]) for events in (1, 2, 3))
is_point = agree(found[0][0], (math.log(20), math.log(20)))
raise SystemExit(0 if others_are_right and is_point else 1)
PYTHON
