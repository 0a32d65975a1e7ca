"""A new smallest size of SHR from 2026 on: one row of the register a program, and nothing else.

Contract, flag, QIP score and footnote of 2026 have the new number; 2025 is as before.
"""

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.contract import Assessment, assemble_contract
from esrd_pipeline.families.published_codes import Why, list_codes
from esrd_pipeline.measures import shr
from esrd_pipeline.parameters import FOLDER_VARIABLE, load_parameters
from esrd_pipeline.parameters.reasons import describe_reason
from esrd_pipeline.parameters.register import Program
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.program.flags import flag_facilities
from esrd_pipeline.program.qip_rules import QipRules, build_rules
from esrd_pipeline_tests.program.contract_frames import national_of, results_of
from esrd_pipeline_tests.program.qip_frames import score
from esrd_pipeline_tests.reason_texts import text_of

YEARS = 5.5
"""Patient-years of the facility: more than five, fewer than six."""


@pytest.fixture(autouse=True)
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The register with one more row for each program's SHR: six patient-years from 2026 on."""
    own = resources.files("esrd_pipeline.parameters").joinpath("register.csv")
    rows = list(csv.DictReader(own.read_text(encoding="utf-8").splitlines()))
    added = [
        row | {"first_performance_year": "2026", "minimum_units": "6"}
        for row in rows
        if row["measure"] == "shr" and not row["last_performance_year"]
    ]
    assert [row["program"] for row in added] == ["dfc", "qip"]
    with (tmp_path / "register.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows + added)
    _forget()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    yield
    _forget()


def _forget() -> None:
    load_parameters.cache_clear()
    load_rows.cache_clear()


def assess(program: Program, year: int) -> pd.DataFrame:
    """The contract's row of a facility of 5.5 patient-years whose interval lies above one."""
    one = {name: np.array([np.nan]) for name in Assessment.__dataclass_fields__}
    del one["reference"], one["note"]
    numbers = {"unit_count": YEARS, "value": 1.8, "denominator": 5.0, "lower": 1.2, "upper": 2.7}
    assessment = Assessment(
        **(one | {name: np.array([number]) for name, number in numbers.items()}), reference=1.0
    )
    return assemble_contract(
        shr.specify(program, year),
        year,
        ccns=np.array(["012500"], dtype=object),
        assessment=assessment,
    )


def make_rules(performance_year: int) -> QipRules:
    """The rule set of payment year 2027, moved to a performance year."""
    frames = {
        name: load_parameters(f"qip_{file}").query("payment_year == '2027'")
        for name, file in {
            "domains": "domain",
            "measures": "measure",
            "reductions": "reduction",
            "standards": "standard",
            "years": "year",
        }.items()
    }
    payment_year = str(performance_year + 2)
    frames = {name: rows.assign(payment_year=payment_year) for name, rows in frames.items()}
    frames["years"] = frames["years"].assign(
        performance_year=str(performance_year),
        baseline_year=str(performance_year - 2),
        improvement_year=str(performance_year - 1),
    )
    return build_rules(payment_year=performance_year + 2, **frames)


def test_the_contract_of_2026_has_the_new_size_and_2025_the_old() -> None:
    (before,), (after,) = (assess("dfc", year).to_dict("records") for year in (2025, 2026))
    assert (before["reportable"], before["category"]) == (True, "worse")
    assert (after["reportable"], after["category"]) == (False, None)
    assert text_of(after) == "fewer than 6 patient-years"
    assert text_of(before) is None


def test_the_flag_of_2026_has_the_new_size_and_2025_the_old() -> None:
    # The row of a file that knows no size rule: reportable in both years.
    row = assess("dfc", 2025)
    before, after = (
        flag_facilities(
            performance_year=year,
            facilities=row.assign(performance_year=year),
            national=national_of({}),
            published_results=results_of(),
        ).iloc[0]
        for year in (2025, 2026)
    )
    assert before["category"] == "worse"
    assert pd.isna(after["category"])
    assert text_of(after) == "fewer than 6 patient-years"


def test_the_qip_score_of_2026_has_the_new_size_and_2025_the_old() -> None:
    before, after = (
        score(
            make_rules(year),
            current=[{"measure": "shr", "value": 150.0, "unit_count": YEARS}],
            standard=[{"measure": "shr", "achievement_threshold": 200.0, "benchmark": 100.0}],
        ).loc["shr"]
        for year in (2025, 2026)
    )
    # 9 x (200 - 150) / 100 + 0.5 = 5
    assert before["score"] == 5
    assert pd.isna(after["score"])
    assert text_of(after) == "fewer than 6 patient-years"


def test_the_small_facility_adjustment_begins_at_the_new_size() -> None:
    lowest = [
        rule.small_facility.lower
        for year in (2025, 2026)
        for rule in make_rules(year).measures
        if rule.measure == "shr" and rule.small_facility is not None
    ]
    assert lowest == [5, 6]


def test_the_footnote_of_2026_is_still_there_and_says_the_new_size() -> None:
    (row,) = assess("qip", 2026).to_dict("records")
    why = Why(row["reason"], row["reason_number"])
    assert list_codes("qip_complete", "shr", why) == ["13"]
    assert describe_reason("footnote_13", why.number) == "fewer than 6 patient-years at risk"
