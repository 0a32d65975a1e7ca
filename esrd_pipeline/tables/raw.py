"""Raw tables: every column of a published file, typed, from parameters/published_column.csv.

The files an operator keeps for this project (ECE grants, QIP standards) are raw tables too. A raw
table has the columns of all years; columns that a year's file does not have are null. A year
without the file has a table without rows; the reader of a file checks that the file has rows.
"""

from collections.abc import Mapping
from functools import cache

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, ColumnType, Table

KEYS: dict[str, tuple[str, ...]] = {
    "dfc_facility": ("ccn",),
    "dfc_national": ("country",),
    "qip_complete": ("ccn",),
    "ich_cahps_facility": ("ccn",),
    "ece_grant": ("ccn", "first_month"),
    "qip_standard": ("measure",),
}
TITLES = {
    "dfc_facility": "DFC facility file",
    "dfc_national": "DFC national file",
    "qip_complete": "Complete QIP file",
    "ich_cahps_facility": "ICH CAHPS facility file",
    "ece_grant": "operator's list of extraordinary circumstance exceptions",
    "qip_standard": "operator's file of QIP performance standards",
}
GRAINS = {
    "dfc_national": "the nation",
    "ece_grant": "one facility and the month its exception begins",
    "qip_standard": "one clinical measure or survey component",
}
STORED_TYPES: dict[str, ColumnType] = {
    "text": "text",
    "ccn": "text",
    "network": "integer",
    "integer": "integer",
    "number": "number",
    "percent": "number",
    "fraction": "number",
    "date": "date",
    "month": "date",
    "code": "text",
    "codes": "texts",
    "choice": "text",
    "yes_no": "boolean",
}
BY_MEASURE = "qip_by_measure"
"""Source of the columns that the QIP's files by measure share; a file's own are `<it>.<file>`.

They are read as one table with the Complete QIP file.
"""
UNITS = {"percent": "percent", "fraction": "fraction"}
MISSING = Column(
    "missing",
    "labels",
    "Column -> text published in place of a value, or the availability code that explains it",
    required=True,
)


@cache
def raw_table(source: str) -> Table:
    """Return the table `raw.<source>`: its key, the year, the published columns, `missing`."""
    published = {
        row["name"]: _column(row)
        for row in load_rows("published_column")
        if row["source"] == source
    }
    if source == "qip_complete":
        published |= {
            row["name"]: _column(row)
            for row in load_rows("published_column")
            if row["source"].startswith(BY_MEASURE) and row["name"] not in published
        }
    key = KEYS[source]
    rest = [column for name, column in published.items() if name not in key]
    return Table(
        name=f"raw.{source}",
        grain=GRAINS.get(source, "one facility"),
        source=TITLES[source],
        key=key,
        columns=(*(published[name] for name in key), YEAR, *rest, MISSING),
    )


def _column(row: Mapping[str, str]) -> Column:
    return Column(
        row["name"],
        STORED_TYPES[row["type"]],
        row["description"],
        unit=UNITS.get(row["type"]),
        # A column that older files lack is null there; the reader demands its cells of the others.
        required=row["required"] == "yes" and row["needed_from"] == "always",
        minimum=float(row["minimum"]) if row["minimum"] else None,
        maximum=float(row["maximum"]) if row["maximum"] else None,
    )


DFC_FACILITY = raw_table("dfc_facility")
DFC_NATIONAL = raw_table("dfc_national")
QIP_COMPLETE = raw_table("qip_complete")
ICH_CAHPS_FACILITY = raw_table("ich_cahps_facility")
ECE_GRANT = raw_table("ece_grant")
QIP_STANDARD = raw_table("qip_standard")

TABLES = (
    DFC_FACILITY,
    DFC_NATIONAL,
    QIP_COMPLETE,
    ICH_CAHPS_FACILITY,
    ECE_GRANT,
    QIP_STANDARD,
)
