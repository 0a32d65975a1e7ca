"""What each chapter says of its measure alone: the better side, and the smallest size."""

from typing import NamedTuple

import pytest

from esrd_pipeline.parameters.register import Program, find_measure

YEARS = (2024, 2025)


class Chapter(NamedTuple):
    """A measure in a program, and what its chapter says."""

    measure: str
    program: Program
    direction: str
    unit: str
    minimum_units: float | None = 11
    minimum_expected: float | None = None


def months(measure: str, program: Program, direction: str) -> Chapter:
    """A percentage of patient-months: eleven patients, whatever their months."""
    return Chapter(measure, program, direction, "patients")


@pytest.mark.parametrize(
    "chapter",
    [
        pytest.param(months("ltc", "dfc", "lower"), marks=pytest.mark.manual("2.1.5", "2.1.7")),
        pytest.param(months("ltc", "qip", "lower"), marks=pytest.mark.manual("2.1.5", "2.1.7")),
        pytest.param(months("sfr", "dfc", "higher"), marks=pytest.mark.manual("2.2.5", "2.2.8")),
        pytest.param(
            months("ktv_adult_hd", "dfc", "higher"), marks=pytest.mark.manual("2.3.5", "2.3.8")
        ),
        pytest.param(
            months("ktv_adult_pd", "dfc", "higher"), marks=pytest.mark.manual("2.4.5", "2.4.8")
        ),
        pytest.param(
            months("ktv_pediatric_hd", "qip", "higher"), marks=pytest.mark.manual("2.5.5", "2.5.8")
        ),
        pytest.param(
            months("ktv_pediatric_pd", "qip", "higher"), marks=pytest.mark.manual("2.6.5", "2.6.8")
        ),
        pytest.param(months("npcr", "dfc", "higher"), marks=pytest.mark.manual("2.7.5", "2.7.8")),
        pytest.param(
            months("hypercalcemia", "dfc", "lower"), marks=pytest.mark.manual("2.8.5", "2.8.8")
        ),
        pytest.param(
            months("hypercalcemia", "qip", "higher"), marks=pytest.mark.manual("2.8.5", "2.8.8")
        ),
        pytest.param(
            months("clinical_depression", "qip", "higher"), marks=pytest.mark.manual("2.9.4")
        ),
        pytest.param(
            Chapter("srr", "dfc", "lower", "discharges"),
            marks=pytest.mark.manual("2.10.5", "2.10.7"),
        ),
        pytest.param(
            Chapter("srr", "qip", "lower", "discharges"),
            marks=pytest.mark.manual("2.11.5", "2.11.7"),
        ),
        pytest.param(
            Chapter("strr", "dfc", "lower", "patient_years", 10),
            marks=pytest.mark.manual("2.12.5", "2.12.7"),
        ),
        pytest.param(
            Chapter("shr", "dfc", "lower", "patient_years", 5),
            marks=pytest.mark.manual("2.13.5", "2.13.7"),
        ),
        pytest.param(
            Chapter("smr", "dfc", "lower", "patient_years", None, 3),
            marks=pytest.mark.manual("2.14.5", "2.14.7"),
        ),
        pytest.param(
            Chapter("swr", "dfc", "higher", "patients", 11, 2),
            marks=pytest.mark.manual("2.15.5", "2.15.7"),
        ),
        pytest.param(months("pppw", "dfc", "higher"), marks=pytest.mark.manual("2.16.5", "2.16.7")),
        pytest.param(
            Chapter("ich_cahps", "qip", "higher", "surveys", 30),
            marks=pytest.mark.manual("2.17.4", "2.17.6"),
        ),
        pytest.param(
            months("nhsn_bsi", "qip", "lower"), marks=pytest.mark.manual("2.18.4", "2.18.6")
        ),
        pytest.param(
            months("medication_reconciliation", "qip", "higher"),
            marks=pytest.mark.manual("2.19.8"),
        ),
        pytest.param(months("health_equity", "qip", "higher"), marks=pytest.mark.manual("2.22.8")),
        pytest.param(months("sdoh_screening", "qip", "higher"), marks=pytest.mark.manual("2.23.8")),
        pytest.param(months("sdoh_positive", "qip", "higher"), marks=pytest.mark.manual("2.24.8")),
        pytest.param(
            Chapter("sedr", "dfc", "lower", "patient_years", 5),
            marks=pytest.mark.manual("2.25.5", "2.25.7"),
        ),
        pytest.param(
            Chapter("ed30", "dfc", "lower", "discharges"),
            marks=pytest.mark.manual("2.26.5", "2.26.7"),
        ),
        # 2.27.7 is printed of discharges; reading 16.
        pytest.param(
            Chapter("smosr", "dfc", "higher", "patients", 11, 2),
            marks=pytest.mark.manual("2.27.5", "2.27.7"),
        ),
    ],
    ids=lambda chapter: f"{chapter.measure} {chapter.program}",
)
def test_better_side_and_smallest_size_are_the_chapters(chapter: Chapter) -> None:
    for year in YEARS:
        entry = find_measure(chapter.measure, chapter.program, year)
        text = (entry.direction, entry.unit, entry.minimum_units, entry.minimum_expected)
        assert text == chapter[2:]
