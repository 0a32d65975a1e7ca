"""A good nation, stored once, into whose last year one mangling at a time is put."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pandas as pd

from esrd_pipeline.arrow import SchemaError
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.intake import IntakeError, check_intake
from esrd_pipeline.orchestration.intake_assets import TAKE_IN
from esrd_pipeline.orchestration.patient_assets import RAW
from esrd_pipeline.orchestration.table_asset import TableAsset, compute_and_publish
from esrd_pipeline.settings import Settings
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sql import Select
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.tables.report import INTAKE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.canaries import plant, planted, search

BEFORE, YEAR = 2023, 2024
FACILITIES = 12
SEED = 11
Contents = Mapping[str, bytes | None]
"""What a mangling puts into the folder, by name of the file; None takes the file away."""
SAME, READER, EXPECTATION, TAKEN_IN = "same", "reader", "expectation", "intake"
PASSED, CRASHED, NAMED, TOUCHED, UNPLACED = (
    "other numbers",
    "crash",
    "names a patient",
    "store touched",
    "no file named",
)
GOOD = (SAME, READER, EXPECTATION, TAKEN_IN)
"""Outcomes that are well; the others are faults."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mangling, and what was said of it."""

    outcome: str
    output: str


@dataclass(frozen=True)
class RememberingWarehouse(Warehouse):
    """A warehouse that asks again only what reads another partition than before."""

    answers: dict[object, pd.DataFrame] = field(default_factory=dict)

    def read_select(
        self, performance_year: int, select: Select, *, tables: Mapping[str, Table]
    ) -> pd.DataFrame:
        """Run a SELECT whose rows are not known yet."""
        paths = [
            self.partition_path(tables[source.table], performance_year - back)
            for source in select.sources
            for back in range(source.last, source.first + 1)
        ]
        known = (select.text, performance_year, *(_stamp(path) for path in paths))
        if known not in self.answers:
            found = super().read_select(performance_year, select, tables=tables)
            self.answers[known] = found
        return self.answers[known].copy()


def _stamp(path: Path) -> tuple[int, int] | None:
    if not path.is_file():
        return None
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns


class Trial:
    """A stored nation that can be mangled and is put right again afterwards."""

    def __init__(self, root: Path, *, facilities: int = FACILITIES) -> None:
        """Write a nation of two years below a folder and store its raw tables, unless they are."""
        self.nation = root / "nation"
        self.settings = Settings(root, root / "published", root / "patient")
        self.warehouse = RememberingWarehouse(root / "warehouse")
        self._good = root / "good"
        if not self._good.is_dir():
            self._store(root, facilities)
        years = (self.nation / str(year) for year in (BEFORE, YEAR))
        self.canaries = frozenset(canary for year in years for canary in planted(year))
        self._files = _list_files(self.warehouse.read(EXTRACT, YEAR))

    def _store(self, root: Path, facilities: int) -> None:
        span = Span(seed=SEED, first_year=BEFORE, last_year=YEAR)
        synthesize_nation(Order(facilities, span, self.nation, kind="rif", workers=1))
        for year in (BEFORE, YEAR):
            plant(self.nation / str(year))
        shutil.copytree(self.nation, root / "patient", copy_function=os.link)
        for year in (BEFORE, YEAR):
            self._make(year, (*RAW, TAKE_IN))
        shutil.copytree(self.warehouse.root, self._good, copy_function=os.link)

    @property
    def folder(self) -> Path:
        """The folder of the year that is mangled."""
        return self.settings.agency_dir / str(YEAR)

    @property
    def good(self) -> Path:
        """The good files of that year."""
        return self.nation / str(YEAR)

    def judge(self, contents: Contents) -> Verdict:
        """Put a mangling into the folder, make what it touches, and put all right again."""
        for name, content in contents.items():
            (self.folder / name).unlink(missing_ok=True)
            if content is not None:
                (self.folder / name).write_bytes(content)
        try:
            verdict = self._judge(contents)
        finally:
            for name in contents:
                (self.folder / name).unlink(missing_ok=True)
                if (self.good / name).is_file():
                    os.link(self.good / name, self.folder / name)
            self._restore()
        if search(verdict.output, self.canaries):
            return Verdict(NAMED, "(not shown)")
        return verdict

    def _judge(self, contents: Contents) -> Verdict:
        making, made = EXTRACT, list[Table]()
        try:
            self._make(YEAR, RAW[:1])
            for asset in self._list_touched():
                making = asset.tables[0]
                self._make(YEAR, (asset,))
                made.append(making)
            if all(self._is_good(table) for table in made):
                return Verdict(SAME, "")
            making = INTAKE
            self._make(YEAR, (TAKE_IN,))
        except SourceError as fault:
            return self._stop(READER, making, fault, contents)
        except SchemaError as fault:
            return self._stop(READER, making, fault, contents)
        except dg.Failure as fault:
            outcome = TAKEN_IN if making is INTAKE else EXPECTATION
            return self._stop(outcome, making, fault, contents)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is told
            return Verdict(CRASHED, f"{making.name}: {type(fault).__name__}: {fault}")
        return Verdict(PASSED, ", ".join(table.name for table in made if not self._is_good(table)))

    def _stop(self, outcome: str, making: Table, fault: Exception, contents: Contents) -> Verdict:
        """A step stopped: what it would have replaced is there, and nothing may follow it."""
        text = str(fault.description if isinstance(fault, dg.Failure) else fault)
        if not self._is_good(making) or self._is_left_over(making):
            return Verdict(TOUCHED, text)
        if outcome == TAKEN_IN:
            try:
                check_intake(self._step(YEAR), 0)
            except IntakeError:
                return Verdict(outcome, text)
            return Verdict(TOUCHED, f"what follows the intake would run: {text}")
        # A file that is told as a whole, or a table without its file; a row is told of the others.
        names = {*contents, making.path[1]}
        if not any(name in text for name in names) or (
            outcome == EXPECTATION and ", row " not in text
        ):
            return Verdict(UNPLACED, text)
        return Verdict(outcome, text)

    def _step(self, year: int) -> StepContext:
        return StepContext(year, self.warehouse, self.settings)

    def _make(self, year: int, assets: Iterable[TableAsset]) -> None:
        step = self._step(year)
        with self.warehouse.connect() as query:
            for asset in assets:
                for _ in compute_and_publish(step, asset, asset.tables, query):
                    pass

    def _list_touched(self) -> list[TableAsset]:
        """Return the assets whose files are not the good ones."""
        now = _list_files(self.warehouse.read(EXTRACT, YEAR))
        names = ((asset, asset.tables[0].name) for asset in RAW[1:])
        return [asset for asset, name in names if now.get(name) != self._files.get(name)]

    def _is_good(self, table: Table) -> bool:
        path = self.warehouse.partition_path(table, YEAR)
        good = self._good / path.relative_to(self.warehouse.root)
        return path.samefile(good) or path.read_bytes() == good.read_bytes()

    def _is_left_over(self, table: Table) -> bool:
        folder = self.warehouse.partition_path(table, YEAR).parent
        return any("staging" in path.name for path in folder.iterdir())

    def _restore(self) -> None:
        for asset in (*RAW, TAKE_IN):
            for table in asset.tables:
                path = self.warehouse.partition_path(table, YEAR)
                good = self._good / path.relative_to(self.warehouse.root)
                if not path.samefile(good):
                    path.unlink()
                    os.link(good, path)


def _list_files(extract: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return the files of each table, by name and content."""
    files: dict[str, list[tuple[str, str]]] = {}
    columns = (extract[column].astype(str) for column in ("table_name", "file_name", "sha256"))
    for table, name, digest in zip(*columns, strict=True):
        files.setdefault(table, []).append((name, digest))
    return {table: sorted(found) for table, found in files.items()}
