"""Every command README names is run: here as it stands, or by the test that is named for it."""

import re
import shlex
from pathlib import Path

import pytest

from esrd_pipeline_tests.orchestration.commands import run_here
from esrd_pipeline_tests.orchestration.conftest import Refreshed

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
BY_OTHERS = {
    "esrd backfill --from 2022 --to 2025": "the fixture `refreshed`, with the first star baseline",
    "esrd ui": "test_ui.py",
    "esrd fit shr --year 2025 --out shr-2025": "families/test_fit_files.py, of cohorts of its own",
    "esrd site --year 2025": "the fixture `site`, into a folder of its own",
    "esrd synthesize --facilities 300 --first-year 2022 --last-year 2024"
    " --folder data/raw/patient": (
        "acceptance/four_years.py and shr_nation.py, with fewer facilities"
    ),
    "esrd refresh --year 2024": "test_refresh.py; of raw files acceptance/four_years.py",
    "esrd explain --measure shr --ccn 012501 --year 2024": "test_privacy.py, of another measure",
    "esrd propose-exceptions --year 2024": "emergency/test_exceptions.py, with a closed facility",
    "esrd emergency --area FL --date 2024-09-27": "emergency/test_command.py, of a small area",
    "esrd emergency-effect --area FL --date 2024-09-26": "emergency/test_effect.py, of another day",
    "esrd network template data/raw/network": "test_network_files.py, in a folder of its own",
    "esrd network check data/raw/network": "test_network_files.py, likewise",
    "esrd what-if --year 2025 --ccn 012501": "test_what_if.py, of the facility with the lowest TPS",
    "esrd what-if --year 2025 --ccn 012501 --set shr.numerator=40": "test_what_if.py, likewise",
    "esrd what-if --year 2025 --ccn 012501 --months 9": "test_what_if.py, likewise",
    "esrd what-if --year 2025 --scenario plan.csv": "test_what_if.py, with a plan of its own",
    "esrd what-if --year 2025 --rule-set amended --out moved.csv": "test_what_if.py",
    "esrd refresh --year 2025 --cutoff 2026-10-15": "test_release_command.py",
    'esrd release --year 2025 --quarter 2026Q4 --by "Ada Lovelace"': "test_release_command.py",
    'esrd release --year 2025 --quarter 2026Q4 --approve --by "Ben Okri"': (
        "test_release_command.py"
    ),
    "esrd release --year 2025 --quarter 2026Q4 --replaces 2026Q4"
    ' --because "A month of claims was missing." --by "Ada Lovelace"': "test_release_command.py",
    "esrd release --list": "test_release_command.py",
    "esrd release --verify": "test_release_command.py",
}
"""Commands that take long, and what runs them."""
HERE = (
    "esrd payment-year 2027",
    "esrd payment-year 2027 --rule-set amended",
    "esrd refresh --year 2025 --dry-run",
    "esrd refresh --year 2025 --changed",
    "esrd export --year 2025 --name approved",
    "esrd refresh --year 2024 --star-baseline rebaseline",
    "esrd refresh --year 2025 --rule-set amended",
)
"""In an order in which each finds what it needs."""


def test_no_command_of_readme_is_left_out() -> None:
    blocks = _BLOCK.findall(README.read_text(encoding="utf-8"))
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    assert {line for line in lines if line.startswith("esrd ")} == {*HERE, *BY_OTHERS}


@pytest.mark.slow
def test_the_commands_do_as_readme_says(
    refreshed: Refreshed, published: Path, tmp_path: Path
) -> None:
    data = refreshed.copy_to(tmp_path / "data")
    text = {}
    for command in HERE:
        code, text[command] = run_here(data, published, *shlex.split(command)[1:])
        assert code == 0, f"{command}: {text[command]}"
    assert "DOMAINS" in text[HERE[0]]
    assert "rule set amended" in text[HERE[1]]
    assert "2025: 0 of " in text["esrd refresh --year 2025 --dry-run"]
    assert "tables are up to date" in text["esrd refresh --year 2025 --changed"]
    assert (data / "releases" / "2025" / "approved" / "README.txt").is_file()
