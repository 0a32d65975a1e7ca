#!/usr/bin/env bash
# elixhauser-ahrq 2026.1.3: without indicators of what was present on admission, 18 of AHRQ's 38
# comorbidities are never there, and kidney failure is one of them.
#
# The indicators are an optional argument, and the package's own quick start leaves them out. Then
# map_patient_diagnoses() of a patient with N18.6, I50.22 and D63.1 beside the principal diagnosis
# finds none of kidney failure, heart failure and anemia, and the mortality score is 0; with "Y" for
# each it finds all three, and the score is 18. map_single_code() of the same class, asked without
# an indicator, finds them. A blank, as a code that needs no indicator has, is "not present" as well.
# The package's own comment has "Y, W, or exempt". One would have guessed that what is not told is
# taken as the single code's method takes it, or is missing; the flags are False, without a warning.
#
# It matters for claims of outpatients and physicians, which have no such indicators: no patient on
# dialysis would have kidney failure. This project groups diagnoses by the CCS and the manual's lists.
#
# Exits 0 while it is as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet elixhauser-ahrq==2026.1.3 pandas==3.1.1 numpy==2.4.6 \
    openpyxl==3.1.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from elixhauser_ahrq import ElixhauserMapper, ElixhauserScorer

print("elixhauser-ahrq", version("elixhauser-ahrq"))
mapper, scorer = ElixhauserMapper(), ElixhauserScorer(index_type="mortality")
codes = ["A419", "N186", "I5022", "D631"]
found = []
for indicators in (None, ["Y", "", "", ""], ["Y", "Y", "Y", "Y"]):
    flags = mapper.map_patient_diagnoses(codes, indicators)
    there = sorted(name for name, is_there in flags.items() if is_there)
    found.append((there, int(scorer.calculate_score(flags))))
    print(f"{indicators!s:<24}{there} score {found[-1][1]}")
single = {code: [n for n, yes in mapper.map_single_code(code).items() if yes] for code in codes[1:]}
print("map_single_code without an indicator:", single)


def list_all(indicator):
    """Return what any code of the reference file gives, each beside another principal diagnosis."""
    every = set()
    for code in mapper.lookup:
        flags = mapper.map_patient_diagnoses(["A419", code], indicator and ["Y", indicator])
        every.update(name for name, is_there in flags.items() if is_there)
    return every


with_indicators, without = list_all("Y"), list_all(None)
never = sorted(with_indicators - without)
print(f"of {len(with_indicators)} flags, {len(never)} never come without indicators:", *never)
as_described = (
    found == [([], 0), ([], 0), (["ANEMDEF", "HF", "RENLFL_SEV"], 18)]
    and single == {"N186": ["RENLFL_SEV"], "I5022": ["HF"], "D631": ["ANEMDEF"]}
    and "RENLFL_SEV" in never
    and len(never) == 18
)
raise SystemExit(0 if as_described else 1)
PYTHON
