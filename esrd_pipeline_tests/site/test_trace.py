"""Every number on a page of each kind is its stored row's, or is worked out by hand here."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.site.build import build_site
from esrd_pipeline_tests.site.small import YEAR
from esrd_pipeline_tests.site.tracing import Element, Page, Traced, is_number, trace
from esrd_pipeline_tests.site.whole import FAR, NEAR, make_data, make_frames

Frames = dict[tuple[str, int], pd.DataFrame]
NO_NUMBERS = {
    "* Fewer than 11, or hidden beside such a count.",
    "* Not told of fewer than 11 events or patients.",
    "per 100 patient-months",
    "ESRD for fewer than 90 days",
}
FUNNEL = " facilities: the ratio of each against its expected events. Inner lines: 95% control"
EMPTY_BINS = ["0"] * 6
"""Scores from 0 to 59, of which there are none."""


@pytest.fixture(scope="module")
def frames() -> Frames:
    return make_frames()


@pytest.fixture(scope="module")
def site(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "site"
    build_site(make_data(frames), folder, workers=1)
    return folder


def read(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


def follow(site: Path, page: str, frames: Frames) -> Traced:
    traced = trace(read(site, page), frames, YEAR)
    assert traced.wrong == []
    others = [text for text in traced.others if text not in NO_NUMBERS and FUNNEL not in text]
    return Traced(traced.columns, [], others)


def test_a_facility(site: Path, frames: Frames) -> None:
    traced = follow(site, f"facilities/{NEAR}.html", frames)
    assert traced.others == [
        "Network 6",
        (
            "Total Performance Score 67 of 100, no payment reduction in 2026; 2 of 5 stars; of 1"
            " flagged measure worse than expected in 1."
        ),
        # Beside whom three measures are shown.
        *["Network 6"] * 3,
        "Not reported, and why (1)",
        (
            ", the weighted mean of its domains: Outcomes 2/7, Vascular access 2/7, Kt/V and"
            " calcium 1/7, Waitlisting 2/7."
        ),
        (
            "A chart of each measure's events adds up, month by month, how far they are from what"
            " the nation's model expects of these patients. It signals when the sum is larger than"
            " chance makes it: for more and for fewer events each at most once in 50 years at a"
            " facility that is as expected."
        ),
    ]
    # Two signals of SHR, without the ratio of one; none of ED30, which the page does not report.
    assert traced.columns.count("network.signal.month") == 2
    assert traced.columns.count("network.signal.ratio") == 1
    assert set(traced.columns) >= {
        *(
            f"facility.contract.{name}"
            for name in ("value", "lower", "upper", "numerator", "denominator", "reason")
        ),
        *("program.flags.reference", "facility.level.national", "report.trend.value"),
        *(
            f"program.qip_measure_score.{name}"
            for name in (
                *("rate", "adjusted_rate", "improvement_rate", "achievement_threshold"),
                *("benchmark", "achievement_score", "improvement_score", "score"),
                *("weight_in_domain", "reason"),
            )
        ),
        *(
            f"program.qip_domain_score.{name}"
            for name in ("nominal_weight", "weight", "score", "working")
        ),
        *(
            f"program.qip_tps.{name}"
            for name in ("payment_year", "tps", "minimum_tps", "payment_reduction", "working")
        ),
        *(
            f"program.stars.{name}"
            for name in ("rating", "final_score", "baseline_year", "domain_1", "domain_2")
        ),
        "program.star_measure_score.score",
        *(f"network.signal.{name}" for name in ("month", "first_month", "ratio")),
        "report.change.before",
        "report.change.after",
        "report.exclusion.patients",
    }
    # Three measures: four years and the three groups beside, then all four years of four.
    assert traced.columns.count("report.trend.value") == 3 * (4 + 3) + 3 * 4 * 4


def test_a_facility_that_is_not_rated(site: Path, frames: Frames) -> None:
    traced = follow(site, f"facilities/{FAR}.html", frames)
    assert traced.others == [
        "Network 2",
        (
            "Total Performance Score 65 of 100, no payment reduction in 2026; of 1 flagged"
            " measure better than expected in 1."
        ),
        *["Network 2"] * 2,
        "Not reported, and why (2)",
        "Fewer than 11 patients",
    ]


def test_a_wrong_number_is_found(site: Path, frames: Frames) -> None:
    text = read(site, f"facilities/{NEAR}.html")
    assert text.count(">1.22</td>") >= 1
    assert len(trace(text.replace(">1.22</td>", ">1.23</td>", 1), frames, YEAR).wrong) == 1


# Scores of 67, 64 and 65; 24 and 13 stations.
SCORED = {
    "index.html": ("3", "37", "3", "65.3"),
    "networks/6.html": ("2", "37", "2", "65.5"),
    "states/GA.html": ("2", "37", "2", "65.5"),
    "chains/care-sons.html": ("2", "37", "2", "65.5"),
}


@pytest.mark.parametrize(
    ("page", "title", "left"),
    [
        (
            "index.html",
            "Dialysis facilities of the nation, 2024",
            [
                *("2", "2", "3", "1", "0"),
                *("ESRD Network 2", "(1)", "ESRD Network 6", "(2)", "(2)", "0", "1", "1", "0"),
            ],
        ),
        (
            "networks/6.html",
            "ESRD Network 6, 2024",
            # SHR and the TPS of one moved; then what the sources of both facilities hold together.
            [
                *("0", "1", "1", "0", "201", "181", "161", "121", "41", "25", "0"),
                "Coordination: to be helped (1)",
                # The signal of the year; that of the year before is on the facility's page alone.
                "More than expected (1)",
            ],
        ),
        (
            "states/GA.html",
            "Georgia, 2024",
            ["0", "1", "1", "0", "Coordination: to be helped (1)"],
        ),
        (
            "chains/care-sons.html",
            "CARE & SONS, 2024",
            ["0", "1", "1", "0", "Coordination: to be helped (1)"],
        ),
    ],
)
def test_the_nation_a_network_a_state_and_a_chain(
    page: str, title: str, left: list[str], site: Path, frames: Frames
) -> None:
    traced = follow(site, page, frames)
    facilities, stations, scored, mean = SCORED[page]
    cut = "2", "1"  # without and with a reduction
    if facilities == "2":
        cut = "1", "1"
    assert traced.others == [
        title,
        (
            f"{facilities} facilities with {stations} stations; {scored} with a Total Performance"
            f" Score, mean {mean}."
        ),
        f"{scored} facilities, mean {mean}",
        *EMPTY_BINS,
        scored,
        *("0", "0", "0"),
        "Payment reduction in 2026",
        *cut,
        *("0", "1", "0", "1", "0"),
        *left,
    ]
    assert traced.columns.count("report.trend.value") >= 3 * 4
    counted = {column for column in traced.columns if column.startswith("report.cohort")}
    of_cohort = {f"report.cohort.{name}" for name in ("patients", "base_patients", "share")}
    assert counted == (set() if page.startswith("chains") else of_cohort)
    assert (
        traced.columns.count("network.indicator.value") == 4 if page != "states/GA.html" else True
    )


def test_groups_of_patients_and_a_list(site: Path, frames: Frames) -> None:
    groups = follow(site, "groups-dfc.html", frames)
    assert groups.others == ["Groups of patients, DFC, 2024"]
    assert groups.columns.count("report.stratum.patients") == 2
    listed = follow(site, "states/GA-facilities.html", frames)
    # The last is the facility's one measure that is worse than expected.
    assert listed.others == ["Georgia, 2024: facilities", "1"]
    assert listed.columns.count("program.qip_tps.tps") == 2


def test_the_method_of_a_measure(site: Path, frames: Frames) -> None:
    traced = follow(site, "measures/shr.html", frames)
    assert [text for text in traced.others if is_number(text)] == []
    assert set(traced.columns) >= {
        *("facility.level.national", "facility.level.facility_count"),
        *("fit.shr.estimate", "fit.shr.standard_error", "fit.shr_reliability.value"),
        *("report.stratum.observed", "report.stratum.expected", "report.stratum.value"),
    }


def _one(page: Page, tag: str, **attributes: str) -> Element:
    return next(
        element
        for element in page.root.find(tag)
        if all(element.attributes.get(name) == value for name, value in attributes.items())
    )


def test_a_center_for_patients(site: Path, frames: Frames) -> None:
    page = Page(read(site, "patients/states/GA-1.html"))
    text = _one(page, "section", id=f"f{NEAR}").text
    contract = frames["facility.contract", YEAR].set_index(["ccn", "program", "measure"])["value"]
    level = frames["facility.level", YEAR].set_index(["program", "measure"])["national"]
    for program, measure, scale in (("dfc", "ltc", 1), ("qip", "ktv_comprehensive", 100)):
        here, nation = contract[NEAR, program, measure], level[program, measure]
        assert f"{here * scale:.0f}% here, {nation * scale:.0f}% in the nation" in text
    assert "1 MAIN ST, ATLANTA, GA 30303. Phone: (404) 555-0100" in text
    assert "2 of 5 stars. Of 1 result: better than expected in 0, worse in 1." in text
    assert "stations: 24" in text.lower()


@pytest.mark.parametrize(("folder", "total"), [("", "67 of 100"), ("es/", "67 de 100")])
def test_a_certificate(folder: str, total: str, site: Path) -> None:
    page = Page(read(site, f"certificates/{folder}{NEAR}.html"))
    sums = [element.text for element in _one(page, "dl", **{"class": "sums"}).find("dd")]
    # The mean of 67, 64 and 65; the lowest score without a reduction.
    assert sums[:3] == [total, "65.3", "65"]
    rows = [
        [cell.text for cell in row.children if cell.tag == "td"][:2]
        for row in page.root.find("tr")
        if row.parent is not None and row.parent.tag == "tbody"
    ]
    # SHR: 4 beside 4, 8 and 6; Kt/V: 9 beside 9, 5 and 7; the third has no score.
    assert sorted(rows) == [["4", "6.0"], ["9", "7.0"], ["\u2013", "\u2013"]]
