"""Standards the operator supplies: they take precedence, are cited, and are checked."""

from dataclasses import replace

import pandas as pd
import pytest

from esrd_pipeline.program.qip_rules import PublishedStandard, QipRules, load_rules
from esrd_pipeline.program.qip_standards import compute_standards
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables.raw import QIP_STANDARD
from esrd_pipeline_tests.program.qip_frames import Row, contract

PY2027 = load_rules(2027)
MARKS = ["achievement_threshold", "performance_standard", "benchmark"]
BASELINE: list[Row] = [
    {"ccn": f"{place:06d}", "measure": measure, "value": place / 100}
    for place in range(1, 101)
    for measure in ("ltc", "pppw")
]


def supply(*rows: tuple[str, float, float, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["measure", *MARKS, "citation"])
    return frame.reindex(columns=QIP_STANDARD.column_names)


def standards(supplied: pd.DataFrame | None, rules: QipRules = PY2027) -> pd.DataFrame:
    frame = compute_standards(
        rules=rules,
        performance_year=2025,
        baseline=contract(2023, BASELINE),
        baseline_year=2023,
        current=contract(2025, BASELINE),
        supplied=supplied,
    )
    return frame.set_index("measure")


def test_a_supplied_standard_wins_over_a_computed_one() -> None:
    frame = standards(supply(("ltc", 0.18355, 0.11, 0.0469, "made up, Table 9")))
    assert frame.loc["ltc", MARKS].tolist() == [0.1836, 0.11, 0.0469]
    assert frame.loc["ltc", "standard_source"] == "published: made up, Table 9"
    assert pd.isna(frame.loc["ltc", "facility_count"])
    assert frame.loc["ltc", "small_facility_benchmark"] == 0.105
    others = frame.drop(index="ltc")
    pd.testing.assert_frame_equal(others, standards(None).drop(index="ltc"))
    assert others.loc["pppw", "standard_source"] == "computed from 2023"


def test_a_supplied_standard_fills_in_for_facilities_there_are_none_of() -> None:
    assert pd.isna(standards(None).loc["ktv_adult_hd", "benchmark"])
    frame = standards(supply(("ktv_adult_hd", 0.9, 0.95, 0.99, "somewhere")))
    assert frame.loc["ktv_adult_hd", MARKS].tolist() == [0.9, 0.95, 0.99]
    assert pd.isna(frame.loc["ktv_adult_hd", "reason"])


def test_a_supplied_standard_wins_over_the_package_s() -> None:
    rules = replace(
        PY2027,
        standards_are_published=True,
        published_standards=(
            PublishedStandard("ltc", "0.3", "0.2", "0.1", "package"),
            PublishedStandard("pppw", "0.1", "0.2", "0.3", "package"),
        ),
    )
    frame = standards(supply(("ltc", 0.4, 0.3, 0.2, "operator")), rules)
    assert frame.loc[["ltc", "pppw"], "benchmark"].tolist() == [0.2, 0.3]
    assert frame.loc[["ltc", "pppw"], "standard_source"].tolist() == [
        "published: operator",
        "published: package",
    ]


@pytest.mark.manual("4.1.1")
def test_the_period_benchmark_is_of_raw_rates_only() -> None:
    """Rates printed after their adjustment give no B, and are not adjusted with one."""
    rows: list[Row] = [{**row, "is_adjusted": row["measure"] == "ltc"} for row in BASELINE]
    frame = compute_standards(
        rules=PY2027,
        performance_year=2025,
        baseline=contract(2023, rows),
        baseline_year=2023,
        current=contract(2025, rows),
    ).set_index("measure")
    assert pd.isna(frame.loc["ltc", "small_facility_benchmark"])
    assert frame.loc["pppw", "small_facility_benchmark"] == 0.905
    assert frame.loc[["ltc", "pppw"], "benchmark"].tolist() == [0.105, 0.905]


@pytest.mark.manual("4.1.1")
def test_the_period_benchmark_is_not_rounded() -> None:
    """Of 20 rates the 10th percentile is the mean of the second and the third."""
    values = [0.0475, 0.047612, 0.0477, *(0.05 + place / 100 for place in range(17))]
    rows: list[Row] = [
        {"ccn": f"{place:06d}", "measure": "ltc", "value": value}
        for place, value in enumerate(values)
    ]
    frame = compute_standards(
        rules=PY2027,
        performance_year=2025,
        baseline=contract(2023, rows),
        baseline_year=2023,
        current=contract(2025, rows),
    ).set_index("measure")
    assert frame.loc["ltc", "small_facility_benchmark"] == 0.047656
    assert frame.loc["ltc", "benchmark"] == 0.0477


def test_an_empty_file_supplies_nothing() -> None:
    pd.testing.assert_frame_equal(standards(supply()), standards(None))


def test_threshold_and_benchmark_may_be_equal() -> None:
    frame = standards(supply(("pppw", 0.2, 0.2, 0.2, "x")))
    assert frame.loc["pppw", MARKS].tolist() == [0.2, 0.2, 0.2]


@pytest.mark.parametrize("measure", ["LTC", "ktv_comprehensive", "ktv_topic", "hypercalcemia"])
def test_a_measure_without_standards_is_refused(measure: str) -> None:
    with pytest.raises(
        SourceError,
        match=r"^operator's file of QIP performance standards, column 'Measure': "
        rf"{measure}: payment year 2027 does not score this measure"
        r" against standards, only clinical_depression, ich_cahps_communication, .*, strr$",
    ):
        standards(supply((measure, 0.1, 0.2, 0.3, "x")))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ("ltc", 0.1, 0.2, 0.3, "x"),
            (
                r"^operator's file of QIP performance standards:"
                r" standard of ltc \(x\): lower is better, so achievement threshold, performance"
                r" standard and benchmark must fall in this order, not 0\.1, 0\.2, 0\.3$"
            ),
        ),
        (("pppw", 0.3, 0.2, 0.1, "x"), r"standard of pppw \(x\): higher is better, .* must rise"),
        (("pppw", 0.1, 0.4, 0.3, "x"), r"standard of pppw \(x\): higher is better, .* must rise"),
        (("pppw", 0.2, 0.1, 0.3, "x"), r"standard of pppw \(x\): higher is better, .* must rise"),
    ],
)
def test_a_standard_against_its_measure_s_direction_is_refused(
    row: tuple[str, float, float, float, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        standards(supply(row))
