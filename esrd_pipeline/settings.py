"""Where things are on this machine: data folder, source files, stored tables, Dagster's home.

Everything lies under one data folder, `data/` beside pyproject.toml unless `ESRD_DATA_DIR` says
otherwise. Published CMS files are looked for in `data/raw/published/<performance_year>/` unless
`ESRD_PUBLISHED_DIR` names another folder, an agency's patient-level files in
`data/raw/patient/<performance_year>/` unless `ESRD_PATIENT_DIR` does. As long as neither folder
holds a year, the embedded default is used instead: synthetic files, with a warehouse of their
own, so that synthetic and real years never stand side by side.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_YEAR = "[12][0-9][0-9][0-9]"
Origin = Literal["published", "embedded"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders of one installation."""

    data_dir: Path
    published_dir: Path
    agency_dir: Path

    @property
    def origin(self) -> Origin:
        """`published` as soon as a folder of real files holds a year with a file in it."""
        published = self.published_dir.glob(f"{_YEAR}/*.[cC][sS][vV]")
        agency = self.agency_dir.glob(f"{_YEAR}/*.*")
        return "published" if any(published) or any(agency) else "embedded"

    @property
    def source_dir(self) -> Path:
        """Holds one folder of source files a performance year."""
        return self.published_dir if self.origin == "published" else self.embedded_dir / "raw"

    @property
    def patient_dir(self) -> Path:
        """Holds one folder of patient-level files a performance year."""
        return self.agency_dir if self.origin == "published" else self.embedded_dir / "nation"

    def has_patients(self, performance_year: int) -> bool:
        """Whether the year can be computed from patient-level files: an agency's, or the nation."""
        folder = self.patient_dir / str(performance_year)
        return self.origin == "embedded" or any(folder.glob("*.*"))

    @property
    def embedded_dir(self) -> Path:
        """Holds the embedded default: its source files and its warehouse."""
        return self.data_dir / "embedded"

    @property
    def warehouse_dir(self) -> Path:
        """Holds the stored tables of this origin."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "warehouse"

    @property
    def catalog_path(self) -> Path:
        """The DuckDB database of views over the stored tables, for people to query."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "esrd.duckdb"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return Path(os.environ.get("DAGSTER_HOME") or self.data_dir / "dagster_home").resolve()

    @property
    def failure_log(self) -> Path:
        """One readable line a failed run."""
        return self.data_dir / "logs" / "failures.log"


def load_settings(*, data_dir: str = "", published_dir: str = "") -> Settings:
    """Read the environment; a folder given here wins over it. Nothing is created."""
    beside = Path(__file__).resolve().parents[1]
    checkout = beside if (beside / "pyproject.toml").is_file() else Path.cwd()
    data = Path(data_dir or os.environ.get("ESRD_DATA_DIR") or checkout / "data").resolve()
    published = published_dir or os.environ.get("ESRD_PUBLISHED_DIR")
    agency = os.environ.get("ESRD_PATIENT_DIR")
    return Settings(
        data_dir=data,
        published_dir=Path(published).resolve() if published else data / "raw" / "published",
        agency_dir=Path(agency).resolve() if agency else data / "raw" / "patient",
    )
