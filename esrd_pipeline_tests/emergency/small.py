"""A small area: five facilities of Florida, their patients of 2024, and the Network's files."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.network_files import GOOD, write
from esrd_pipeline_tests.site.small import Row, fill

YEAR = 2024
"""That of `fill`, too."""
DAY = date(2024, 9, 27)
AFTER = date(2024, 10, 3)
"""A day a week after the last sessions."""
HISTORY = ("history.hospital_stay", "history.emergency_encounter")
CLOSED, NEAR, CHAIN, FAR, SMALL = "102501", "102502", "102503", "102504", "102505"
ZIP_CODES = {CLOSED: "32601", NEAR: "32605", CHAIN: "32608", FAR: "33101", SMALL: "32607"}
"""Gainesville, but for FAR, which is in Miami, 470 km away."""
IN_CENTER = {CLOSED: 30, NEAR: 20, CHAIN: 12, FAR: 11, SMALL: 4}
PERITONEAL = {CLOSED: 12}


def _fill(name: str, rows: Sequence[Row]) -> tuple[Table, pd.DataFrame]:
    """Return a table and its rows; columns that a row does not name are null."""
    table = TABLES_BY_NAME[name]
    return table, fill(table, *rows)


def list_patients() -> list[tuple[int, str, str]]:
    """Return number, facility and modality of every patient."""
    groups = [(ccn, "hemodialysis", count) for ccn, count in IN_CENTER.items()]
    groups += [(ccn, "peritoneal", count) for ccn, count in PERITONEAL.items()]
    kinds = [(ccn, modality) for ccn, modality, count in groups for _ in range(count)]
    return [(number, *kind) for number, kind in enumerate(kinds, start=1)]


def make_tables() -> list[tuple[Table, pd.DataFrame]]:
    """Return the stored tables.

    Each third hemodialysis patient has no claim; the others were treated one or two days before.
    """
    patients = list_patients()
    treatment = [
        {
            "program": "dfc",
            "patient_id": number,
            "start_date": date(2024, 1, 1),
            "end_date": date(2024, 12, 31),
            "state": "dialysis",
            "ccn": ccn,
            "modality": modality,
            "setting": "home" if modality == "peritoneal" else "in center",
            "source": "eqrs",
        }
        for number, ccn, modality in patients
    ]
    billed = [number for number, _, kind in patients if kind == "hemodialysis" and number % 3]
    claim = [
        {
            "clm_id": number,
            "claim_year": YEAR,
            "source": "institutional",
            "patient_id": number,
            "bene_id": number,
            "from_date": date(2024, 9, 1),
            "last_date": date(2024, 9, 30),
        }
        for number in billed
    ]
    line = [
        {
            "clm_id": number,
            "clm_line_num": 1,
            "rev_cntr": "0821",
            "rev_cntr_dt": DAY - timedelta(days=number % 3),
        }
        for number in billed
    ]
    directory = [
        {
            "ccn": ccn,
            "facility_name": f"FACILITY {ccn}",
            "network": 7,
            "city": "TOWN",
            "state": "FL",
            "zip_code": zip_code,
            "county": "Alachua",
            "chain_organization": "A" if ccn in {CLOSED, CHAIN} else "B",
            "station_count": 5,
            "has_in_center_hemodialysis": True,
            "has_peritoneal_dialysis": ccn == NEAR,
            "has_home_hemodialysis_training": False,
            "has_dfc_row": True,
            "has_qip_row": True,
        }
        for ccn, zip_code in ZIP_CODES.items()
    ]
    return [
        _fill("history.treatment", treatment),
        _fill("linkage.claim", claim),
        _fill("raw.claim_revenue", line),
        _fill("history.prescription", []),
        _fill("history.dialysis_evidence", []),
        _fill("linkage.facility_ccn", []),
        _fill("history.nursing_home", [{"patient_id": 1, "start_date": DAY, "end_date": DAY}]),
        _fill("facility.directory", directory),
    ]


def store(root: Path) -> Warehouse:
    """Store the tables, and an empty year of claim lines before."""
    warehouse = Warehouse(root)
    tables = make_tables()
    for table, frame in tables:
        warehouse.publish(warehouse.stage(table, YEAR, frame))
        if table.name == "raw.claim_revenue":
            warehouse.publish(warehouse.stage(table, YEAR - 1, frame.head(0)))
    return warehouse


def store_after(root: Path) -> Warehouse:
    """Store what is known of `AFTER`: FAR is in Georgia, 12 patients of CLOSED and 3 of FAR die."""
    warehouse = Warehouse(root)
    tables = {table.name: frame for table, frame in make_tables()}
    directory = tables["facility.directory"]
    directory.loc[directory["ccn"] == FAR, "state"] = "GA"
    # Who is on hemodialysis and has claims: two of three.
    billed = [
        (number, ccn)
        for number, ccn, kind in list_patients()
        if kind == "hemodialysis" and number % 3
    ]
    dead = [number for number, ccn in billed if ccn == CLOSED][:12]
    dead += [number for number, ccn in billed if ccn == FAR][:3]
    tables["linkage.death"] = fill(
        TABLES_BY_NAME["linkage.death"],
        *(
            {"program": "dfc", "patient_id": number, "death_date": AFTER + timedelta(days=3)}
            for number in dead
        ),
    )
    tables["raw.claim"] = fill(
        TABLES_BY_NAME["raw.claim"],
        *(
            {
                "clm_id": number,
                "prvdr_num": ccn,
                "clm_fac_type_cd": "7",
                "clm_srvc_clsfctn_type_cd": "2",
            }
            for number, ccn in billed
        ),
    )
    for name in ("linkage.provider_number", *HISTORY, "raw.ece_grant"):
        tables[name] = fill(TABLES_BY_NAME[name])
    for name, frame in tables.items():
        warehouse.publish(warehouse.stage(TABLES_BY_NAME[name], YEAR, frame))
        if name.startswith("raw."):
            warehouse.publish(warehouse.stage(TABLES_BY_NAME[name], YEAR - 1, frame.head(0)))
    return warehouse


def write_files(folder: Path) -> Path:
    """Write the Network's files: one facility is closed, with an agreement; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    status, asset = GOOD["facility_status"][0], GOOD["facility_asset"][0]
    write(
        folder,
        "facility_status",
        status,
        f"{CLOSED},2024-09-26T18:00Z,,closed,flood,2024-09-26T17:30Z",
    )
    write(
        folder,
        "facility_asset",
        asset,
        f"{CLOSED},2024,20,3,Y,municipal,{NEAR},2024-12-31",
        f"{NEAR},2024,7,2,N,well,,",
    )
    return folder
