"""The files of a year of the nation and their formats: Parquet, or text in CMS's RIF format."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from esrd_pipeline.synthetic.nation.columns import schema_of
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline.tables.model import Table

Format = Literal["parquet", "rif"]
CLAIM_PARTS = {
    "base": medicare.CLAIM,
    "revenue": medicare.CLAIM_REVENUE,
    "value": medicare.CLAIM_VALUE,
    "condition": medicare.CLAIM_CONDITION,
    "occurrence": medicare.CLAIM_OCCURRENCE,
}


def list_files() -> dict[str, Table]:
    """Return every file of a year by its name without suffix, and the table it fills."""
    whole = (
        *eqrs.TABLES,
        *clinical.TABLES,
        medicare.MEDICARE_ENROLLMENT,
        medicare.CARRIER_CLAIM,
        medicare.CARRIER_LINE,
        *register.TABLES,
    )
    files = {table.path[1]: table for table in whole}
    for setting in medicare.SETTINGS:
        for part in medicare.PARTS.values():
            files[f"{setting}_{part}"] = CLAIM_PARTS[part]
    return files


class FileSet:
    """Files written in row groups; a file gets its final name only when it is complete."""

    def __init__(self, folder: Path, schemas: Mapping[str, pa.Schema], *, kind: Format) -> None:
        self._folder = folder
        self._kind = kind
        self._schemas = schemas
        self._writers: dict[str, pq.ParquetWriter | pa_csv.CSVWriter] = {}

    def __enter__(self) -> Self:
        """Open all files, so that files without rows exist too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, schema in self._schemas.items():
            self._writers[name] = self._open(name, schema)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all files; rename them to their final names unless an error occurred."""
        for name, writer in self._writers.items():
            writer.close()
            part = self._path(name, is_part=True)
            if error is None:
                part.replace(self._path(name))
            else:
                part.unlink(missing_ok=True)

    def append(self, name: str, rows: pa.Table) -> None:
        """Append rows to a file."""
        writer = self._writers[name]
        if rows.num_rows == 0:
            return
        if isinstance(writer, pq.ParquetWriter):
            writer.write_table(rows, row_group_size=rows.num_rows)
        else:
            writer.write_table(render_rows(rows))

    def _open(self, name: str, schema: pa.Schema) -> pq.ParquetWriter | pa_csv.CSVWriter:
        path = self._path(name, is_part=True)
        if self._kind == "parquet":
            return pq.ParquetWriter(path, schema, compression="snappy", store_schema=False)
        options = pa_csv.WriteOptions(delimiter="|", quoting_style="none")
        header = "|".join(schema.names)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(f"{header}\n")
        options = pa_csv.WriteOptions(delimiter="|", quoting_style="none", include_header=False)
        published = pa.schema([pa.field(column, pa.string()) for column in schema.names])
        return pa_csv.CSVWriter(pa.OSFile(str(path), "ab"), published, write_options=options)

    def _path(self, name: str, *, is_part: bool = False) -> Path:
        suffix = "parquet" if self._kind == "parquet" else "txt"
        return self._folder / f"{name}.{suffix}{'.part' if is_part else ''}"


def year_schemas() -> dict[str, pa.Schema]:
    """Return the Arrow schema of every file of a year."""
    return {name: schema_of(table) for name, table in list_files().items()}


def render_rows(rows: pa.Table) -> pa.Table:
    """Return rows as the text of a RIF file: dates DD-Mon-YYYY, Y and N, empty if missing."""
    return pa.table([_render_column(column) for column in rows.columns], names=rows.column_names)


def _render_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_date(kind):
        return pc.call_function("strftime", [column], pc.StrftimeOptions("%d-%b-%Y"))
    if pa.types.is_boolean(kind):
        return pc.call_function("if_else", [column, pa.scalar("Y"), pa.scalar("N")])
    if pa.types.is_floating(kind):
        # Whole numbers are written without a point: 232, not 232.0.
        texts = pc.cast(column, pa.string())
        return pc.call_function(
            "replace_substring_regex", [texts], pc.ReplaceSubstringOptions(r"\.0$", "")
        )
    return pc.cast(column, pa.string())
