"""Release tables: the files from which a partition was made."""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

RELEASE = Table(
    name="raw.release",
    grain="one source of the performance year",
    source="the files found in the year's folder, on or before the data cut-off",
    key=("source",),
    columns=(
        YEAR,
        Column("source", "text", "Kind of file, e.g. dfc_facility", required=True),
        Column(
            "origin",
            "text",
            "Real published files, or the embedded default",
            required=True,
            allowed=("published", "embedded"),
        ),
        Column("file_name", "text", "Name of the file read"),
        Column("size_bytes", "integer", "Size of the file", minimum=1),
        Column("sha256", "text", "Digest of the file's bytes"),
        Column("reason", "text", "Why no file was read; null where one was"),
    ),
    rules=(
        Rule("a row has a file or a reason for none", "(file_name IS NULL) = (reason IS NOT NULL)"),
    ),
    minimum_rows=1,
)


def list_extract_columns() -> tuple[Column, ...]:
    """Return the columns of a table that lists the files of a folder."""
    return (
        YEAR,
        Column(
            "table_name", "text", "Raw table made from it, alone or with other files", required=True
        ),
        Column("file_name", "text", "Name of the file", required=True),
        Column("size_bytes", "integer", "Size of the file", required=True, minimum=1),
        Column("sha256", "text", "Digest of the file's bytes", required=True),
    )


EXTRACT = Table(
    name="raw.extract",
    grain="one file of one patient-level table",
    source="the patient-level files found in the year's folder",
    key=("table_name", "file_name"),
    columns=list_extract_columns(),
)

TABLES = (RELEASE,)
