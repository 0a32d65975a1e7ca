"""What a facility's page shows of a measure that both programs have, and beside whom."""

import pandas as pd

from esrd_pipeline.families.combined import NOT_COMPUTED
from esrd_pipeline.site import writing
from esrd_pipeline.site.centers import list_measures
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.facility_page import describe_facility
from esrd_pipeline.tables import change, facility, measured, program, trend
from esrd_pipeline_tests.site.small import Row, directory, fill, level, make_data, result

CCN = "112501"
FOOTNOTE = "can differ"


def page_of(data: SiteData) -> str:
    page = writing.place_facility(CCN)
    return writing.render("facility.html", page, describe_facility(data, CCN))


def none_of(measure: str, reason: str) -> Row:
    empty = dict.fromkeys(("numerator", "denominator", "value", "patients", "unit_count"))
    return {**result(CCN, measure, 90.0, 0.0, reportable=False, reason=reason), **empty}


def infections(of_program: str) -> Row:
    counts = {"program": of_program, "numerator": 3.0, "denominator": 4.0, "value": 0.75}
    return {**result(CCN, "nhsn_bsi", 90.0, 3.0), **counts}


def data_of(*rows: Row, levels: pd.DataFrame | None = None) -> SiteData:
    tables = [(measured.CONTRACT, fill(measured.CONTRACT, *rows))]
    if levels is not None:
        tables.append((facility.LEVEL, levels))
    return make_data(tables)


def test_what_dfc_takes_from_a_file_that_is_not_there_is_shown_as_the_qip_computes_it() -> None:
    data = data_of(none_of("nhsn_bsi", NOT_COMPUTED), infections("qip"))
    text = page_of(data)
    assert '<tr id="qip-nhsn_bsi"' in text
    assert ">0.75</td>" in text
    assert "Not yet computed" not in text
    assert [(one.measure, one.program) for one in list_measures(data)] == [("nhsn_bsi", "qip")]


def test_dfc_goes_first_where_it_has_numbers_or_a_reason_of_its_own() -> None:
    both = page_of(data_of(infections("dfc"), infections("qip")))
    assert '<tr id="dfc-nhsn_bsi"' in both
    assert '<tr id="qip-nhsn_bsi"' not in both
    few = page_of(data_of(none_of("nhsn_bsi", "no_eligible_month"), infections("qip")))
    assert "qip-nhsn_bsi" not in few
    assert 'data-k="program=dfc|measure=nhsn_bsi"' in few


def test_what_no_program_computed_is_said_once_and_not_to_patients() -> None:
    missing = none_of("nhsn_bsi", NOT_COMPUTED)
    data = data_of(result(CCN, "ltc", 90.0, 120.0), missing, {**missing, "program": "qip"})
    assert page_of(data).count("Not yet computed") == 1
    assert [one.measure for one in list_measures(data)] == ["ltc"]


def test_two_levels_of_one_measure_are_explained() -> None:
    def shown(national: float) -> str:
        row = {"program": "dfc", "measure": "ltc", "national": national, "facility_count": 2}
        return page_of(data_of(result(CCN, "ltc", 90.0, 120.0), levels=fill(facility.LEVEL, row)))

    # The small world's nation is 10.0% by its shown facilities.
    assert FOOTNOTE in shown(10.4)
    assert FOOTNOTE not in shown(10.0)


def test_a_category_of_few_patients_is_in_no_sentence_of_the_page() -> None:
    """Its measure stands among those that are not reported: the page would contradict itself."""
    flag = {"ccn": CCN, "category": "as", "value": 1.0, "reference": 1.0}
    moved = {"basis": "year", "ccn": CCN, "program": "dfc", "kind": "flag"}
    moved |= {"before": -1.0, "after": 0.0, "before_text": "worse", "after_text": "as"}
    of = {"shr": 90.0, "ed30": 7.0}
    rows = [result(CCN, measure, patients, 9.0) for measure, patients in of.items()]
    data = make_data(
        [
            (measured.CONTRACT, fill(measured.CONTRACT, *rows)),
            (program.FLAGS, fill(program.FLAGS, *({**flag, "measure": one} for one in of))),
            (change.CHANGE, fill(change.CHANGE, *({**moved, "measure": one} for one in of))),
        ]
    )
    page = describe_facility(data, CCN)
    assert page["verdict"] == "Of 1 flagged measure as expected in 1."
    assert [one["measure"] for one in page["unreported"]] == ["ed30"]
    assert [one["name"] for one in page["changes"]] == ["SHR"]


def test_one_station_and_one_flag_are_not_plural() -> None:
    flag = {"ccn": CCN, "measure": "shr", "category": "as", "value": 1.0, "reference": 1.0}
    ratio = {**result(CCN, "shr", 90.0, 9.0), "denominator": 9.0, "value": 1.0}
    data = make_data(
        [
            (facility.DIRECTORY, directory(CCN, station_count=1)),
            (measured.CONTRACT, fill(measured.CONTRACT, ratio)),
            (program.FLAGS, fill(program.FLAGS, flag)),
            (trend.TREND, fill(trend.TREND, level("shr", trend.NATION, value=1.0))),
        ]
    )
    text = page_of(data)
    assert ">1</span> station." in text
    assert "of 1 flagged measure as expected in 1." in " ".join(text.lower().split())
