"""SHR of a facility with two patients, worked out by hand.

Ada, 70 and a woman, is at risk for 100 days with one admission, and another for COVID-19 that does
not count; she has a transplant for 10 days. Bob, 65, is at risk for 50 days. The nation has 0.01
events a day; 0.1 for a woman, 0.02 for a year over 65:

    Ada  0.01 x 100 x exp(0.1 + 5 x 0.02) = 1.2214
    Bob  0.01 x  50 x exp(0)              = 0.5000
"""

import math
import stat
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.explanation.document import Document
from esrd_pipeline.explanation.files import write_document
from esrd_pipeline.explanation.identities import name_patients
from esrd_pipeline.explanation.measures import explain_measure
from esrd_pipeline.explanation.page import find_chromium
from esrd_pipeline.explanation.terminal import WIDTH, describe
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.explanation.world import (
    CCN,
    HOSPITAL,
    PEOPLE,
    YEAR,
    Row,
    Rows,
    ask,
    contract,
    fitted,
    store,
)
from esrd_pipeline_tests.sql.worked import day

pytestmark = pytest.mark.manual("2.13.10", "2.13.11", "2.13.14")

ADA, BOB = 0.01 * 100 * math.exp(0.2), 0.01 * 50
EXPECTED = ADA + BOB


def days(patient: int, first: str, last: str, **values: object) -> Row:
    length = (day(last) - day(first)).days + 1
    found: Row = {"program": "dfc", "patient_id": patient, "period": 1, "interval": 0, "ccn": CCN}
    return {**found, "start_date": day(first), "end_date": day(last), "days": length, **values}


def period(patient: int, length: int, events: int, age: int) -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "period": 1,
        "ccn": CCN,
        "start_date": day("2024-01-01"),
        "days_at_risk": length,
        "event_count": events,
        "age": age,
        "covered_months": 12,
    }


def stay(first: str, last: str, *, is_index: bool = False) -> Row:
    return {
        "patient_id": 1,
        "admit_date": day(first),
        "discharge_date": day(last),
        "hospital": HOSPITAL,
        "is_index_covid": is_index,
    }


def claim(number: int, first: str) -> Row:
    return {
        "source": "institutional",
        "clm_id": number,
        "claim_year": YEAR,
        "claim_type": "60",
        "patient_id": 1,
        "from_date": day(first),
        "admit_date": day(first),
        "last_date": day(first),
    }


TABLES: Rows = {
    "raw.eqrs_patient": PEOPLE,
    "raw.provider_of_services": [{"prvdr_num": HOSPITAL, "fac_name": "GENERAL HOSPITAL"}],
    "history.patient_characteristics": [
        {"patient_id": 1, "is_female": True},
        {"patient_id": 2},
    ],
    "history.hospital_stay": [
        stay("2024-02-01", "2024-02-05"),
        stay("2024-03-01", "2024-03-04", is_index=True),
    ],
    "linkage.claim": [
        claim(11, "2024-02-01"),
        claim(12, "2024-02-03"),
        claim(13, "2024-03-01"),
    ],
    "linkage.facility": [{"program": "dfc", "ccn": CCN, "facility_name": "RIVER DIALYSIS"}],
    "history.treatment": [
        {
            "program": "dfc",
            "patient_id": 1,
            "start_date": day("2024-01-01"),
            "end_date": day("2024-12-31"),
            "ccn": CCN,
            "state": "dialysis",
        }
    ],
    "cohort.shr_days": [
        days(1, "2024-01-01", "2024-01-31"),
        days(1, "2024-02-01", "2024-04-09", events=2, uncounted_events=1),
        days(1, "2024-04-10", "2024-04-19", ccn=None, period=2, reason="transplant"),
        days(2, "2024-01-01", "2024-02-19"),
    ],
    "cohort.shr": [period(1, 100, 1, 70), period(2, 50, 0, 65)],
    "cohort.shr_expected": [
        {"program": "dfc", "patient_id": 1, "period": 1, "observed": 1.0, "expected": ADA},
        {"program": "dfc", "patient_id": 2, "period": 1, "observed": 0.0, "expected": BOB},
    ],
    "fit.shr": [
        *fitted("shr", "dfc", 1, "coefficient", is_female=0.1, age_over_65=0.02),
        *fitted("shr", "dfc", 2, "baseline", **{"interval 0": 0.01}),
        *fitted(
            "shr", "dfc", 2, "summary", **{"events of interval 0": 3, "days of interval 0": 36525}
        ),
    ],
    "facility.shr": [
        contract(
            "shr",
            unit="patient_years",
            unit_count=150 / 365.25,
            patients=2.0,
            numerator=1.0,
            denominator=EXPECTED,
            value=1 / EXPECTED,
            rate=3 / EXPECTED,
            lower=0.1,
            upper=2.5,
            category="as",
        )
    ],
}


@pytest.fixture(scope="module")
def shr(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return explain_measure(ask(store(tmp_path_factory.mktemp("shr"), TABLES), "shr"))


def test_each_expected_number_multiplies_out(shr: Document) -> None:
    ada, bob = shr.find("expected").to_dict("records")
    assert (ada["last_name"], ada["days_at_risk"], ada["rate_a_day"]) == ("Canary", 100, 0.01)
    assert ada["adjusters_sum"] == pytest.approx(0.2)
    assert ada["expected"] == pytest.approx(1.2214027582)
    assert (bob["adjusters_sum"], bob["expected"]) == (0, pytest.approx(0.5))
    adjusters = shr.find("adjusters")
    found = adjusters[["adjuster", "value", "coefficient"]].to_numpy().tolist()
    assert sorted(map(tuple, found)) == [("age_over_65", 5, 0.02), ("is_female", 1, 0.1)]
    assert adjusters["product"].sum() == pytest.approx(0.2)


def test_each_event_has_a_date_a_hospital_claims_and_a_reason(shr: Document) -> None:
    counted, covid = shr.find("events").to_dict("records")
    assert (counted["event_date"], counted["end_date"]) == (day("2024-02-01"), day("2024-02-05"))
    assert (counted["hospital_number"], counted["hospital_name"]) == (HOSPITAL, "GENERAL HOSPITAL")
    assert (counted["claims"], counted["counts"]) == ("11 12", "yes")
    assert counted["why"] == "counted: the measure's event"
    assert (covid["claims"], covid["counts"]) == ("13", "no")
    assert covid["why"].startswith("index stay of COVID-19")
    assert covid["manual"] == "Manual v10.1 2.13.11"


def test_no_line_is_without_a_reason_and_each_exclusion_has_its_days(shr: Document) -> None:
    lines = shr.find("lines")
    assert lines["why"].notna().all()
    assert lines["manual"].str.startswith("Manual v10.1 2.13").all()
    found = lines[["days", "counts", "observed", "uncounted"]].to_numpy().tolist()
    # January and the days up to the transplant are one line: nothing but a month lies between.
    assert found == [[100, "yes", 1, 1], [10, "no", 0, 0], [50, "yes", 0, 0]]
    (excluded,) = shr.find("exclusions").to_dict("records")
    assert (excluded["why"], excluded["days"], excluded["patients"]) == ("transplant", 10, 1)


def test_patients_are_those_of_the_chart(shr: Document) -> None:
    ada = shr.find("lines").iloc[0]
    assert (ada["eqrs_number"], ada["last_name"], ada["first_name"]) == ("1", "Canary", "Ada")
    assert ada["date_of_birth"] == day("1954-01-01")


def test_the_lines_add_up_to_the_contract(shr: Document) -> None:
    assert len(shr.checks) == 10
    assert all(check.agrees for check in shr.checks)
    sums = {check.what: check.added for check in shr.checks}
    assert sums["expected numbers worked out here = denominator of the contract"] == pytest.approx(
        1.7214027582
    )
    assert sums["150 counted days / 365.25 = unit_count of the contract"] == pytest.approx(
        150 / 365.25
    )
    assert sums["1 / 1.721403 x the nation's 3 = rate of the contract"] == pytest.approx(
        3 / 1.7214027582
    )


def test_the_terminal_has_80_columns_and_no_patient(shr: Document) -> None:
    text = describe(shr)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "RIVER DIALYSIS, CCN 012501" in text
    assert "numerator of the contract: 1 and 1, agrees" in text
    excluded = text.partition("Excluded days by reason")[2].partition("The lines add up")[0]
    assert "1 patient," in excluded
    assert "1 patients" not in excluded
    assert not any(name in text for name in ("Canary", "Linnet", "1954"))


def test_the_folder_is_its_owners_alone_and_nothing_old_stays(
    shr: Document, tmp_path: Path
) -> None:
    first = write_document(shr, tmp_path / "explanations", YEAR)
    (first / "of_another_version.csv").write_text("", encoding="utf-8")
    folder = write_document(shr, tmp_path / "explanations", YEAR)
    assert folder == first
    for path in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "README.txt",
        "adjusters.csv",
        "events.csv",
        "exclusions.csv",
        "expected.csv",
        "explanation.html",
        "legend.csv",
        "lines.csv",
        "number.csv",
        "sums.csv",
    }
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in names} == {0o600}
    assert (pd.read_csv(folder / "sums.csv")["compared"] == "agrees").all()
    columns = {
        name for table in ("lines", "events") for name in pd.read_csv(folder / f"{table}.csv")
    }
    assert columns <= set(pd.read_csv(folder / "legend.csv")["column"])


def test_the_page_says_that_it_is_private_and_shows_the_products(
    shr: Document, tmp_path: Path
) -> None:
    folder = write_document(shr, tmp_path, YEAR)
    page = (folder / "explanation.html").read_text(encoding="utf-8")
    assert "Private: this page names patients" in page
    assert "Canary, Ada; born 1954-01-01; EQRS 1" in page
    assert "female: 1 x 0.1 = 0.1" in page
    assert "age over 65: 5 x 0.02 = 0.1" in page
    assert "<script" not in page
    assert "<link" not in page


@pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine")
def test_the_pdf_is_tagged_and_private(
    shr: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path / "data" / "warehouse", TABLES)
    (tmp_path / "published" / str(YEAR)).mkdir(parents=True)
    (tmp_path / "published" / str(YEAR) / "one.csv").write_text("", encoding="utf-8")
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(tmp_path / "published"))
    asked = ("explain", "--measure", "shr", "--ccn", CCN, "--year", str(YEAR), "--program", "dfc")
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    assert "PDF: explanation.pdf" in result.output
    printed = tmp_path / "data" / "explanations" / str(YEAR) / shr.name / "explanation.pdf"
    assert stat.S_IMODE(printed.stat().st_mode) == 0o600
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/StructTreeRoot" in content


def test_a_sum_that_is_not_the_stored_number_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = {**TABLES["facility.shr"][0], "numerator": 2.0}
    store(tmp_path / "data" / "embedded" / "warehouse", {**TABLES, "facility.shr": [stored]})
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("ESRD_PATIENT_DIR", str(tmp_path / "none"))
    asked = ("explain", "--measure", "shr", "--ccn", CCN, "--year", str(YEAR), "--program", "dfc")
    result = CliRunner().invoke(main, [*asked, "--no-pdf"])
    assert result.exit_code == 1
    assert "numerator of the contract: 1 and 2, DOES NOT AGREE" in " ".join(result.output.split())
    assert "2 of the sums above do not agree" in result.output
    assert "Canary" not in result.output


def test_without_a_patient_no_chart_is_asked_for(tmp_path: Path) -> None:
    """As in a year of published files, which has no table of patients."""
    request = ask(Warehouse(tmp_path / "warehouse"), "shr")
    assert name_patients(request) == []
    (rows,) = name_patients(request, pd.DataFrame({"patient_id": [], "days": []}))
    assert rows.empty
    assert list(rows) == ["eqrs_number", "last_name", "first_name", "date_of_birth", "days"]


def test_a_number_without_a_line_does_not_agree(tmp_path: Path) -> None:
    warehouse = store(
        tmp_path / "warehouse", {**TABLES, "cohort.shr_days": [], "history.treatment": []}
    )
    (check,) = explain_measure(ask(warehouse, "shr")).broken
    assert (check.added, check.stored) == (0, pytest.approx(EXPECTED))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--measure", "shr", "--ccn", "999999"), "is the CCN right?"),
        (("--measure", "no_such", "--ccn", CCN), "no_such is no measure in 2024; there are:"),
        (("--measure", "smr", "--ccn", CCN, "--program", "qip"), "smr is no measure of qip"),
        (("--ccn", CCN), "give --measure, or --tps"),
        (("--tps", "--ccn", "999999"), "is the CCN right, and the year scored?"),
    ],
)
def test_what_cannot_be_explained_is_said(
    asked: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path / "data" / "embedded" / "warehouse", TABLES)
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("ESRD_PATIENT_DIR", str(tmp_path / "none"))
    result = CliRunner().invoke(main, ["explain", *asked, "--year", str(YEAR), "--no-pdf"])
    assert result.exit_code != 0
    assert message in result.output
