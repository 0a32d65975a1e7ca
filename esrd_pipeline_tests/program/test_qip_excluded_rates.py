"""Rates of facilities that a measure excludes: in no percentile, and nothing to improve on.

Manual 2.17.6, 2.18.6, 4.1, 4.1.2.2 and Table 17.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.program.qip_period import leave_excluded
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.scoring_frames import OneFacility, WholeYear, leave_uncounted, read_frames
from esrd_pipeline.tables import facility, linkage, measured, program, raw
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.program.qip_frames import contract, directory, grants
from esrd_pipeline_tests.site.small import fill

PY2027 = load_rules(2027)
MARCH = date(2024, 3, 1)
OPENED = date(1999, 1, 1)


def counted(
    measure: str,
    *,
    facility: Mapping[str, object] | None = None,
    ece: tuple[date, date] | None = None,
) -> bool:
    """Whether the rate of performance year 2024 of one facility counts in payment year 2027."""
    (row,) = leave_excluded(
        contract(2024, [{"measure": measure, "value": 0.5}]),
        rules=PY2027,
        performance_year=2024,
        directory=directory([facility or {}]),
        ece_grants=grants([("010001", *ece)] if ece else []),
    ).to_dict("records")
    return bool(row["reportable"])


@pytest.mark.manual("2.17.6", "2.18.6", "Table 17")
@pytest.mark.parametrize("measure", ["nhsn_bsi", "ich_cahps_staff"])
def test_an_exception_of_one_month_takes_the_year_s_rate(measure: str) -> None:
    assert counted(measure)
    assert not counted(measure, ece=(MARCH, MARCH))
    # A grant that runs into the year, and one of the year after.
    assert not counted(measure, ece=(date(2023, 11, 1), date(2024, 1, 1)))
    assert counted(measure, ece=(date(2023, 11, 1), date(2023, 12, 1)))
    assert counted(measure, ece=(date(2025, 1, 1), date(2025, 1, 1)))


@pytest.mark.manual("3.4", "Table 17")
def test_a_measure_of_months_keeps_the_rate_of_the_other_months() -> None:
    assert counted("shr", ece=(MARCH, MARCH))
    assert not counted("shr", ece=(date(2024, 1, 1), date(2024, 12, 1)))


@pytest.mark.manual("2.17.6", "2.18.6")
def test_the_day_of_certification_is_that_of_the_rate_s_own_year() -> None:
    for measure in ("nhsn_bsi", "ich_cahps_staff"):
        assert counted(measure, facility={"certification_date": date(2023, 9, 30)})
        assert not counted(measure, facility={"certification_date": date(2023, 10, 1)})
        assert not counted(measure, facility={"has_in_center_hemodialysis": False})
    assert counted("shr", facility={"certification_date": date(2023, 10, 1)})
    assert counted("clinical_depression", facility={"certification_date": date(2024, 8, 31)})
    assert not counted("clinical_depression", facility={"certification_date": date(2024, 9, 1)})


def test_a_facility_that_no_list_of_the_year_has_is_excluded_by_nothing_but_an_exception() -> None:
    for listed in ([], [{"ccn": "010009"}]):
        (row,) = leave_excluded(
            contract(2024, [{"measure": "nhsn_bsi", "value": 0.5}]),
            rules=PY2027,
            performance_year=2024,
            directory=directory([{}, *listed])[1:],
            ece_grants=grants([]),
        ).to_dict("records")
        assert row["reportable"], listed


@pytest.mark.manual("4.1")
def test_a_row_says_why_it_has_no_rate_and_keeps_a_reason_it_has() -> None:
    rows = contract(
        2024,
        [
            {"measure": "nhsn_bsi", "value": 0.5},
            {"measure": "nhsn_bsi", "ccn": "010002", "reason": "no_infections_predicted"},
            {"measure": "nhsn_bsi", "program": "dfc", "value": 0.5},
        ],
    )
    left = leave_excluded(
        rows,
        rules=PY2027,
        performance_year=2024,
        directory=directory([{}, {"ccn": "010002"}]),
        ece_grants=grants([(ccn, MARCH, MARCH) for ccn in ("010001", "010002")]),
    )
    reasons = left["reason"].fillna("none").tolist()
    assert reasons == ["exception_granted", "no_infections_predicted", "none"]
    assert left["reportable"].tolist() == [False, False, True]


def store(root: Path) -> Warehouse:
    """Three years of one facility's infection ratio, with an exception in March 2024."""
    warehouse = Warehouse(root)

    def put(table: Table, year: int, *rows: Mapping[str, object]) -> None:
        frame = fill(table, *(dict(row) for row in rows)).assign(performance_year=year)
        warehouse.publish(warehouse.stage(table, year, frame))

    ccn = {"ccn": "010001"}
    rate = {"program": "qip", "measure": "nhsn_bsi", "origin": "computed", "is_adjusted": False}
    for year in (2023, 2024, 2025):
        put(measured.CONTRACT, year, {**ccn, **rate, "value": 0.5, "reportable": True})
        listed = {"has_dfc_row": True, "has_qip_row": True}
        put(facility.DIRECTORY, year, {**ccn, **listed, "certification_date": OPENED})
        put(linkage.PROVIDER_NUMBER, year, {**ccn, "program": "qip", "provider_number": "010009"})
        put(raw.ECE_GRANT, year)
    # A grant names the facility by another of its numbers.
    grant = {"ccn": "010009", "first_month": MARCH, "last_month": MARCH, "missing": {}}
    put(raw.ECE_GRANT, 2024, grant)
    for table in (facility.PUBLISHED_IMPROVEMENT, facility.PUBLISHED_RESULT, program.QIP_STANDARD):
        put(table, 2025)
    return warehouse


@pytest.mark.manual("4.1.2.2", "Table 17")
def test_an_excepted_year_is_nothing_to_improve_on(tmp_path: Path) -> None:
    year = WholeYear(store(tmp_path), 2025)
    frames = read_frames(year, PY2027)
    assert frames.earlier is not None
    assert frames.earlier["reportable"].tolist() == [False]
    assert frames.current["reportable"].tolist() == [True]
    scored = frames.score(PY2027, 2025).set_index("measure")
    assert scored["improvement_rate"].isna().all()


def test_one_facility_is_scored_by_what_the_nation_s_rows_are(tmp_path: Path) -> None:
    """CMS printed 9 for a facility of whose patients none counts: by the nation's rows no score."""
    warehouse, measure = store(tmp_path), {"program": "qip", "measure": "hypercalcemia"}
    computed = {**measure, "origin": "computed", "is_adjusted": False, "reportable": True}
    counts = {"numerator": 50, "denominator": 60, "unit_count": 11}
    rows = {
        measured.CONTRACT: {**computed, "ccn": "010002", **counts},
        facility.PUBLISHED_RESULT: {**measure, "ccn": "010001", "score": 9},
    }
    for table, row in rows.items():
        frame = fill(table, row).assign(performance_year=2024)
        warehouse.publish(warehouse.stage(table, 2024, frame))
    directory = [
        {"ccn": ccn, "has_dfc_row": True, "has_qip_row": True, "certification_date": OPENED}
        for ccn in ("010001", "010002")
    ]
    frame = fill(facility.DIRECTORY, *directory).assign(performance_year=2024)
    warehouse.publish(warehouse.stage(facility.DIRECTORY, 2024, frame))
    for table in (facility.PUBLISHED_IMPROVEMENT, program.QIP_STANDARD):
        warehouse.publish(warehouse.stage(table, 2024, fill(table)))
    rules = load_rules(2026)
    both = read_frames(WholeYear(warehouse, 2024), rules).score(rules, 2024)
    for ccn, score in (("010001", None), ("010002", 8)):
        alone = read_frames(OneFacility(warehouse, 2024, ccn), rules).score(rules, 2024)
        own = both[both["ccn"] == ccn].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, own)
        (stored,) = own.loc[own["measure"] == "hypercalcemia", "score"]
        assert stored == score if score is not None else pd.isna(stored)


@pytest.mark.manual("4.1.1", "4.1.2")
def test_only_the_excepted_year_loses_its_rate(tmp_path: Path) -> None:
    year = WholeYear(store(tmp_path), 2025)
    counted_of = {}
    for years in (0, 1, 2):
        rates = year.read_earlier(measured.CONTRACT, years)
        assert rates is not None
        (counted_of[2025 - years],) = leave_uncounted(year, PY2027, years, rates)["reportable"]
    assert counted_of == {2025: True, 2024: False, 2023: True}


@pytest.mark.manual("3.3.7", "4.1.2.2")
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("010009", 0.7, True)], 0.7),
        ([("010009", 0.7, True), ("010001", 0.4, True)], 0.4),
        ([("010009", 0.7, True), ("010001", 0.4, False)], 0.7),
        ([("010002", 0.7, True)], None),
    ],
)
def test_the_year_before_may_be_under_another_number(
    tmp_path: Path, rows: list[tuple[str, float, bool]], expected: float | None
) -> None:
    """Number 010009 stands for facility 010001 today; 010002 is nobody's."""
    warehouse = store(tmp_path)
    told = fill(
        measured.CONTRACT,
        *(
            {
                "ccn": ccn,
                "value": value,
                "reportable": is_counted,
                "program": "qip",
                "measure": "srr",
                "origin": "computed",
                "is_adjusted": False,
            }
            for ccn, value, is_counted in rows
        ),
    )
    warehouse.publish(warehouse.stage(measured.CONTRACT, 2024, told.assign(performance_year=2024)))
    nation, one = WholeYear(warehouse, 2025), OneFacility(warehouse, 2025, "010001")
    for year in (nation, one):
        earlier = read_frames(year, PY2027).earlier
        assert earlier is not None
        mine = earlier[(earlier["ccn"] == "010001") & earlier["reportable"]]
        assert mine["value"].tolist() == ([] if expected is None else [expected])
