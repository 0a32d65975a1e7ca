"""A small world for the site's pages: stored tables of a few rows, every column there."""

from collections.abc import Mapping, Sequence

import pandas as pd

from esrd_pipeline.arrow import to_arrow, to_frame
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.tables import facility, measured, trend
from esrd_pipeline.tables.model import Table

YEAR = 2024
Row = Mapping[str, object]


def fill(table: Table, *rows: Row) -> pd.DataFrame:
    """Return rows of a table as they are read from the warehouse; columns left out are null."""
    whole = [
        {name: row.get(name) for name in table.column_names} | {"performance_year": YEAR}
        for row in rows
    ]
    frame = pd.DataFrame(whole, columns=table.column_names).astype(object)
    return to_frame(to_arrow(table, YEAR, frame))


def directory(*ccns: str, **facts: object) -> pd.DataFrame:
    """Return facilities of Network 6 in Georgia."""
    shared = {"network": 6, "state": "GA", "has_dfc_row": True, "has_qip_row": True, **facts}
    named = [{"ccn": ccn, "facility_name": f"Facility {ccn}", **shared} for ccn in ccns]
    return fill(facility.DIRECTORY, *named)


def result(ccn: str, measure: str, patients: float, numerator: float, **others: object) -> Row:
    """Return a row of the facility contract: a percentage of patients."""
    return {
        "ccn": ccn,
        "program": "dfc",
        "measure": measure,
        "unit": "patients",
        "unit_count": patients,
        "patients": patients,
        "numerator": numerator,
        "denominator": 12.0 * patients,
        "value": 100 * numerator / (12 * patients),
        "reportable": True,
        "is_adjusted": False,
        "origin": "computed",
        **others,
    }


def level(measure: str, name: str, **others: object) -> Row:
    """Return a row of report.trend."""
    return {
        "level": name,
        "group_name": "nation" if name == trend.NATION else "112501",
        "program": "dfc",
        "measure": measure,
        "facility_count": 2,
        "summed_count": 2,
        "better_count": 0,
        "as_count": 2,
        "worse_count": 0,
        "value": 10.0,
        "method": "summed",
        **others,
    }


def make_data(tables: Sequence[tuple[Table, pd.DataFrame]] = ()) -> SiteData:
    """Return the site's data of two facilities, one of them with seven patients."""
    stored: dict[str, pd.DataFrame] = {
        facility.DIRECTORY.name: directory("112501", "112502"),
        measured.CONTRACT.name: fill(
            measured.CONTRACT,
            result("112501", "ltc", 90.0, 120.0, note="=1+1"),
            result("112502", "ltc", 7.0, 5.0),
        ),
        trend.TREND.name: fill(
            trend.TREND, level("ltc", trend.NATION), level("ltc", trend.FACILITY)
        ),
        **{table.name: frame for table, frame in tables},
    }
    return SiteData(lambda table, year: stored.get(table.name) if year == YEAR else None, YEAR)
