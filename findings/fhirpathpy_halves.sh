#!/usr/bin/env bash
# fhirpathpy 2.2.4 and fhirpath 5.2.2 (npm): one FHIRPath expression is two numbers.
#
# FHIRPath's round() takes a half upwards, by its own example 0.5 to 1. In JavaScript it does; in Python
# halves go to the even neighbour, so that a haemoglobin of 10.25 is 10.3 there and 10.2 here. Decimals
# are decimals in FHIRPath: in Python 1.005.round(2) is 1.00 by the rule for even ones, in JavaScript
# 1, since there 1.005 is a double a little below, and 1.01 would be right. `mod` is the remainder of
# `div`: -7 div 3 is -2 in both, and -7 mod 3 is -1 in JavaScript and 2 in Python, so that div and mod
# do not give back -7. One would have guessed that an expression of a standard, kept in a measure's
# definition so that everybody computes the same, is one number in both; there is no warning.
#
# It matters where a measure's threshold is of one decimal. This project rounds as exact fractions.
#
# Needs Node 18 or later. Exits 0 while the two behave so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fhirpathpy==2.2.4
npm install --silent --no-save --prefix "$folder" fhirpath@5.2.2 >"$folder/npm.txt"
cat >"$folder/ask.js" <<'JAVASCRIPT'
const fhirpath = require("fhirpath");
const asked = JSON.parse(process.argv[2]);
console.log(JSON.stringify(asked.map((text) => fhirpath.evaluate({}, text))));
JAVASCRIPT
"$folder/venv/bin/python" - "$folder/ask.js" <<'PYTHON'
import json
import subprocess
import sys
from importlib.metadata import version

from fhirpathpy import evaluate

EXPECTED = {  # by the specification, in Python, in JavaScript
    "0.5.round(0)": (1, 0, 1),
    "2.5.round(0)": (3, 2, 3),
    "3.5.round(0)": (4, 4, 4),
    "10.25.round(1)": (10.3, 10.2, 10.3),
    "1.005.round(2)": (1.01, 1, 1),
    "-7 div 3": (-2, -2, -2),
    "-7 mod 3": (-1, 2, -1),
}
command = ["node", sys.argv[1], json.dumps(list(EXPECTED))]
answer = subprocess.run(command, check=True, capture_output=True, text=True)
others = [float(result) for (result,) in json.loads(answer.stdout)]
print(f"{'':<16} specification  fhirpathpy {version('fhirpathpy')}  fhirpath 5.2.2 (npm)")
same = True
for (text, (right, python, javascript)), other in zip(EXPECTED.items(), others, strict=True):
    (result,) = evaluate({}, text, {})
    print(f"{text:<16} {right:<14} {result!s:<17} {other:g}")
    same = same and (float(result), other) == (python, javascript)
raise SystemExit(0 if same else 1)
PYTHON
