"""What may not leave the house: cells that rest on one to ten patients; and how a year leaves."""

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.export import (
    SUPPRESSED,
    export_year,
    leave_out_small,
    make_frame_harmless,
    suppress_small_counts,
    write_layouts,
)
from esrd_pipeline.families.combined import combine_contract
from esrd_pipeline.families.published import build_national, publish_contract
from esrd_pipeline.reports.releases import PROVENANCE, find_newest_release, read_results
from esrd_pipeline.reports.suppression import MARKER, find_few
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.spreadsheet import make_harmless, read_plain
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline.tables import facility, raw
from esrd_pipeline.tables.linkage import NOT_ELIGIBLE
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.program import FLAGS, QIP_MEASURE_SCORE
from esrd_pipeline.tables.report import EVENT_ACCOUNT
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.reason_texts import text_of
from esrd_pipeline_tests.site.small import fill

YEAR = 2025
NAN = float("nan")
FILES = {
    "dfc_facility": raw.DFC_FACILITY,
    "dfc_national": raw.DFC_NATIONAL,
    "qip_complete": raw.QIP_COMPLETE,
}


def contract(*rows: tuple[str, str, str, str, float, float]) -> pd.DataFrame:
    """Rows of ccn, program, measure, unit, unit_count, patients."""
    columns = ["ccn", "program", "measure", "unit", "unit_count", "patients"]
    return pd.DataFrame(rows, columns=columns).assign(
        numerator=0.0, reason=None, reason_number=NAN, note="no events: exact"
    )


def test_a_remark_that_would_give_a_small_count_away_is_hidden_with_it() -> None:
    rows = contract(
        ("010001", "dfc", "ltc", "patients", 7, NAN), ("010002", "dfc", "ltc", "patients", 11, NAN)
    )
    small, large = suppress_small_counts(CONTRACT, rows, find_few(rows)).to_dict("records")
    assert pd.isna(small["numerator"])
    assert pd.isna(small["note"])
    assert small["reason"] == SUPPRESSED
    assert text_of(small) == "fewer than 11 patients: suppressed"
    assert (large["numerator"], large["note"]) == (0.0, "no events: exact")


def test_twelve_patient_years_of_ten_patients_are_hidden() -> None:
    rows = contract(
        ("010001", "dfc", "shr", "patient_years", 12, 10),
        ("010002", "dfc", "shr", "patient_years", 12, 11),
    )
    small, large = suppress_small_counts(CONTRACT, rows, find_few(rows)).to_dict("records")
    assert pd.isna(small["unit_count"])
    assert pd.isna(small["patients"])
    assert large["unit_count"] == 12
    assert small[MARKER] == "unit_count patients numerator note"
    assert pd.isna(large[MARKER])


def test_months_whose_patients_nobody_told_are_published_as_cms_did() -> None:
    rows = contract(("010001", "dfc", "sfr", "patient_months", 8, NAN))
    assert find_few(rows).empty


def test_what_rests_on_nobody_is_no_small_count() -> None:
    rows = contract(("010001", "dfc", "shr", "patient_years", 0, 0))
    assert find_few(rows).empty


def test_a_flag_of_a_small_facility_hides_its_numbers_too() -> None:
    small = find_few(contract(("010001", "dfc", "shr", "patient_years", 12, 10)))
    flags = pd.DataFrame({"ccn": ["010001"], "measure": ["shr"], "value": [1.4], "reason": None})
    (row,) = suppress_small_counts(FLAGS, flags, small).to_dict("records")
    assert pd.isna(row["value"])
    assert row["reason"] == SUPPRESSED


def test_a_score_follows_the_qip_rows_and_not_those_of_dfc() -> None:
    rows = contract(
        ("010001", "dfc", "shr", "patient_years", 12, 10),
        ("010002", "qip", "shr", "patient_years", 12, 10),
    )
    scores = pd.DataFrame(
        {
            "ccn": ["010001", "010002"],
            "payment_year": 2026,
            "measure": "shr",
            "rate": [150.0, 160.0],
        }
    )
    hidden = suppress_small_counts(QIP_MEASURE_SCORE, scores, find_few(rows))
    assert hidden["rate"].isna().tolist() == [False, True]


def test_a_difference_of_a_small_facility_is_left_out_with_its_cause() -> None:
    small = find_few(contract(("010001", "dfc", "strr", "patient_years", 12, 10)))
    rows = pd.DataFrame(
        {
            "ccn": ["010001", "010001", "010002"],
            "program": ["dfc", "qip", "dfc"],
            "measure": "strr",
            "reason": "no_events_seen",
        }
    )
    kept = leave_out_small(rows, small)
    assert kept[["ccn", "program"]].to_numpy().tolist() == [["010001", "qip"], ["010002", "dfc"]]


def test_a_published_row_of_few_patients_is_hidden_though_the_computed_one_has_more() -> None:
    computed = contract(("010001", "dfc", "ltc", "patients", 14, 14))
    printed = contract(("010001", "dfc", "ltc", "patients", 7, NAN)).drop(columns="patients")
    (row,) = suppress_small_counts(CONTRACT, printed, find_few(computed)).to_dict("records")
    assert pd.isna(row["unit_count"])
    assert row["reason"] == SUPPRESSED


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A year's published files and contract, of which the catheter rate counts as computed."""
    folder = tmp_path_factory.mktemp("export")
    write_published_files(folder / "files", performance_year=YEAR, facility_count=40)
    files = {name: read_table(find_release(folder / "files", name), name, YEAR) for name in FILES}
    dfc, nation, qip = files.values()
    national = build_national(performance_year=YEAR, dfc=dfc, dfc_national=nation, qip=qip)
    rows = publish_contract(
        performance_year=YEAR, dfc=dfc, qip=qip, ich_cahps=None, national=national
    )
    rows = combine_contract(performance_year=YEAR, published=rows, computed=())
    is_computed = rows["measure"] == "ltc"
    rows["origin"] = is_computed.map({True: "computed", False: "published"})
    rows.loc[is_computed & rows["reportable"], "value"] /= 2
    rows.loc[is_computed & rows["reportable"], "denominator"] *= 2
    warehouse = Warehouse(folder / "warehouse")
    for table, frame in ((CONTRACT, rows), *((FILES[name], files[name]) for name in FILES)):
        warehouse.publish(warehouse.stage(table, YEAR, frame))
    return warehouse


def test_a_release_holds_the_year_as_cms_lays_it_out(stored: Warehouse, tmp_path: Path) -> None:
    release = tmp_path / "release"
    export_year(warehouse=stored, performance_year=YEAR, folder=release, origin="published")
    layouts = release / "published_layouts"
    assert sorted(path.name for path in layouts.iterdir()) == [
        "DFC_FACILITY_2026-10.csv",
        "DFC_NATIONAL_2026-10.csv",
        "QIP_COMPLETE_PY2027.csv",
    ]
    for name, column in (("dfc_facility", "ltc_rate"), ("qip_complete", "ltc_achievement_rate")):
        before = stored.read(FILES[name], YEAR).set_index("ccn")[column]
        after = read_table(find_release(layouts, name), name, YEAR).set_index("ccn")[column]
        assert before.notna().sum() > 20
        pd.testing.assert_series_equal(after, before / 2, rtol=1e-9)
    assert "published_layouts/DFC_FACILITY_2026-10.csv" in (release / "README.txt").read_text()
    found = json.loads((release / PROVENANCE).read_text())
    assert CONTRACT.name in found["makers"]
    # A later year or run is compared with what the release shows.
    assert find_newest_release(tmp_path) == release
    shown = read_results(release).contract
    assert len(shown) == stored.count_rows(CONTRACT, YEAR)


def test_a_year_without_published_files_has_no_layouts(stored: Warehouse, tmp_path: Path) -> None:
    bare, release = Warehouse(tmp_path / "warehouse"), tmp_path / "release"
    bare.publish(bare.stage(CONTRACT, YEAR, stored.read(CONTRACT, YEAR)))
    for table in FILES.values():
        bare.publish(bare.stage(table, YEAR, stored.read(table, YEAR).head(0)))
    export_year(warehouse=bare, performance_year=YEAR, folder=release, origin="published")
    assert not (release / "published_layouts").exists()
    assert "published_layouts: none" in (release / "README.txt").read_text()


def test_no_count_of_few_patients_leaves_in_a_layout(stored: Warehouse, tmp_path: Path) -> None:
    release = tmp_path / "release"
    export_year(warehouse=stored, performance_year=YEAR, folder=release, origin="published")
    path = find_release(release / "published_layouts", "dfc_facility")
    counts = read_table(path, "dfc_facility", YEAR).filter(regex="patient_count$")
    shown = stored.read(raw.DFC_FACILITY, YEAR).filter(regex="patient_count$")
    few = shown.apply(lambda column: column.between(1, 10))
    assert few.to_numpy().sum() > 10
    assert not counts.apply(lambda column: column.between(1, 10)).any(axis=None)


@pytest.mark.manual("4.1", "Table 17")
def test_a_rate_that_a_measure_leaves_out_is_not_printed(stored: Warehouse, tmp_path: Path) -> None:
    rows = stored.read(CONTRACT, YEAR)
    rows.loc[rows["measure"] == "nhsn_bsi", "origin"] = "computed"
    qip = stored.read(raw.QIP_COMPLETE, YEAR)
    printed = qip.loc[qip["nhsn_bsi_achievement_ratio"].notna(), "ccn"].tolist()
    ccns = qip["ccn"].tolist()
    march = dt.date(YEAR, 3, 1)
    grant = {"ccn": printed[0], "first_month": march, "last_month": march, "missing": {}}
    score = {"measure": "nhsn_bsi", "rule_set": "default"}
    listed = {"has_dfc_row": True, "has_qip_row": True}
    warehouse = Warehouse(tmp_path / "warehouse")
    for table, frame in (
        (CONTRACT, rows),
        (raw.QIP_COMPLETE, qip),
        (facility.DIRECTORY, fill(facility.DIRECTORY, *({"ccn": ccn, **listed} for ccn in ccns))),
        (raw.ECE_GRANT, fill(raw.ECE_GRANT, grant)),
        (QIP_MEASURE_SCORE, fill(QIP_MEASURE_SCORE, *({"ccn": ccn, **score} for ccn in ccns))),
    ):
        warehouse.publish(warehouse.stage(table, YEAR, frame.assign(performance_year=YEAR)))
    write_layouts(warehouse, YEAR, tmp_path / "layouts")
    path = find_release(tmp_path / "layouts", "qip_complete")
    after = read_table(path, "qip_complete", YEAR)
    shown = after.loc[after["nhsn_bsi_achievement_ratio"].notna(), "ccn"].tolist()
    assert shown == printed[1:]


def test_the_account_of_events_does_not_leave(stored: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse")
    account = pd.DataFrame(
        {
            "measure": ["smr"],
            "program": ["dfc"],
            "kind": ["death"],
            "month": [pd.Timestamp(YEAR, 3, 1)],
            "outcome": ["counted"],
            "performance_year": [YEAR],
            "event_count": [3],
            "found_count": [3],
            "accounted_count": [3],
            "share_of_usual": [1.0],
        }
    )
    warehouse.publish(warehouse.stage(EVENT_ACCOUNT, YEAR, account))
    warehouse.publish(warehouse.stage(CONTRACT, YEAR, stored.read(CONTRACT, YEAR)))
    release = tmp_path / "release"
    export_year(warehouse=warehouse, performance_year=YEAR, folder=release, origin="embedded")
    assert f"{CONTRACT.name}.csv" in {path.name for path in release.iterdir()}
    assert f"{EVENT_ACCOUNT.name}.csv" not in {path.name for path in release.iterdir()}


CONTRACT_REASONS = {
    **dict.fromkeys(("below_minimum_units", "below_minimum_expected"), "199"),
    **dict.fromkeys(("no_expected_events", "no_index_discharge"), "199"),
    "no_patient_at_risk": "201",
    **dict.fromkeys(("no_eligible_patient_month", "nothing_in_denominator"), "201"),
    **dict.fromkeys(("no_month_reported", "nothing_reported"), "201"),
    **dict.fromkeys(("not_on_facility_list", *NOT_ELIGIBLE), "258"),
}
"""Every reason that a computed row of DFC can have, and the availability code printed for it."""


def test_every_reason_of_a_computed_row_leaves_as_an_availability_code(
    stored: Warehouse, tmp_path: Path
) -> None:
    rows = stored.read(CONTRACT, YEAR)
    mine = rows.index[(rows["program"] == "dfc") & (rows["measure"] == "ltc")]
    mine = mine[: len(CONTRACT_REASONS)]
    empty = [
        column
        for column in ("value", "lower", "upper", "numerator", "denominator", "category")
        if column in rows
    ]
    rows.loc[mine, empty] = None
    rows.loc[mine, "reportable"] = False
    rows.loc[mine, "reason"] = list(CONTRACT_REASONS)
    rows.loc[mine, "reason_number"] = [
        11.0 if reason.startswith("below_minimum") else NAN for reason in CONTRACT_REASONS
    ]
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.publish(warehouse.stage(CONTRACT, YEAR, rows))
    listed = stored.read(raw.DFC_FACILITY, YEAR)
    listed = listed.assign(has_in_center_hemodialysis=True, certification_date=dt.date(1999, 1, 1))
    warehouse.publish(warehouse.stage(raw.DFC_FACILITY, YEAR, listed))
    release = tmp_path / "release"
    export_year(warehouse=warehouse, performance_year=YEAR, folder=release, origin="embedded")
    path = find_release(release / "published_layouts", "dfc_facility")
    printed = read_table(path, "dfc_facility", YEAR).set_index("ccn")
    printed = printed.loc[rows.loc[mine, "ccn"]]
    assert printed["ltc_rate"].isna().all()
    assert printed["ltc_code"].tolist() == list(CONTRACT_REASONS.values())
    exported = pd.read_csv(release / f"{CONTRACT.name}.csv", dtype={"ccn": str})
    assert exported.loc[mine, "reason"].tolist() == list(CONTRACT_REASONS)
    texts = exported.loc[mine, "reason_text"].tolist()
    assert texts[0] == "fewer than 11 patients"
    assert texts[-1] == "not in the EQRS directory"


def leftovers(folder: Path) -> list[str]:
    """Everything in a folder, hidden folders too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_failed_export_leaves_nothing_behind(stored: Warehouse, tmp_path: Path) -> None:
    rows = stored.read(CONTRACT, YEAR)
    mine = (rows["program"] == "dfc") & (rows["measure"] == "ltc")
    rows.loc[mine, ["reportable", "reason"]] = [False, "no_national_rate"]
    rows.loc[mine, ["value", "reason_number"]] = NAN
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.publish(warehouse.stage(CONTRACT, YEAR, rows))
    warehouse.publish(warehouse.stage(raw.DFC_FACILITY, YEAR, stored.read(raw.DFC_FACILITY, YEAR)))
    releases = tmp_path / "releases"
    with pytest.raises(LookupError, match="no code of dfc_facility for no_national_rate"):
        export_year(
            warehouse=warehouse,
            performance_year=YEAR,
            folder=releases / "approved",
            origin="published",
        )
    assert leftovers(releases) == []


def test_what_a_killed_export_left_goes_with_the_next(stored: Warehouse, tmp_path: Path) -> None:
    releases = tmp_path / "releases"

    def export() -> None:
        export_year(
            warehouse=stored, performance_year=YEAR, folder=releases / "approved", origin="embedded"
        )

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        # As a kill does: nobody tidies up, and nothing gets its name.
        patch.setattr("esrd_pipeline.export.shutil.rmtree", lambda *_, **__: None)
        patch.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            export()
    (left,) = releases.iterdir()
    assert left.name.startswith(".draft-")
    export()
    assert [path.name for path in releases.iterdir()] == ["approved"]


FORMULAS = ["=1+2", "+1 205 555", "-2+3", "@SUM(A1)", "\tcmd", "\r=1", "'=quoted", "''-x"]
HARMLESS = ["Smith & Sons", "O'Neill", "'quoted'", "", "A=B", "1-2", "'"]


@pytest.mark.parametrize("text", [*FORMULAS, *HARMLESS])
def test_a_text_comes_back_from_what_a_spreadsheet_cannot_run(text: str) -> None:
    written = make_harmless(text)
    assert (written == text) is (text in HARMLESS)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert read_plain(written) == text


def test_numbers_are_no_texts_and_stay_numbers() -> None:
    frame = pd.DataFrame(
        {
            "name": ["=cmd|' /C calc'!A0", "plain", None],
            "z": [-1.5, 2.0, NAN],
            "count": pd.array([-1, 2, None], dtype="Int64"),
            "codes": [["-", "="], None, []],
        }
    )
    safe = make_frame_harmless(frame)
    assert safe["name"].tolist()[:2] == ["'=cmd|' /C calc'!A0", "plain"]
    assert pd.isna(safe["name"].iloc[2])
    pd.testing.assert_frame_equal(safe.drop(columns="name"), frame.drop(columns="name"))


def test_a_formula_in_a_name_is_harmless_in_a_release_and_reads_back(
    stored: Warehouse, tmp_path: Path
) -> None:
    dfc = stored.read(raw.DFC_FACILITY, YEAR)
    names = ["=HYPERLINK(1)", "@home dialysis", "-dash-", "'=x"]
    dfc.loc[dfc.index[: len(names)], "facility_name"] = names
    warehouse = Warehouse(tmp_path / "warehouse")
    for table, frame in ((CONTRACT, stored.read(CONTRACT, YEAR)), (raw.DFC_FACILITY, dfc)):
        warehouse.publish(warehouse.stage(table, YEAR, frame))
    release = tmp_path / "release"
    export_year(warehouse=warehouse, performance_year=YEAR, folder=release, origin="published")
    path = find_release(release / "published_layouts", "dfc_facility")
    printed = pd.read_csv(path, dtype=str, keep_default_na=False)["Facility Name"].tolist()
    assert printed[: len(names)] == [f"'{name}" for name in names]
    again = read_table(path, "dfc_facility", YEAR)["facility_name"].tolist()
    assert again == dfc["facility_name"].tolist()
    rows = pd.read_csv(release / f"{CONTRACT.name}.csv", dtype={"ccn": str})
    assert rows["value"].dtype == float
    assert "apostrophe in front" in (release / "README.txt").read_text()
