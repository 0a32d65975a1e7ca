"""The table of the static site: what was written, by kind of page."""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

SITE = Table(
    name="report.site",
    grain="one kind of page of the year's static site",
    source="esrd_pipeline/site, from the stored tables of the year",
    key=("kind",),
    columns=(
        Column("kind", "text", "Kind of page", required=True),
        YEAR,
        Column("page_count", "integer", "Pages", required=True, minimum=1),
        Column("size_bytes", "integer", "Size together", required=True, minimum=1),
        Column("largest_bytes", "integer", "Size of the largest", required=True, minimum=1),
        Column("example", "text", "Address of the first within the site", required=True),
    ),
    rules=(Rule("no page is larger than all", "largest_bytes <= size_bytes"),),
    minimum_rows=1,
)

TABLES = (SITE,)
