"""An emergency's frames from stored tables and the Network's folder, without a run of Dagster."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.network_check import read_files
from esrd_pipeline.sql import Select, load_select, parse_select
from esrd_pipeline.tables import emergency, facility, history
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.network_inputs import EMERGENCY_TABLES
from esrd_pipeline.warehouse import Warehouse

_DIRECTORY = (
    *("ccn", "performance_year", "facility_name", "network", "city", "state", "zip_code", "county"),
    *("chain_organization", "station_count", "has_in_center_hemodialysis"),
    *("has_peritoneal_dialysis", "has_home_hemodialysis_training"),
)


def find_stored_year(warehouse: Warehouse, day: date) -> int:
    """Return the year to read for a day: its own, or the one before while that alone is stored.

    What is read of a year that is not stored, `MissingPartitionError` says.
    """
    stored = warehouse.years(history.TREATMENT)
    return day.year - (day.year not in stored and day.year - 1 in stored)


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """Tables of a stored year, and files as they are now.

    Attributes:
        warehouse: of the stored tables.
        performance_year: the year that is read.
        network_dir: the Network's folder.
    """

    warehouse: Warehouse
    performance_year: int
    network_dir: Path

    def read_directory(self) -> pd.DataFrame:
        """Return facility.directory.

        Raises:
            MissingPartitionError: the year is not stored.
        """
        return self.warehouse.read(facility.DIRECTORY, self.performance_year)[list(_DIRECTORY)]

    def read_needs(self, day: date) -> pd.DataFrame:
        """Return emergency.facility_need of the day, counted without storing a patient's row.

        Raises:
            MissingPartitionError: a table of patients is not stored.
        """
        return self.warehouse.read_select(
            self.performance_year,
            _join_selects(),
            tables=TABLES_BY_NAME,
            parameters={"day": day},
        )

    def read_outcomes(self, day: date) -> pd.DataFrame:
        """Return emergency.facility_outcome of the day.

        Raises:
            MissingPartitionError: a table of patients or claims is not stored.
        """
        return self.warehouse.read_select(
            self.performance_year,
            load_select(emergency.FACILITY_OUTCOME.name),
            tables=TABLES_BY_NAME,
            parameters={"day": day},
        )

    def read_patients(self, day: date, ccn: str) -> pd.DataFrame:
        """Return emergency.patient_need of one facility, for its authorised reader alone."""
        rows = self.warehouse.read_select(
            self.performance_year,
            load_select(emergency.PATIENT_NEED.name),
            tables=TABLES_BY_NAME,
            parameters={"day": day},
        )
        return rows[rows["ccn"] == ccn].sort_values("patient_id", ignore_index=True)

    def read_inputs(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return the rows of the Network's files.

        Raises:
            SourceError: a file breaks a rule.
        """
        with self.warehouse.connect() as query:
            found = read_files(self.network_dir, EMERGENCY_TABLES, query)
        status, declaration, asset = (found[table.name] for table in EMERGENCY_TABLES)
        return status, declaration, asset


def _join_selects() -> Select:
    """Return the SELECT of facility_need with that of patient_need in the place of its table."""
    patients = load_select(emergency.PATIENT_NEED.name)
    counted = load_select(emergency.FACILITY_NEED.name)
    name = emergency.PATIENT_NEED.name
    text = counted.text.replace(f"FROM {name}", f"FROM (\n{patients.text}) AS need")
    return parse_select(emergency.FACILITY_NEED.name, counted.path, text)
