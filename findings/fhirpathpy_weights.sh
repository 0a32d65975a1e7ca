#!/usr/bin/env bash
# fhirpathpy 2.2.4: 1 pound equals 1 kilogram, 150 pounds are 69 kg, and 170 cm are not 1.7 m.
#
# FHIRPath's = of two quantities is asked after they are brought to one unit. fhirpathpy does so for a
# few pairs of units, one at a time: pounds and kilograms are rounded up to a whole number (150 pounds,
# 68.04 kg, equal 69 kg and not 68), grams and milligrams to the nearest one, and only from left to
# right: 600 mg = 1 g and 0.25 g = 250 mg are true, 250 mg = 0.25 g is false. Metres and
# centimetres go through doubles, and 10.5 g/dL = 105 g/L is false as of an unknown unit. fhirpath 5.2.2
# of npm, in JavaScript, has each of them right; an engine without units may answer with nothing,
# which is neither. One would have guessed that equal quantities are equal in both directions, or no
# answer.
#
# It matters where a patient's weight before and after dialysis comes from FHIR in two units, as for the
# rate of ultrafiltration. This project reads no FHIR.
#
# Needs Node 18 or later. Exits 0 while fhirpathpy behaves so, 1 when that changes.
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

EQUAL = {  # whether they are: a pound is 0.45359237 kg
    "1 '[lb_av]' = 1 'kg'": False,
    "150 '[lb_av]' = 69 'kg'": False,
    "150 '[lb_av]' = 68.0388555 'kg'": True,
    "600 'mg' = 1 'g'": False,
    "0.25 'g' = 250 'mg'": True,
    "250 'mg' = 0.25 'g'": True,
    "1.7 'm' = 170 'cm'": True,
    "10.5 'g/dL' = 105 'g/L'": True,
    "36 'h' = 1.5 'd'": True,
}
WRONG = {text for text in EQUAL if text not in ("0.25 'g' = 250 'mg'", "36 'h' = 1.5 'd'")}
command = ["node", sys.argv[1], json.dumps(list(EQUAL))]
answer = subprocess.run(command, check=True, capture_output=True, text=True)
others = [result for (result,) in json.loads(answer.stdout)]
print(f"{'':<34} fhirpathpy {version('fhirpathpy')}  fhirpath 5.2.2 (npm)  so it is")
found = {}
for (text, is_equal), other in zip(EQUAL.items(), others, strict=True):
    (found[text],) = evaluate({}, text, {})
    print(f"{text:<34} {found[text]!s:<17} {other!s:<21} {is_equal}")
as_described = {text for text in EQUAL if found[text] != EQUAL[text]} == WRONG
raise SystemExit(0 if as_described and others == list(EQUAL.values()) else 1)
PYTHON
