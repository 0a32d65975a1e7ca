"""What the UI shows of an asset: group, owners, badges, columns, picture and file."""

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.settings import SettingError
from esrd_pipeline.tables.dictionary import find_unit
from esrd_pipeline.tables.measured import BASELINE_SCORED
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.tables.report import INTAKE
from esrd_pipeline.warehouse import Staged, Warehouse

OWNER = "team:esrd-measures"
OWNERS_VARIABLE = "ESRD_OWNERS"
_OWNER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|team:[A-Za-z0-9_-]+")
_DAGSTER_TYPES = {"texts": "list of text", "labels": "map of text to text"}


def find_group(table: Table) -> str:
    """Return the group of an asset in Lineage: its layer, but where that would close a loop.

    What a fit expects of each patient is made with the facilities; last year's model of the star
    baseline is a part of the stars; the intake judges the raw tables.
    """
    if table.schema == "cohort" and table.path[1].endswith("_expected"):
        return "facility"
    return {INTAKE.name: "raw", BASELINE_SCORED.name: "program"}.get(table.name, table.schema)


def list_owners() -> list[str]:
    """Return the owners of all assets: people's addresses or teams, by setting.

    Raises:
        SettingError: one is neither an address nor a team.
    """
    named = os.environ.get(OWNERS_VARIABLE, "").replace(",", " ").split()
    for owner in named:
        if _OWNER.fullmatch(owner) is None:
            raise SettingError(f"{OWNERS_VARIABLE}: {owner} is no e-mail address and no team:name")
    return named or [OWNER]


def list_kinds(kinds: frozenset[str], table: Table) -> set[str]:
    """Return the badges of an asset: its layer and how it is made.

    Five layers have a table `shr`, and Lineage shows the last part of a name. That a table is
    stored as Parquet would tell none from another.
    """
    return {*(kinds - {"parquet"}), table.schema}


def draw(step: StepContext, table: Table, result: StepResult) -> dict[str, dg.MetadataValue]:
    """The computation's picture, drawn once for all its tables, and its file."""
    if result.picture is None:
        return {}
    from esrd_pipeline.orchestration.pictures import render

    year = step.performance_year
    image = render(result.picture, _name_picture(table, year))
    file = _find_picture(step, table)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed, so that nobody opens half of it.
    beside = file.with_suffix(".png.new")
    beside.write_bytes(image)
    beside.replace(file)
    return _show_picture(file, image, _name_picture(table, year))


def _name_picture(table: Table, year: int) -> str:
    return f"{table.name}, performance year {year}"


def _show_picture(file: Path, image: bytes, name: str) -> dict[str, dg.MetadataValue]:
    encoded = base64.b64encode(image).decode()
    return {
        "picture": dg.MetadataValue.md(f"![{name}](data:image/png;base64,{encoded})"),
        "picture file": dg.MetadataValue.path(str(file)),
    }


def describe_kept(
    step: StepContext, table: Table, drawn: Table, notes: Mapping[str, str | int | float]
) -> dict[str, dg.MetadataValue | str | float]:
    """Return what is shown of a table that was kept: what was shown when it was made, and that.

    `drawn` is the table that the picture is named for.
    """
    year = step.performance_year
    file = _find_picture(step, drawn)
    return {
        "dagster/row_count": step.warehouse.count_rows(table, year),
        "file": dg.MetadataValue.path(step.warehouse.locate(table, year)),
        "unchanged": "kept as stored: files, code, parameters and all it reads are as they were",
        **notes,
        **(
            _show_picture(file, file.read_bytes(), _name_picture(drawn, year))
            if file.is_file()
            else {}
        ),
    }


def _find_picture(step: StepContext, table: Table) -> Path:
    return step.settings.pictures_dir / str(step.performance_year) / f"{table.name}.png"


def describe_staged(
    warehouse: Warehouse, staged: Staged, shown: Mapping[str, dg.MetadataValue | str | float]
) -> dict[str, dg.MetadataValue | str | float]:
    """Return what a materialisation shows: rows, file and the computation's notes."""
    return {
        "dagster/row_count": staged.row_count,
        "file": dg.MetadataValue.path(warehouse.locate(staged.table, staged.performance_year)),
        **shown,
    }


def _describe(table: Table, column: Column) -> str:
    unit = find_unit(table, column)
    return column.description + (f" ({unit})" if unit else "")


def describe_columns(table: Table) -> dg.TableSchema:
    """Return the columns as Dagster's page of an asset lists them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=_DAGSTER_TYPES.get(column.type, column.type),
                description=_describe(table, column),
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in table.columns
        ]
    )
