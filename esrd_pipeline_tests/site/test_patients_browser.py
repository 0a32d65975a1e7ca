"""The search by ZIP code and the comparison, in a real browser, from a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from esrd_pipeline.site import writing
from esrd_pipeline.site.certificate import write_certificates
from esrd_pipeline.site.patients import write_patients
from esrd_pipeline_tests.browsing import find_faults, open_browser, open_page
from esrd_pipeline_tests.site.three_centers import BESIDE, FAR, NEAR, make_data

pytestmark = pytest.mark.slow
PHONE = 320
ONE_PAGE = 940
"""Height of a Letter page within margins of 14 mm, in pixels; its width is WIDE."""
WIDE = 710


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    data = make_data()
    writing.copy_static(folder)
    write_patients(data, folder, list(data.facilities))
    for ccn in data.facilities:
        write_certificates(data, folder, ccn)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with open_page(browser) as opened:
        yield opened


def _search(page: Page, site: Path, zip_code: str, folder: str = "patients") -> None:
    page.goto((site / folder / "index.html").as_uri())
    page.get_by_role("textbox").fill(zip_code)
    page.keyboard.press("Enter")


def test_the_nearest_centers_come_first(page: Page, site: Path) -> None:
    _search(page, site, "10001")
    hits = page.locator("#hits > li")
    expect(hits).to_have_count(2)
    expect(hits.nth(0)).to_contain_text("MIDTOWN DIALYSIS")
    expect(hits.nth(0)).to_contain_text("in this ZIP code")
    # 40.7484 N 73.9967 W and 40.6937 N 73.9858 W are 3.8 miles apart.
    expect(hits.nth(1)).to_contain_text("4 miles away")
    expect(page.locator("#status")).to_have_text("The nearest centers to 10001: 2 shown.")


def test_centers_without_what_is_wanted_are_left_out(page: Page, site: Path) -> None:
    page.goto((site / "patients/index.html").as_uri())
    page.get_by_label("Late shift").check()
    page.get_by_role("textbox").fill("10001")
    page.get_by_role("button", name="Find centers").click()
    expect(page.locator("#hits > li")).to_have_count(1)
    expect(page.locator("#hits > li")).to_contain_text("MIDTOWN DIALYSIS")
    expect(page.locator("#hits > li")).to_contain_text("★★★★☆ 4 of 5 stars. Of 1 result:")
    expect(page.locator("#hits > li [aria-hidden=true]")).to_have_text("★★★★☆")
    expect(page.locator("#status")).to_have_text("The nearest center to 10001: 1 shown.")


def test_a_center_without_a_street_has_no_comma_before_its_city(page: Page, site: Path) -> None:
    _search(page, site, "90011")
    expect(page.locator("#hits > li")).to_contain_text("code. LOS ANGELES, CA 90011")


@pytest.mark.parametrize(
    ("zip_code", "message"),
    [
        ("1000", "Please type the five digits of your ZIP code."),
        ("00000", "We do not know this ZIP code."),
        ("95971", "No center that fits was found within 300 miles"),
    ],
)
def test_a_search_without_a_result_says_why(
    page: Page, site: Path, zip_code: str, message: str
) -> None:
    _search(page, site, zip_code)
    expect(page.locator("#status")).to_contain_text(message)
    expect(page.locator("#found")).to_be_hidden()


def test_centers_stand_side_by_side(page: Page, site: Path) -> None:
    _search(page, site, "10001")
    expect(page.locator("#hits > li")).to_have_count(2)
    for box in page.locator("#hits input").all():
        box.check()
    page.get_by_role("button", name="See 2 side by side").click()
    table = page.locator("#side-table")
    expect(table.locator("thead th")).to_have_count(3)
    row = table.locator("tr", has_text="Hospital stays")
    expect(row.locator("td").nth(0)).to_have_text("▼ Worse than expected")
    expect(row.locator("td").nth(1)).to_have_text("● As expected")
    row = table.locator("tr", has_text="Long-term catheters")
    expect(row.locator("td").nth(0)).to_have_text("7% here, 19% in the nation")
    expect(row.locator("td").nth(1)).to_have_text("Less than 1% here, 19% in the nation")
    assert find_faults(page) == []
    table.get_by_role("button", name="Take away MIDTOWN DIALYSIS").click()
    expect(table.locator("thead th")).to_have_count(2)
    expect(page.locator(f"#hits input[data-ccn='{NEAR}']")).not_to_be_checked()
    expect(page.locator(f"#hits input[data-ccn='{BESIDE}']")).to_be_checked()


def test_a_phone_in_spanish_has_nothing_cut_off(page: Page, site: Path) -> None:
    page.set_viewport_size({"width": PHONE, "height": 640})
    _search(page, site, "90011", "patients/es")
    expect(page.locator("#hits > li")).to_contain_text("en este código postal")
    page.locator("#hits input").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    page.locator("#hits h3 a").click()
    assert page.url.endswith(f"patients/es/states/CA-1.html#f{FAR}")


@pytest.mark.parametrize("folder", ["certificates", "certificates/es"])
def test_a_certificate_prints_on_one_page(page: Page, site: Path, folder: str) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": WIDE, "height": 200})
    page.goto((site / folder / f"{NEAR}.html").as_uri())
    # Eighteen rows stand in the place of the two here: more than the program has had.
    page.evaluate(
        """() => { const body = document.querySelector("tbody"), rows = [...body.rows];
        for (let n = 0; n < 8; n += 1) body.append(...rows.map((row) => row.cloneNode(true))); }"""
    )
    assert page.evaluate("document.documentElement.scrollHeight") <= ONE_PAGE
