"""`esrd emergency` over a small area: needs, places, and what is not shown."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline_tests.emergency.small import (
    CHAIN,
    CLOSED,
    NEAR,
    SMALL,
    store,
    write_files,
)
from esrd_pipeline_tests.network_files import write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["emergency", *arguments])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with the small area."""
    data = tmp_path / "data"
    monkeypatch.setenv("ESRD_DATA_DIR", str(data))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(write_files(tmp_path / "network")))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    store(data / "embedded" / "warehouse")
    return data


def read(data: Path, area: str = "FL") -> str:
    page = data / "embedded" / "emergency" / f"{area}-2024-09-27" / "index.html"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text()))


def test_the_page_tells_status_needs_and_places(data: Path) -> None:
    done = run("--area", "FL", "--date", "2024-09-27")
    assert done.exit_code == 0, done.output
    assert "FL: 5 facilities, 1 closed" in done.output
    text = read(data)
    # 30 in center and 12 at home; the agreement's facility has 7 x 2 x 2 - 20 = 8 places, the one
    # of the same chain 5 x 2 x 2 - 12 = 8, the small one 16, the far one is out of reach.
    assert "Patients of closed facilities: 42 ." in text
    assert "Without a place within 100 km: 0 ." in text
    assert f"closed FACILITY {CLOSED}, TOWN: 42 patients" in text
    assert f"open FACILITY {NEAR}, TOWN: 20 patients, room for 8" in text
    assert f"open FACILITY {SMALL}, TOWN: 1 to 10 patients, room for not shown" in text
    assert "flood; reported 2024-09-26 17:30 UTC" in text
    way = re.search(
        r"Where its patients could go.*?Sources|Where its patients could go.*?open", text
    )
    assert way is not None
    # Eight, eight and fourteen: one cannot be shown, so none is.
    assert f"FACILITY {NEAR} in-center hemodialysis not shown 5 back-up agreement" in way.group()
    assert f"FACILITY {CHAIN} in-center hemodialysis not shown" in way.group()
    assert "peritoneal dialysis not shown" in way.group()


def test_what_was_reported_later_is_not_known(data: Path) -> None:
    done = run("--area", "FL", "--date", "2024-09-27", "--at", "2024-09-26T17:00Z")
    assert "FL: 5 facilities, 0 closed" in done.output
    assert "no report" in read(data)


def test_shorter_ways_leave_some_without_a_place(data: Path) -> None:
    done = run("--area", "REPORTED", "--date", "2024-09-27", "--kilometres", "0.5")
    assert done.exit_code == 0, done.output
    assert "Without a place within 0.5 km: 42 ." in read(data, "REPORTED")


def test_the_list_is_its_readers_alone(data: Path) -> None:
    done = run("--area", "FL", "--date", "2024-09-27", "--ccn", CLOSED)
    assert done.exit_code == 0, done.output
    path = data / "explanations" / "2024" / f"{CLOSED}_emergency" / "2024-09-27.csv"
    assert path.stat().st_mode & 0o077 == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 1 + 42
    # Patient 1 was treated the day before: three sessions a week, so due in three days at most.
    assert lines[1].endswith("in-center hemodialysis,3.0,2024-09-26,2024-09-29,True")


def test_in_january_the_year_before_is_read_and_the_page_says_so(data: Path) -> None:
    done = run("--area", "FL", "--date", "2025-01-03")
    assert done.exit_code == 0, done.output
    page = data / "embedded" / "emergency" / "FL-2025-01-03" / "index.html"
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text()))
    assert "Patients of closed facilities: 42 ." in text
    assert re.search(r"Patients by facility 2024-12-31 \d+ days old", text)
    assert "from performance year 2024" in text
    later = run("--area", "FL", "--date", "2026-01-03")
    assert later.exit_code == 1
    assert "2026" in later.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--area", "ZZ", "--date", "2024-09-27"), "ZZ: no facility is there"),
        (("--area", "DR4828", "--date", "2024-09-27"), "has no disaster 4828"),
        (("--area", "FL", "--date", "2023-09-27"), "2023"),
        (("--area", "FL", "--date", "2024-09-27", "--at", "noon"), "is not a time as 2024-09-26"),
    ],
)
def test_what_cannot_be_is_refused(data: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(*arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert not list(data.rglob("emergency/*/index.html"))


def test_a_bad_file_leaves_the_page_before(data: Path, tmp_path: Path) -> None:
    assert run("--area", "FL", "--date", "2024-09-27").exit_code == 0
    before = read(data)
    header = (tmp_path / "network" / "facility_status.csv").read_text().splitlines()[0]
    bad = f"{CLOSED},2024-09-26T18:00Z,,shut,flood,2024-09-26T17:30Z"
    write(tmp_path / "network", "facility_status", header, bad)
    refused = run("--area", "FL", "--date", "2024-09-27")
    assert refused.exit_code == 1
    assert "facility_status.csv, row 2, column 'STATUS': is none of the 4" in refused.output
    assert read(data) == before
