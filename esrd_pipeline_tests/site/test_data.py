"""The facilities that have a page, and which counts are told on it."""

from datetime import date

import pytest

from esrd_pipeline.reports.suppression import FEW_OR_BESIDE, suppress
from esrd_pipeline.site import writing
from esrd_pipeline.site.area_page import describe_area
from esrd_pipeline.site.data import Area
from esrd_pipeline.site.facility_page import describe_facility
from esrd_pipeline.site.formats import HIDDEN
from esrd_pipeline.tables import change, facility, measured, program, source_agreement
from esrd_pipeline_tests.site.small import YEAR, directory, fill, make_data, result


def test_a_facility_beside_the_directory_has_a_page() -> None:
    registered = fill(
        facility.REGISTERED,
        {"ccn": "012502", "facility_name": "BESIDE", "state": "AL", "is_dfc": True, "is_qip": True},
    )
    contract = fill(
        measured.CONTRACT,
        *(result(ccn, "shr", 40, 9) for ccn in ("012501", "012502", "012503")),
    )
    tps = fill(
        program.QIP_TPS,
        *(
            {"ccn": ccn, "tps": score, "payment_reduction": 0.0, "payment_year": YEAR + 2}
            for ccn, score in (("012501", 60), ("012502", 70))
        ),
    )
    data = make_data(
        [
            (facility.DIRECTORY, directory("012501", state="AL")),
            (facility.REGISTERED, registered),
            (measured.CONTRACT, contract),
            (program.QIP_TPS, tps),
        ]
    )
    assert list(data.facilities) == ["012501", "012502", "012503"]
    assert data.facilities["012502"]["facility_name"] == "BESIDE"
    assert data.facilities["012503"]["facility_name"] is None
    states = [area for area in data.list_areas() if area.level == "state"]
    assert states == [Area("state", "AL", ("012501", "012502"))]
    nation = describe_area(data, Area("nation", "nation", tuple(data.facilities)))
    assert (nation["tps_count"], nation["tps_mean"]) == (2, 65.0)


@pytest.mark.parametrize(
    ("patients", "numerator", "observed"),
    [
        (40.0, 0.0, "0"),
        (40.0, 4.0, "4"),
        (11.0, 4.0, "4"),
        (40.0, 471.0, "471"),
        (10.0, 40.0, None),
    ],
)
def test_events_are_told_where_they_are_of_eleven_patients_or_more(
    patients: float, numerator: float, observed: str | None
) -> None:
    contract = fill(measured.CONTRACT, result("112501", "ltc", patients, numerator))
    data = make_data([(measured.CONTRACT, contract)])
    page = describe_facility(data, "112501")
    shown = suppress(measured.CONTRACT, contract).iloc[0]
    if observed is None:
        assert page["measures"] == []
        assert [m["reason"] for m in page["unreported"]] == ["Fewer than 11 patients"]
        assert shown[["numerator", "denominator", "value"]].isna().all()
        return
    (measure,) = page["measures"]
    assert (measure["observed"], measure["expected"]) == (observed, f"{12 * patients:.0f}")
    # As in the downloads and exports.
    assert shown["numerator"] == numerator


def test_what_sources_say_alike_does_not_give_few_patients_away() -> None:
    counts = {"claims_count": 40, "eqrs_only_count": 60, "claims_only_count": 0}
    months = fill(
        source_agreement.SOURCE_AGREEMENT,
        *(
            {
                "ccn": "112501",
                "month": date(YEAR, 1, 1),
                "kind": kind,
                "unit": "patients",
                "eqrs_count": 100,
                "both_count": 40,
                "equal_count": equal,
                "not_expected_count": 0,
                **counts,
            }
            for kind, equal in (("deaths", 40), ("ktv", 29), ("patients", 33))
        ),
    )
    data = make_data([(source_agreement.SOURCE_AGREEMENT, months)])
    network = describe_area(data, Area("network", "6", ("112501", "112502")))
    assert [source["counts"][3] for source in network["sources"]] == [
        "40",
        "29",
        HIDDEN,
    ]
    page = writing.render("area.html", "networks/6.html", network)
    assert f'<p class="small">* {FEW_OR_BESIDE.capitalize()}.</p>' in page
    # States beside the Network would give a hidden count away.
    assert describe_area(data, Area("state", "GA", ("112501",)))["sources"] == []


def test_another_reason_for_no_result_is_no_change_of_the_page() -> None:
    reasons = {"before_text": "below_minimum_units", "after_text": "below_minimum_expected"}
    moved = {"before": 0.0, "after": -1.0, "before_text": "as", "after_text": "worse"}
    shared = {"basis": "year", "ccn": "012501", "program": "dfc", "kind": "flag"}
    rows = [
        {**shared, "measure": "smosr", **reasons},
        {**shared, "measure": "shr", **moved},
    ]
    data = make_data(
        [
            (facility.DIRECTORY, directory("012501", state="AL")),
            (measured.CONTRACT, fill(measured.CONTRACT, result("012501", "shr", 40, 9))),
            (change.CHANGE, fill(change.CHANGE, *rows)),
        ]
    )
    page = describe_facility(data, "012501")
    assert [row["name"] for row in page["changes"]] == ["SHR"]


@pytest.mark.parametrize(
    ("missing", "more", "not_expected"), [(0, 0, 4), (0, 5, 60), (7, 0, 60), (20, 0, 4)]
)
def test_no_few_patients_follow_from_the_sources_a_network_is_shown(
    missing: int, more: int, not_expected: int
) -> None:
    """What EQRS and claims have is what both have, and what either is missing: a sum is open."""
    row = {
        "ccn": "112501",
        "month": date(YEAR, 1, 1),
        "kind": "deaths",
        "unit": "patients",
        "eqrs_count": 90 + missing + not_expected,
        "claims_count": 90 + more,
        "both_count": 90,
        "equal_count": 90,
        "eqrs_only_count": missing,
        "claims_only_count": more,
        "not_expected_count": not_expected,
    }
    frame = fill(source_agreement.SOURCE_AGREEMENT, row)
    data = make_data([(source_agreement.SOURCE_AGREEMENT, frame)])
    (shown,) = describe_area(data, Area("network", "6", ("112501", "112502")))["sources"]
    eqrs, claims, both, equal, *rest = (count != HIDDEN for count in shown["counts"])
    eqrs_only, claims_only, elsewhere = rest
    assert eqrs + both + eqrs_only + elsewhere <= 2
    small_claims = not claims_only
    assert not (small_claims and claims and both)
    # At least so many are in both.
    assert equal <= both
