"""From raw tables to the facility contract, on small files with one thing changed at a time."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from esrd_pipeline.families.published import (
    build_directory,
    publish_contract,
    publish_improvement,
    publish_results,
)
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.program.qip_rules import known_payment_years, load_rules
from esrd_pipeline.tables.facility import (
    NATIONAL,
    PUBLISHED,
    PUBLISHED_IMPROVEMENT,
    PUBLISHED_RESULT,
)
from esrd_pipeline_tests.families.published_frames import contract, raw_frame, row_of
from esrd_pipeline_tests.reason_texts import text_of
from esrd_pipeline_tests.sources.sample_files import YEAR

RATIOS = ("smr", "shr", "srr", "strr")
SURVEY = ("communication", "operations", "information", "nephrologist", "staff", "facility")
PHOSPHORUS = ("below_3_5", "3_5_to_4_5", "4_6_to_5_5", "5_6_to_7_0", "above_7_0")
KTV = ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd")
DFC_MEASURES = {
    *RATIOS,
    *KTV,
    *(f"phosphorus_{band}" for band in PHOSPHORUS),
    *(f"ich_cahps_{part}" for part in SURVEY),
    *("swr", "pppw", "sfr", "ltc", "hypercalcemia", "npcr", "sedr", "ed30", "smosr", "nhsn_bsi"),
    *("covid_vaccination", "hemoglobin_below_10", "hemoglobin_above_12"),
}
QIP_MEASURES = {
    *("srr", "shr", "strr", "ltc", "nhsn_bsi", "pppw", "clinical_depression", "ich_cahps"),
    *(f"ich_cahps_{part}" for part in SURVEY),
    *("health_equity", "covid_vaccination", "nhsn_dialysis_event"),
}
QIP_MEASURES_BY_YEAR = {
    2024: QIP_MEASURES | {"ktv_comprehensive"},
    2025: QIP_MEASURES
    | {*KTV, "hypercalcemia", "medication_reconciliation", "sdoh_screening", "sdoh_positive"},
}


@pytest.mark.parametrize("year", [2024, 2025])
def test_the_contract_holds_every_published_measure_of_the_year(tmp_path: Path, year: int) -> None:
    frame = contract(
        dfc=raw_frame(tmp_path, "dfc_facility", year=year),
        qip=raw_frame(tmp_path, "qip_complete", year=year),
        ich_cahps=raw_frame(tmp_path, "ich_cahps_facility", year=year),
        year=year,
    )
    assert frame.columns.tolist() == PUBLISHED.column_names
    assert set(frame.loc[frame["program"] == "dfc", "measure"]) == DFC_MEASURES
    assert set(frame.loc[frame["program"] == "qip", "measure"]) == QIP_MEASURES_BY_YEAR[year]
    assert not frame.duplicated(list(PUBLISHED.key)).any()
    assert frame["reportable"].all()
    assert frame["reason"].isna().all()
    assert frame["note"].isna().all()
    assert (frame["performance_year"] == year).all()


@pytest.mark.manual("4.1.1")
@pytest.mark.parametrize("year", [2024, 2025])
def test_the_qip_prints_adjusted_rates_of_the_year_and_raw_rates_of_the_year_before(
    tmp_path: Path, year: int
) -> None:
    qip = raw_frame(tmp_path, "qip_complete", year=year)
    dfc = raw_frame(tmp_path, "dfc_facility", year=year)
    frame = contract(dfc=dfc, qip=qip, year=year)
    adjusted = set(frame.loc[frame["is_adjusted"], "measure"])
    rules = load_rules(year + 2)
    assert adjusted == {rule.measure for rule in rules.measures if rule.small_facility is not None}
    assert not frame.loc[frame["program"] == "dfc", "is_adjusted"].any()
    assert not publish_improvement(performance_year=year, qip=qip)["is_adjusted"].any()


def test_of_every_adjusted_measure_both_printed_rates_are_said_to_be_adjusted_or_not() -> None:
    found = {(row["table"], row["measure"]) for row in load_rows("published_adjustment")}
    for payment_year in known_payment_years():
        for rule in load_rules(payment_year).measures:
            if rule.small_facility is not None:
                assert {("contract", rule.measure), ("improvement", rule.measure)} <= found


@pytest.mark.parametrize("measure", RATIOS)
def test_a_printed_rate_becomes_a_ratio_to_the_national_rate(tmp_path: Path, measure: str) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {
            f"{measure}_rate": ["33.3", "22.2"],
            f"{measure}_lower": ["22.2", "11.1"],
            f"{measure}_upper": ["44.4", "30.0"],
        },
    )
    national = raw_frame(tmp_path, "dfc_national", {f"{measure}_rate": ["22.2"]})
    row = row_of(contract(dfc=dfc, dfc_national=national), "dfc", measure)
    assert row["rate"] == 33.3
    assert row["value"] == pytest.approx(1.5)
    assert row["lower"] == 1.0
    assert row["upper"] == pytest.approx(2.0)
    assert row["category"] == "better"


def test_no_ratio_without_a_national_rate(tmp_path: Path) -> None:
    dfc = raw_frame(tmp_path, "dfc_facility")
    frame = publish_contract(
        performance_year=YEAR,
        dfc=dfc,
        qip=None,
        ich_cahps=None,
        national=pd.DataFrame(columns=NATIONAL.column_names),
    )
    row = row_of(frame, "dfc", "smr")
    assert not row["reportable"]
    assert row["reason"] == "no_national_rate"
    assert row["rate"] == 1.5
    assert row_of(frame, "dfc", "swr")["reportable"]


def test_percents_and_ratios_stay_as_printed(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {"pppw_rate": ["16.5", "0"], "swr_ratio": ["0.0", "7.34"], "ltc_rate": ["19", "100"]},
    )
    frame = contract(dfc=dfc)
    assert row_of(frame, "dfc", "pppw")["value"] == 16.5
    assert row_of(frame, "dfc", "swr")["value"] == 0.0
    assert row_of(frame, "dfc", "ltc", "012301")["value"] == 100
    ktv = row_of(frame, "dfc", "ktv_adult_hd")
    assert (ktv["unit_count"], ktv["unit"], ktv["denominator"]) == (2, "patients", 2)


def test_a_code_says_why_a_row_is_not_reportable(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {"hypercalcemia_code": ["280", "001"], "hypercalcemia_rate": ["", ""]},
    )
    frame = contract(dfc=dfc)
    first, second = (row_of(frame, "dfc", "hypercalcemia", ccn) for ccn in ("012300", "012301"))
    assert not first["reportable"]
    assert first["reason"] == "availability_280"
    assert text_of(first) == "not available because of factors outside the facility's control"
    assert text_of(second) == "the file prints no value"


def test_a_limit_that_is_not_printed_does_not_hide_the_value(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path, "dfc_facility", {"nhsn_bsi_ratio": ["0.0", "1"], "nhsn_bsi_lower": ["", "0.5"]}
    )
    row = row_of(contract(dfc=dfc), "dfc", "nhsn_bsi")
    assert row["reportable"]
    assert pd.isna(row["lower"])


def test_an_upper_limit_at_which_the_file_stops_is_left_out(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {
            "smosr_ratio": ["19.01", "4.62"],
            "smosr_lower": ["14.76", "1.69"],
            "smosr_upper": ["10.0", "10.0"],
        },
    )
    frame = contract(dfc=dfc)
    assert pd.isna(row_of(frame, "dfc", "smosr")["upper"])
    assert pd.isna(row_of(frame, "dfc", "smosr", "012301")["upper"])


def test_other_upper_limits_stay(tmp_path: Path) -> None:
    columns = {"ratio": ["4.46", "0.5"], "lower": ["1.44", "0.1"], "upper": ["9.99", "0.49"]}
    dfc = raw_frame(
        tmp_path, "dfc_facility", {f"smosr_{name}": texts for name, texts in columns.items()}
    )
    frame = contract(dfc=dfc)
    assert row_of(frame, "dfc", "smosr")["upper"] == 9.99
    assert pd.isna(row_of(frame, "dfc", "smosr", "012301")["upper"])


def test_a_hidden_number_of_units_leaves_the_rate_reportable(tmp_path: Path) -> None:
    qip = raw_frame(
        tmp_path,
        "qip_complete",
        {
            "strr_achievement_patient_year_count": ["<10", "<10"],
            "strr_achievement_rate": ["32.93", "No Rate"],
            "strr_footnotes": ["-", "12"],
        },
    )
    frame = contract(qip=qip)
    shown, hidden = (row_of(frame, "qip", "strr", ccn) for ccn in ("012300", "012301"))
    assert shown["reportable"]
    assert (shown["value"], shown["unit"]) == (32.93, "patient_years")
    assert pd.isna(shown["unit_count"])
    assert not hidden["reportable"]
    assert text_of(hidden) == "fewer than 10 eligible patient-years at risk"


def test_a_footnote_of_another_size_than_the_measures_has_the_number_cms_prints(
    tmp_path: Path,
) -> None:
    changes = {"shr_achievement_rate": ["No Rate", "No Rate"], "shr_footnotes": ["1", "13"]}
    frame = contract(qip=raw_frame(tmp_path, "qip_complete", changes))
    first, second = (row_of(frame, "qip", "shr", ccn) for ccn in ("012300", "012301"))
    assert text_of(first) == "fewer than 11 eligible patients"
    assert text_of(second) == "fewer than 5 patient-years at risk"


def test_several_footnotes_make_one_reason(tmp_path: Path) -> None:
    changes = {
        "ich_cahps_achievement_survey_count": ["-", "<30"],
        "ich_cahps_footnotes": ["4,7", "-"],
    }
    frame = contract(qip=raw_frame(tmp_path, "qip_complete", changes))
    first, second = (row_of(frame, "qip", "ich_cahps", ccn) for ccn in ("012300", "012301"))
    assert text_of(first) == (
        "fewer than 30 completed surveys;"
        " facility attested to fewer eligible patients than required"
    )
    assert text_of(second) == "the file prints '<30'"


def test_denominators_that_no_file_prints(tmp_path: Path) -> None:
    frame = contract(
        qip=raw_frame(
            tmp_path,
            "qip_complete",
            {"covid_vaccination_achievement_numerator": ["11", "-"]},
            year=2025,
        ),
        year=2025,
    )
    fractions = {
        measure: tuple(row_of(frame, "qip", measure)[["numerator", "denominator"]])
        for measure in ("covid_vaccination", "nhsn_dialysis_event", "health_equity", "ich_cahps")
    }
    assert fractions == {
        "covid_vaccination": (11, 12),
        "nhsn_dialysis_event": (2, 12),
        "health_equity": (2, 5),
        "ich_cahps": (2, 2),
    }
    hidden = row_of(frame, "qip", "covid_vaccination", "012301")
    assert not hidden["reportable"]
    assert pd.isna(hidden["denominator"])


def test_the_improvement_period_comes_from_its_own_columns(tmp_path: Path) -> None:
    qip = raw_frame(
        tmp_path,
        "qip_complete",
        {
            "ltc_achievement_rate": ["0.2", "0.2"],
            "ltc_improvement_rate": ["0.1", "No Rate"],
            "ltc_improvement_numerator": ["7", "-"],
            "ltc_footnotes": ["-", "-"],
        },
    )
    frame = publish_improvement(performance_year=YEAR, qip=qip)
    assert frame.columns.tolist() == PUBLISHED_IMPROVEMENT.column_names
    assert "nhsn_dialysis_event" not in set(frame["measure"])
    first, second = (row_of(frame, "qip", "ltc", ccn) for ccn in ("012300", "012301"))
    assert (first["value"], first["numerator"], first["reportable"]) == (0.1, 7, True)
    assert text_of(second) == "the file prints 'No Rate'"
    assert publish_improvement(performance_year=YEAR, qip=None).empty


def test_results_keep_what_cms_concluded(tmp_path: Path) -> None:
    frame = publish_results(
        performance_year=YEAR,
        dfc=raw_frame(
            tmp_path,
            "dfc_facility",
            {
                "five_star": ["4.0", ""],
                "five_star_code": ["001", "260"],
                "sedr_category": ["Worse than Expected", "Not Available"],
                "sedr_code": ["001", "001"],
            },
        ),
        qip=raw_frame(
            tmp_path,
            "qip_complete",
            {
                "ltc_score": ["9", "No Score"],
                "ltc_footnotes": ["-", "3"],
                "ltc_score_applied": ["Improvement", "-"],
                "total_performance_score": ["70", "No Score"],
                "payment_reduction": ["0.0%", "1.5%"],
            },
        ),
        ich_cahps=raw_frame(tmp_path, "ich_cahps_facility"),
    )
    assert frame.columns.tolist() == PUBLISHED_RESULT.column_names
    assert row_of(frame, "dfc", "star_rating")["score"] == 4
    unrated = row_of(frame, "dfc", "star_rating", "012301")
    assert (unrated["codes"], text_of(unrated)) == (
        ["260"],
        "too few measures for a star rating",
    )
    assert row_of(frame, "dfc", "sedr")["category"] == "worse"
    assert text_of(row_of(frame, "dfc", "sedr", "012301")) == "the file prints 'Not Available'"
    assert row_of(frame, "dfc", "ich_cahps_star_rating")["score"] == 2
    scored = row_of(frame, "qip", "ltc")
    assert (scored["score"], scored["score_applied"]) == (9, "improvement")
    assert pd.isna(scored["reason"])
    unscored = row_of(frame, "qip", "ltc", "012301")
    assert (unscored["codes"], text_of(unscored)) == (
        ["3"],
        "fewer than 11 in-center hemodialysis patients",
    )
    assert text_of(row_of(frame, "qip", "tps", "012301")) == "the file prints 'No Score'"
    assert row_of(frame, "qip", "payment_reduction", "012301")["score"] == 1.5


def test_results_are_kept_with_the_name_of_their_file(tmp_path: Path) -> None:
    qip = raw_frame(tmp_path, "qip_complete")
    frame = publish_results(
        performance_year=YEAR,
        dfc=raw_frame(tmp_path, "dfc_facility"),
        qip=qip,
        ich_cahps=None,
        files={"dfc_facility": "DFC_FACILITY_2026-04.csv", "qip_complete": "QIP_Complete.csv"},
    )
    names = set(zip(frame["program"], frame["file_name"], strict=True))
    assert names == {("dfc", "DFC_FACILITY_2026-04.csv"), ("qip", "QIP_Complete.csv")}
    # Of the files by measure, the one with the measure's score; one may not be there.
    parts = {"qip_by_measure.tps": "TPS.csv", "qip_by_measure.srr": "SRR_2024.csv"}
    frame = publish_results(performance_year=2022, dfc=None, qip=qip, ich_cahps=None, files=parts)
    by_measure = dict(zip(frame["measure"], frame["file_name"], strict=True))
    assert by_measure["tps"] == by_measure["payment_reduction"] == "TPS.csv"
    assert by_measure["srr"] == "SRR_2024.csv"
    assert by_measure["shr"] == "no file"


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    dfc = raw_frame(tmp_path, "dfc_facility", {"shr_rate": ["100", "200"]})
    qip = raw_frame(tmp_path, "qip_complete", {"shr_achievement_rate": ["100", "No Rate"]})
    turned_dfc, turned_qip = (frame.iloc[::-1].reset_index(drop=True) for frame in (dfc, qip))
    assert_frame_equal(contract(dfc=dfc, qip=qip), contract(dfc=turned_dfc, qip=turned_qip))
    assert_frame_equal(
        publish_results(performance_year=YEAR, dfc=dfc, qip=qip, ich_cahps=None),
        publish_results(performance_year=YEAR, dfc=turned_dfc, qip=turned_qip, ich_cahps=None),
    )
    assert_frame_equal(
        build_directory(performance_year=YEAR, dfc=dfc, qip=qip),
        build_directory(performance_year=YEAR, dfc=turned_dfc, qip=turned_qip),
    )


@pytest.mark.manual("3.3.11", "3.5")
def test_the_certification_date_is_the_qip_s() -> None:
    """The DFC file may print a recertification; a new number is new in the QIP's list alone."""
    ccns = ["012300", "012301", "012302"]
    dates = {
        "dfc": [date(2024, 5, 1), date(2024, 5, 1), date(2024, 5, 1)],
        "qip": [date(1999, 1, 1), date(1999, 1, 1), None],
        "list": [date(2024, 3, 1), date(2023, 7, 1), date(2023, 7, 1)],
    }
    dfc, qip, registered = (
        pd.DataFrame({"ccn": ccns, "certification_date": days}) for days in dates.values()
    )
    registered = registered.assign(is_dfc=True, is_qip=[True, False, False])
    frame = build_directory(performance_year=YEAR, dfc=dfc, qip=qip, registered=registered)
    assert frame["certification_date"].tolist() == [
        date(2024, 3, 1),
        date(1999, 1, 1),
        date(2024, 5, 1),
    ]
