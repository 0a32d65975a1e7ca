"""Locations on this machine: data folder, source files, stored tables, Dagster's home.

The data folder is `ESRD_DATA_DIR`, by default `data/` beside pyproject.toml. Published CMS files
are in `<year>/` under `ESRD_PUBLISHED_DIR`, by default `data/raw/published/`; an agency's
patient-level files are in `<year>/` under `ESRD_PATIENT_DIR`, by default `data/raw/patient/`. What
a Network keeps itself, of all years, is in `ESRD_NETWORK_DIR`, by default `data/raw/network/`. If
neither folder has a year, the embedded default is used: synthetic files with their own warehouse,
so that synthetic and real years are never mixed. `ESRD_WAREHOUSE`, `ESRD_ENGINE` and
`ESRD_SPARK_MASTER` choose where stored tables are and what makes tables from tables:
`docs/deployment.md`. `ESRD_MEMORY_LIMIT` is the memory that DuckDB may use in a run before it
spills to disk, by default 4GB.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

_YEAR = "[12][0-9][0-9][0-9]"
_PATIENT_FILES = ("*.*", "[12][0-9][0-9][0-9]-*/*.*")
"""Files in a year's folder, and in its folders of one release each."""
Origin = Literal["published", "embedded"]
ORIGIN_FILES = MappingProxyType({"published": "real files", "embedded": "synthetic files"})
"""What the files of an origin are: real ones may be patients' alone, without a published file."""
EngineName = Literal["duckdb", "spark"]
MEMORY_LIMIT = "4GB"
"""Memory that DuckDB may use in a run unless another is set, before it spills to disk."""
_SIZE = re.compile(r"[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B", re.IGNORECASE)
_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")
SPARK_HERE = "local[*]"
"""The Spark that is used unless another is named: all cores of this machine."""


_FOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_TAKEN = ("candidates", "ledger.jsonl")
"""Among a year's exports and releases."""
_NAMED = ("ESRD_PUBLISHED_DIR", "ESRD_PATIENT_DIR", "ESRD_NETWORK_DIR")
"""Variables that name a folder of files."""


class SettingError(ValueError):
    """A setting of this installation has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an object store, and the prefix of the keys that are used in it."""

    name: str
    prefix: str = ""

    @property
    def address(self) -> str:
        """The address as it is set: s3://bucket/prefix."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def below(self, folder: str) -> "Bucket":
        """Return the same bucket with a longer prefix."""
        return Bucket(self.name, f"{self.prefix}/{folder}".lstrip("/"))


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders of one installation."""

    data_dir: Path
    published_dir: Path
    agency_dir: Path
    own_network_dir: Path | None = None
    engine: EngineName = "duckdb"
    spark_master: str = SPARK_HERE
    memory_limit: str = MEMORY_LIMIT
    own_warehouse: Path | Bucket | None = None

    @property
    def origin(self) -> Origin:
        """Return `published` if a folder of real files has a year with a file in it."""
        published = self.published_dir.glob(f"{_YEAR}/*.[cC][sS][vV]")
        agency = (self.agency_dir.glob(f"{_YEAR}/{below}") for below in _PATIENT_FILES)
        return "published" if any(published) or any(map(any, agency)) else "embedded"

    @property
    def source_dir(self) -> Path:
        """Folder with one subfolder of source files per performance year."""
        return self.published_dir if self.origin == "published" else self.embedded_dir / "raw"

    @property
    def patient_dir(self) -> Path:
        """Folder with one subfolder of patient-level files per performance year."""
        return self.agency_dir if self.origin == "published" else self.embedded_dir / "nation"

    def has_patients(self, performance_year: int) -> bool:
        """Return whether the year has patient-level files: an agency's or synthetic ones."""
        folder = self.patient_dir / str(performance_year)
        return self.origin == "embedded" or any(any(folder.glob(name)) for name in _PATIENT_FILES)

    @property
    def network_dir(self) -> Path:
        """Folder of the files that a Network keeps itself, of all years; synthetic ones apart."""
        if self.own_network_dir is not None:
            return self.own_network_dir
        is_real = self.origin == "published"
        return self.data_dir / "raw" / "network" if is_real else self.embedded_dir / "network"

    @property
    def embedded_dir(self) -> Path:
        """Folder of the embedded default: its source files and its warehouse."""
        return self.data_dir / "embedded"

    @property
    def warehouse_dir(self) -> Path:
        """Folder of the stored tables of this origin, or of their copies from a bucket."""
        is_real = self.origin == "published"
        if isinstance(self.own_warehouse, Path):
            return self.own_warehouse if is_real else self.own_warehouse / "embedded"
        root = self.data_dir if is_real else self.embedded_dir
        if self.bucket is None:
            return root / "warehouse"
        # No name of a bucket or a part of its prefix has a plus.
        return root / "copies" / self.bucket.address.removeprefix("s3://").replace("/", "+")

    @property
    def bucket(self) -> Bucket | None:
        """Bucket of the stored tables of this origin; None where they are in a folder."""
        if not isinstance(self.own_warehouse, Bucket):
            return None
        is_real = self.origin == "published"
        return self.own_warehouse if is_real else self.own_warehouse.below("embedded")

    @property
    def warehouse_address(self) -> str:
        """Where the stored tables of this origin are: a folder, or s3://bucket/prefix."""
        return str(self.warehouse_dir) if self.bucket is None else self.bucket.address

    @property
    def catalog_path(self) -> Path:
        """DuckDB database of views over the stored tables, for queries by people."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "esrd.duckdb"

    @property
    def site_dir(self) -> Path:
        """Folder with the static site of each year of this origin."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "site"

    @property
    def emergency_dir(self) -> Path:
        """Folder with the pages of emergencies of this origin."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "emergency"

    @property
    def releases_dir(self) -> Path:
        """Folder with the exports and releases of each year of this origin."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "releases"

    @property
    def pictures_dir(self) -> Path:
        """Folder with each year's pictures of its tables, as the UI shows them."""
        root = self.data_dir if self.origin == "published" else self.embedded_dir
        return root / "pictures"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder: one for each origin, so that no run's table is the other's."""
        return Path(os.environ.get("DAGSTER_HOME") or self.own_homes[self.origin]).resolve()

    @property
    def own_homes(self) -> dict[Origin, Path]:
        """Dagster's folder of each origin where the environment names none."""
        name = "dagster_home"
        return {"published": self.data_dir / name, "embedded": self.embedded_dir / name}

    @property
    def explanations_dir(self) -> Path:
        """Folder of the explanations, which name patients: its owner alone may read it."""
        return self.data_dir / "explanations"

    @property
    def failure_log(self) -> Path:
        """Log file with one readable line per failed run."""
        return self.data_dir / "logs" / "failures.log"


def load_settings(
    *,
    data_dir: str = "",
    published_dir: str = "",
    engine: str = "",
    spark_master: str = "",
    warehouse: str = "",
) -> Settings:
    """Read the environment; arguments take precedence. No folder is created.

    Raises:
        SettingError: there is no such engine or place for tables, or a size is none.
    """
    beside = Path(__file__).resolve().parents[1]
    checkout = beside if (beside / "pyproject.toml").is_file() else Path.cwd()
    data = Path(data_dir or os.environ.get("ESRD_DATA_DIR") or checkout / "data").resolve()
    published = published_dir or os.environ.get("ESRD_PUBLISHED_DIR")
    agency = os.environ.get("ESRD_PATIENT_DIR")
    network = os.environ.get("ESRD_NETWORK_DIR")
    return Settings(
        data_dir=data,
        published_dir=Path(published).resolve() if published else data / "raw" / "published",
        agency_dir=Path(agency).resolve() if agency else data / "raw" / "patient",
        own_network_dir=Path(network).resolve() if network else None,
        engine=_find_engine(engine or os.environ.get("ESRD_ENGINE") or "duckdb"),
        spark_master=spark_master or os.environ.get("ESRD_SPARK_MASTER") or SPARK_HERE,
        memory_limit=_check_size(os.environ.get("ESRD_MEMORY_LIMIT") or MEMORY_LIMIT),
        own_warehouse=_find_warehouse(warehouse or os.environ.get("ESRD_WAREHOUSE") or ""),
    )


def check_named_folders() -> None:
    """Refuse a named folder that is not there: synthetic files would be taken for an agency's.

    Raises:
        SettingError: a variable names a folder of files that is none.
    """
    for variable in _NAMED:
        named = os.environ.get(variable)
        if named and not Path(named).is_dir():
            raise SettingError(f"{variable} names {Path(named).resolve()}, which is no folder")


def check_export_name(name: str) -> None:
    """Refuse a name by which an export would be written elsewhere than among the year's.

    Raises:
        SettingError: it is no name of a folder, or that of one which is there for something else.
    """
    if name in _TAKEN or _FOLDER.fullmatch(name) is None:
        raise SettingError(
            f"{name!r} is no name of an export: it has letters, digits, and . _ - between them,"
            f" and is not {' or '.join(_TAKEN)}"
        )


def _check_size(named: str) -> str:
    if _SIZE.fullmatch(named) is None:
        raise SettingError(f"ESRD_MEMORY_LIMIT is {named}; it is a size, such as {MEMORY_LIMIT}")
    return named


def _find_engine(named: str) -> EngineName:
    engines: tuple[EngineName, ...] = get_args(EngineName)
    for engine in engines:
        if engine == named:
            return engine
    raise SettingError(f"ESRD_ENGINE is {named}; it can be {' or '.join(engines)}")


def _find_warehouse(named: str) -> Path | Bucket | None:
    scheme, is_address, _ = named.partition("://")
    if not is_address:
        return Path(named).resolve() if named else None
    # What follows the scheme may hold a password: it is not repeated.
    if scheme != "s3":
        raise SettingError(
            f"ESRD_WAREHOUSE begins with {scheme}://; it can be a folder or s3://bucket/prefix"
        )
    found = _BUCKET.fullmatch(named)
    if found is None or {".", ".."} & set(found[2].split("/")):
        raise SettingError(
            "ESRD_WAREHOUSE is not s3://bucket/prefix: a bucket's name has small letters, digits,"
            " points and hyphens, its prefix letters, digits, and . _ = - between single slashes"
        )
    return Bucket(found[1], found[2].strip("/"))
