"""Downloads: what may be shown, as CSV and Parquet, and metadata that describe exactly that."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from esrd_pipeline.site import data_package, reference
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.download_files import write_downloads
from esrd_pipeline.site.published import PUBLISHED
from esrd_pipeline.tables import measured, network, program
from esrd_pipeline_tests.site.small import YEAR, fill, make_data, result

DAY = r"\d{4}-\d{2}-\d{2}"
TABLE_SCHEMA_TYPES = {"string", "integer", "number", "boolean", "date", "array", "object"}
CATALOG = ("conformsTo", "dataset")
DATASET = (
    *("title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier"),
    "accessLevel",
)
"""What DCAT-US 1.1 requires of a dataset; bureauCode and programCode of federal agencies alone."""


def indicator(level: str, place: str, numerator: int, denominator: float) -> dict[str, object]:
    return {
        "level": level,
        "group_name": place,
        "month": date(YEAR, 1, 1),
        "indicator": "admission",
        "facility_count": 1,
        "numerator": numerator,
        "denominator": denominator,
        "value": 100 * numerator / denominator,
        "unit": "per 100 patient-months",
        "counted": "patients",
        "patients": 40,
    }


@pytest.fixture(scope="module")
def data() -> SiteData:
    indicators = fill(
        network.INDICATORS,
        indicator("nation", "nation", 40, 300.0),
        indicator("network", "6", 40, 300.0),
        indicator("facility", "112501", 25, 180.0),
        indicator("facility", "112502", 15, 120.0),
    )
    stars = fill(
        program.STARS,
        {"ccn": "112501", "baseline_year": 2023, "measure_set": "2023-10", "rating": 4},
        {"ccn": "112502", "baseline_year": 2023, "measure_set": "2023-10"},
    )
    return make_data([(network.INDICATORS, indicators), (program.STARS, stars)])


@pytest.fixture(scope="module")
def folder(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    assert list(reference.write_reference(data, site))
    return site / "downloads"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_json(folder: Path, name: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_few_patients_are_not_shown_in_either_format(folder: Path) -> None:
    large, small = read_csv(folder / "facility.contract.csv")
    assert (large["patients"], large["numerator"]) == ("90", "120")
    hidden = ("unit_count", "patients", "numerator", "denominator", "value")
    assert all(small[name] == "" for name in hidden)
    assert set(hidden) <= set(small["suppressed"].split())
    assert small["reason_text"] == "fewer than 11 patients: suppressed"
    stored = pq.read_table(folder / "facility.contract.parquet").to_pylist()
    assert all(stored[1][name] is None for name in hidden)
    assert stored[0]["patients"] == 90


def test_no_spreadsheet_runs_a_text(folder: Path) -> None:
    large, _ = read_csv(folder / "facility.contract.csv")
    assert large["note"] == "'=1+1"
    stored = pq.read_table(folder / "facility.contract.parquet").to_pylist()
    assert stored[0]["note"] == "=1+1"


def test_zeros_and_whole_numbers_stay(folder: Path) -> None:
    rated, unrated = read_csv(folder / "program.stars.csv")
    assert (rated["rating"], unrated["rating"]) == ("4", "")
    assert rated["baseline_year"] == "2023"


def test_areas_alone_are_published_of_trends_and_indicators(folder: Path) -> None:
    assert {row["level"] for row in read_csv(folder / "report.trend.csv")} == {"nation"}
    levels = {row["level"] for row in read_csv(folder / "network.indicator.csv")}
    assert levels == {"nation", "network"}


def check_cell(text: str, field: Mapping[str, Any]) -> None:
    """Check a cell of a CSV file by its field's type and constraints."""
    limits = field.get("constraints", {})
    if text == "":
        assert not limits.get("required"), field["name"]
        return
    match field["type"]:
        case "integer":
            assert re.fullmatch(r"-?\d+", text), (field["name"], text)
        case "boolean":
            assert text in ("true", "false"), (field["name"], text)
        case "date":
            assert re.fullmatch(DAY, text), (field["name"], text)
        case "number":
            float(text)
        case "array" | "object":
            json.loads(text)
        case _:
            assert field["type"] == "string"
    if field["type"] in ("integer", "number"):
        assert float(text) >= limits.get("minimum", -float("inf"))
        assert float(text) <= limits.get("maximum", float("inf"))
    assert text in limits.get("enum", (text,))


def test_the_data_package_describes_the_files(folder: Path) -> None:
    package = read_json(folder, data_package.PACKAGE)
    assert package["profile"] == "tabular-data-package"
    assert re.fullmatch(r"[-a-z0-9._/]+", package["name"])
    written = {path.name.removesuffix(".csv") for path in folder.glob("*.csv")}
    assert {resource["name"] for resource in package["resources"]} == written
    assert {"facility.contract", "facility.directory", "report.trend"} <= written
    for resource in package["resources"]:
        assert re.fullmatch(r"[-a-z0-9._]+", resource["name"])
        for file in (resource, resource["parquet"]):
            content = (folder / file["path"]).read_bytes()
            assert len(content) == file["bytes"]
            assert f"sha256:{hashlib.sha256(content).hexdigest()}" == file["hash"]
        rows = read_csv(folder / resource["path"])
        assert len(rows) == resource["rows"] > 0
        schema = resource["schema"]
        names = [field["name"] for field in schema["fields"]]
        assert names == list(rows[0])
        assert {field["type"] for field in schema["fields"]} <= TABLE_SCHEMA_TYPES
        keys = [tuple(row[name] for name in schema["primaryKey"]) for row in rows]
        assert len(set(keys)) == len(keys)
        for row in rows:
            for field in schema["fields"]:
                check_cell(row[field["name"]], field)
        for key in schema.get("foreignKeys", ()):
            assert key["reference"]["resource"] in written


def test_the_catalog_has_what_dcat_us_requires(folder: Path) -> None:
    catalog = read_json(folder, data_package.CATALOG)
    assert all(catalog[name] for name in CATALOG)
    assert catalog["conformsTo"] == "https://project-open-data.cio.gov/v1.1/schema"
    identifiers = [dataset["identifier"] for dataset in catalog["dataset"]]
    assert len(set(identifiers)) == len(identifiers)
    for dataset in catalog["dataset"]:
        assert all(dataset[name] for name in DATASET)
        assert dataset["accessLevel"] == "public"
        assert re.fullmatch(DAY, dataset["modified"])
        assert dataset["publisher"]["name"]
        assert dataset["contactPoint"]["fn"]
        assert re.fullmatch(r"mailto:[\w.+-]+@[\w.-]+", dataset["contactPoint"]["hasEmail"])
        for distribution in dataset["distribution"]:
            assert "/" in distribution["mediaType"]
            assert (folder / distribution["downloadURL"]).is_file()


def test_a_publisher_with_an_address_gives_whole_addresses(
    data: SiteData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_PUBLISHER", "An agency")
    monkeypatch.setenv("ESRD_PUBLISHER_EMAIL", "data@agency.example")
    monkeypatch.setenv("ESRD_SITE_URL", "https://agency.example/esrd/")
    assert list(reference.write_reference(data, tmp_path))
    dataset = read_json(tmp_path / "downloads", data_package.CATALOG)["dataset"][0]
    assert dataset["publisher"]["name"] == "An agency"
    assert dataset["contactPoint"]["hasEmail"] == "mailto:data@agency.example"
    assert dataset["distribution"][0]["downloadURL"] == (
        "https://agency.example/esrd/downloads/facility.contract.csv"
    )


def test_the_page_tells_sizes_and_links_to_every_file(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([\w.]+\.(?:csv|parquet|json))"', text))
    assert links == {path.name for path in folder.iterdir()} - {"index.html"}
    assert text.count("kB</a>") == len(links) - 2
    assert reference.write_size(25_233_264) == "25.2\N{NO-BREAK SPACE}MB"
    assert reference.write_size(400) == "1\N{NO-BREAK SPACE}kB"


def test_rows_are_written_in_the_order_of_the_key(tmp_path: Path) -> None:
    rows = fill(
        measured.CONTRACT,
        result("112502", "ltc", 80.0, 5.0),
        result("112501", "ltc", 90.0, 120.0),
        result("112501", "hypercalcemia", 90.0, 12.0),
    )
    stored = rows.iloc[::-1]
    list(write_downloads(make_data([(measured.CONTRACT, stored)]), tmp_path))
    written = read_csv(tmp_path / "facility.contract.csv")
    assert [(row["ccn"], row["measure"]) for row in written] == [
        ("112501", "hypercalcemia"),
        ("112501", "ltc"),
        ("112502", "ltc"),
    ]


def test_a_site_of_one_facility_has_no_files(data: SiteData, tmp_path: Path) -> None:
    list(reference.write_reference(data, tmp_path, with_files=False))
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["index.html"]
    assert "one facility or one Network" in (tmp_path / "downloads/index.html").read_text()


def test_nothing_is_published_twice() -> None:
    names = [one.table.name for one in PUBLISHED]
    assert len(set(names)) == len(names)


def test_whatever_counts_patients_declares_what_is_hidden() -> None:
    for one in PUBLISHED:
        if {"patients", "unit_count", "numerator"} & set(one.table.column_names):
            assert one.table.is_suppressed, one.table.name
