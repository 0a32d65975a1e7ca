"""Metadata of the downloads: a Frictionless Data Package and a DCAT-US catalog.

Both are made from the tables' definitions. The specifications: Table Schema and Tabular Data
Package 1 (specs.frictionlessdata.io), and the Project Open Data schema 1.1, which is DCAT-US 1.1.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from esrd_pipeline.reports.suppression import SMALLEST_SHOWN
from esrd_pipeline.site.download_files import DataFile, Download
from esrd_pipeline.tables.dictionary import find_unit
from esrd_pipeline.tables.model import Column, Table

PACKAGE, CATALOG = "datapackage.json", "data.json"
_TYPES = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "texts": "array",
    "labels": "object",
}
_CSV, _PARQUET = "text/csv", "application/vnd.apache.parquet"
_DCAT = "https://project-open-data.cio.gov/v1.1/schema"
_KEYWORDS = ("dialysis", "end-stage renal disease", "quality measures", "kidney")
_NOTE = (
    f"Counts of 1 to {SMALLEST_SHOWN - 1} patients are not shown, nor others by which such a count"
    " could be found; the column suppressed names a row's empty cells. In CSV a text that begins"
    " with =, +, -, @, tab or carriage return has an apostrophe in front, so that no spreadsheet"
    " runs it."
)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the site; the placeholders stand until the environment says otherwise.

    Attributes:
        name: `ESRD_PUBLISHER`, an organisation.
        email: `ESRD_PUBLISHER_EMAIL`, where to ask.
        address: `ESRD_SITE_URL`, the address under which the site stands; empty for a folder.
    """

    name: str = "Operator of esrd_pipeline"
    email: str = "contact@example.invalid"
    address: str = ""

    def locate(self, file: str) -> str:
        """Return the address of a file among the downloads; its name alone within a folder."""
        return f"{self.address.rstrip('/')}/downloads/{file}" if self.address else file


def read_publisher() -> Publisher:
    """Return the publisher that the environment names."""
    default = Publisher()
    return Publisher(
        name=os.environ.get("ESRD_PUBLISHER") or default.name,
        email=os.environ.get("ESRD_PUBLISHER_EMAIL") or default.email,
        address=os.environ.get("ESRD_SITE_URL") or default.address,
    )


def describe_package(year: int, downloads: Sequence[Download]) -> dict[str, Any]:
    """Return the content of `datapackage.json`: a resource for each table, with its schema."""
    known = {download.name for download in downloads}
    return {
        "profile": "tabular-data-package",
        "name": f"esrd-measures-{year}",
        "title": f"ESRD quality measures, performance year {year}",
        "description": f"Tables computed by esrd_pipeline; not a publication of CMS. {_NOTE}",
        "keywords": list(_KEYWORDS),
        "resources": [_describe_resource(download, known) for download in downloads],
    }


def _describe_resource(download: Download, known: set[str]) -> dict[str, Any]:
    table = download.published.table
    return {
        "profile": "tabular-data-resource",
        "name": download.name,
        "path": download.csv.name,
        "title": download.title,
        "description": _describe_rows(download),
        "format": "csv",
        "mediatype": _CSV,
        "encoding": "utf-8",
        "bytes": download.csv.bytes,
        "hash": f"sha256:{download.csv.sha256}",
        "sources": [{"title": table.source}],
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "header": True},
        "schema": describe_schema(table, download.columns, known),
        "rows": download.rows,
        "parquet": {
            "path": download.parquet.name,
            "mediatype": _PARQUET,
            "bytes": download.parquet.bytes,
            "hash": f"sha256:{download.parquet.sha256}",
        },
    }


def _describe_rows(download: Download) -> str:
    grain = download.published.table.grain
    left_out = ", ".join(
        f"{column} {' or '.join(values)}" for column, values in download.published.without.items()
    )
    return f"One row is {grain}." + (f" Without the rows of {left_out}." if left_out else "")


def describe_schema(table: Table, columns: Sequence[Column], known: set[str]) -> dict[str, Any]:
    """Return a Table Schema: fields with their constraints, primary and foreign keys."""
    schema: dict[str, Any] = {
        "fields": [_describe_field(table, column) for column in columns],
        "primaryKey": list(table.key),
        "missingValues": [""],
    }
    foreign = [
        {
            "fields": list(reference.columns),
            "reference": {
                "resource": reference.table,
                "fields": list(reference.key),
            },
        }
        for reference in table.references
        if reference.table in known
    ]
    return schema | ({"foreignKeys": foreign} if foreign else {})


def _describe_field(table: Table, column: Column) -> dict[str, Any]:
    """Return a field; a cell that may be hidden is not required."""
    constraints: dict[str, Any] = {}
    if (column.required and column.suppression is None) or column.name in table.key:
        constraints["required"] = True
    for name in ("minimum", "maximum"):
        bound = getattr(column, name)
        if bound is not None:
            constraints[name] = int(bound) if column.type == "integer" else bound
    if column.allowed is not None:
        constraints["enum"] = list(column.allowed)
    field = {
        "name": column.name,
        "type": _TYPES[column.type],
        "description": column.description,
    }
    unit = find_unit(table, column)
    if unit is not None:
        field["unit"] = unit
    if column.suppression is not None:
        field["suppression"] = column.suppression
    return field | ({"constraints": constraints} if constraints else {})


def describe_catalog(
    year: int, downloads: Sequence[Download], publisher: Publisher
) -> dict[str, Any]:
    """Return the content of `data.json`: a DCAT-US dataset for each table."""
    return {
        "@context": f"{_DCAT}/catalog.jsonld",
        "@type": "dcat:Catalog",
        "conformsTo": _DCAT,
        "describedBy": f"{_DCAT}/catalog.json",
        "dataset": [_describe_dataset(year, download, publisher) for download in downloads],
    }


def _describe_dataset(year: int, download: Download, publisher: Publisher) -> dict[str, Any]:
    return {
        "@type": "dcat:Dataset",
        "identifier": f"esrd_pipeline/{year}/{download.name}",
        "title": f"{download.title}, {year}",
        "description": f"{_describe_rows(download)} {_NOTE}",
        "keyword": [*_KEYWORDS, download.published.table.schema],
        # The day up to which the care was measured: a day of writing would change every build.
        "modified": f"{year}-12-31",
        "temporal": f"{year}-01-01/{year}-12-31",
        "accrualPeriodicity": "R/P1Y",
        "accessLevel": "public",
        "language": ["en-US"],
        "publisher": {"@type": "org:Organization", "name": publisher.name},
        "contactPoint": {
            "@type": "vcard:Contact",
            "fn": publisher.name,
            "hasEmail": f"mailto:{publisher.email}",
        },
        "distribution": [
            _describe_distribution(download.csv, "CSV", _CSV, publisher),
            _describe_distribution(download.parquet, "Parquet", _PARQUET, publisher),
        ],
    }


def _describe_distribution(
    file: DataFile, name: str, media: str, publisher: Publisher
) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "title": file.name,
        "format": name,
        "mediaType": media,
        "downloadURL": publisher.locate(file.name),
        "describedBy": publisher.locate(PACKAGE),
        "describedByType": "application/json",
    }
