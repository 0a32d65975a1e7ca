"""Pages for patients and families: two centers in New York, one far from them in Los Angeles."""

import json
import re
from pathlib import Path

import pytest

from esrd_pipeline.parameters.measure_texts import LANGUAGES
from esrd_pipeline.parameters.patient_texts import load_patient_texts
from esrd_pipeline.site import writing
from esrd_pipeline.site.centers import PAGE_LENGTH, find_pages, load_centers, place_for_patients
from esrd_pipeline.site.certificate import (
    describe_certificate,
    describe_score,
    has_certificate,
    write_certificates,
)
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.patients import place_cell, write_patients
from esrd_pipeline.site.zip_positions import find_position, load_positions
from esrd_pipeline_tests.site.three_centers import BESIDE, FAR, NEAR, make_data, make_frames

LARGEST_PAGE = 150_000


@pytest.fixture
def data() -> SiteData:
    return make_data()


@pytest.fixture
def site(data: SiteData, tmp_path: Path) -> Path:
    written = list(write_patients(data, tmp_path, list(data.facilities)))
    assert max(size for _, _, size in written) < LARGEST_PAGE
    return tmp_path


def _read(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


def test_a_center_is_told_in_plain_words(site: Path) -> None:
    page = _read(site, "patients/states/NY-1.html")
    mine = page[page.index(f'id="f{NEAR}"') :]
    # A screen reader would speak the sign: "black down-pointing triangle".
    assert '<span aria-hidden="true">▼</span> Worse than expected' in mine
    assert "7% here, 19% in the nation. A lower number is better." in mine
    assert "Of 1 result: better than expected in 0, worse in 1." in mine
    assert "1 MAIN ST, NEW YORK, NY 10001. Phone: (212) 555-0100" in mine
    assert "4 of 5 stars" in mine


def test_the_same_center_in_spanish(site: Path) -> None:
    page = _read(site, "patients/es/states/NY-1.html")
    assert '<html lang="es">' in page
    mine = page[page.index(f'id="f{NEAR}"') :]
    assert '<span aria-hidden="true">▼</span> Peor de lo esperado' in mine
    assert "De 1 resultado: mejor de lo esperado en 0, peor en 1." in mine
    assert "7% aquí, 19% en el país. Un número más bajo es mejor." in mine


def test_a_share_below_one_percent_is_not_none(site: Path) -> None:
    page = _read(site, "patients/states/NY-1.html")
    assert "Less than 1% here, 19% in the nation" in page


def test_what_is_not_known_is_told_as_such(site: Path) -> None:
    page = _read(site, "patients/states/NY-1.html")
    mine = page[page.index(f'id="f{BESIDE}"') : page.index(f'id="f{NEAR}"')]
    assert "Dialysis at the center: <strong>Not known</strong>" in mine
    assert "Dialysis stations: <strong>Not known</strong>" in mine
    assert "BROOKLYN &lt;HOME&gt;" in mine


def test_a_result_of_few_patients_stands_nowhere(site: Path) -> None:
    for file in (site / "patients").rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert "30% " not in text, file.name
            assert ",30.0" not in text, file.name
    assert "No result of this center is reported" in _read(site, "patients/states/CA-1.html")


def test_stars_are_the_year_s_own_or_else_published(data: SiteData) -> None:
    stars = {c.row["ccn"]: c.stars for state in load_centers(data).values() for c in state}
    assert stars == {NEAR: 4, BESIDE: 5, FAR: None}


def test_every_link_leads_to_a_page_of_the_site(site: Path, data: SiteData) -> None:
    for ccn in data.facilities:
        writing.write_page(site, writing.place_facility(ccn), "")
        write_certificates(data, site, ccn)
    writing.write_page(site, "index.html", "")
    writing.copy_static(site)
    pages = sorted((site / "patients").rglob("*.html")) + sorted(
        site.glob("certificates/**/*.html")
    )
    assert len(pages) == 2 * (1 + 2 + 2) + 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for address in re.findall(r'(?:href|src|data-home)="([^"]+)"', text):
            place, _, mark = address.partition("#")
            assert "://" not in address
            target = (page.parent / place).resolve() if place else page
            assert target.exists(), (page.name, address)
            if mark:
                assert f'id="{mark}"' in target.read_text(encoding="utf-8")


def test_the_script_s_files_hold_positions_and_centers(site: Path, data: SiteData) -> None:
    text = _read(site, "patients/data/zip/10.js")
    positions = json.loads(text[text.index("{") : text.rindex(")")])
    assert positions["001"] == pytest.approx([40.75, -74.0], abs=0.02)
    cell = place_cell((positions["001"][0], positions["001"][1]))
    text = _read(site, f"patients/data/centers/{cell}.js")
    rows = json.loads(text[text.index("[[") : text.rindex(")")])
    mine = next(row for row in rows if row[0] == NEAR)
    assert mine[5:9] == [find_pages(data)[NEAR], 4, 24, [True, True, False, True]]
    assert mine[9] == ["worse", 7.0]
    assert f'"{cell}"' in _read(site, "patients/data/cells.js")


def test_one_state_alone_can_be_made(data: SiteData, tmp_path: Path) -> None:
    pages = {page for _, page, _ in write_patients(data, tmp_path, [FAR])}
    assert "patients/states/CA-1.html" in pages
    assert "patients/states/NY-1.html" not in pages
    assert not (tmp_path / "patients/data/zip/10.js").exists()


def test_pages_do_not_depend_on_the_order_of_rows(
    data: SiteData, site: Path, tmp_path: Path
) -> None:
    frames = {name: frame.iloc[::-1] for name, frame in make_frames().items()}
    other = make_data(frames)
    again = tmp_path / "again"
    for _, page, _ in write_patients(other, again, list(other.facilities)):
        assert _read(again, page) == _read(site, page), page
    assert place_for_patients(data, NEAR) == f"patients/states/NY-1.html#f{NEAR}"
    assert len(data.facilities) < PAGE_LENGTH


def test_a_zip_code_of_no_place_is_put_among_its_neighbours() -> None:
    positions = {"10001": (40.0, -74.0), "10002": (41.0, -75.0), "20001": (38.0, -77.0)}
    assert find_position("10001", positions) == (40.0, -74.0)
    assert find_position("10099", positions) == (40.5, -74.5)
    assert find_position("99999", positions) is None
    assert find_position("", {}) is None


def test_zip_codes_of_the_chosen_states_alone_are_read() -> None:
    positions = load_positions(["RI"])
    assert 50 < len(positions) < 150
    assert {zip_code[:2] for zip_code in positions} <= {"02"}


def test_a_zip_code_whose_position_the_package_lacks_lies_among_its_neighbours() -> None:
    """The package writes 0, 0 for it: see findings/zipcodes_at_zero.sh."""
    positions = load_positions(["TX"])
    assert all(25 < north < 37 and -107 < east < -93 for north, east in positions.values())
    found = find_position("77352", positions)
    assert found is not None
    assert found == pytest.approx((30.3, -95.2), abs=0.5)


def test_a_certificate_sets_scores_beside_the_means(data: SiteData) -> None:
    shown = describe_certificate(data, NEAR, "en")
    assert (shown["total"], shown["mean"], shown["cut"]) == ("40 of 100", "55.0", "1%")
    assert shown["verdict"] == (
        "This center's payments are cut by 1%, because its score is below 53."
    )
    assert [(s["name"], s["score"], s["mean"], s["word"]) for s in shown["scores"]] == [
        ("Hospital stays", "4", "6.0", "Below the mean"),
        ("Long-term catheters", "7", "7.0", "Near the mean"),
    ]


@pytest.mark.parametrize("mean", [9.46, 9.5, 9.54])
def test_one_printed_mean_has_one_word(mean: float) -> None:
    shown = describe_score("shr", 10, mean, "en")
    assert (shown["mean"], shown["word"]) == ("9.5", load_patient_texts("en")["about_mean"])


def test_certificates_are_made_in_both_languages(data: SiteData, tmp_path: Path) -> None:
    for ccn in data.facilities:
        write_certificates(data, tmp_path, ccn)
    made = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.html")}
    assert made == {
        f"certificates/{folder}{ccn}.html" for folder in ("", "es/") for ccn in (NEAR, BESIDE)
    }
    page = _read(tmp_path, f"certificates/es/{BESIDE}.html")
    assert "70 de 100" in page
    assert "Los pagos de este centro no se recortan" in page
    assert not has_certificate(data, FAR)
    assert LANGUAGES == ("en", "es")
