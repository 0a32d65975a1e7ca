"""The embedded default's nation: patient-level files for the facilities of the published files.

Both are drawn from one seed. Published files without a nation use certification numbers that no
facility has; with the nation they use its numbers, whose digits encode the facility type (3.3.2).
"""

from pathlib import Path

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.months import edges_of
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.synthetic.published import FACILITIES, FIRST_YEAR, SEED

LAST_YEAR = 2025
"""The last year written together with the first; later years are written on request."""


def write_embedded_year(folder: Path, *, performance_year: int) -> None:
    """Write the years of the nation beside `folder`, `<root>/<performance_year>`, if missing.

    A year does not depend on which other years are written.
    """
    if (folder / "eqrs_patient.parquet").is_file():
        return
    is_early = performance_year <= LAST_YEAR
    first = FIRST_YEAR if is_early else performance_year
    span = Span(SEED, first, LAST_YEAR if is_early else performance_year)
    synthesize_nation(Order(FACILITIES, span, folder.parent))


def number_facilities(performance_year: int) -> dict[str, str]:
    """Return first drawn certification number -> the nation's number at the end of a year."""
    nation = draw_nation(FACILITIES, SEED)
    last_day = int(edges_of(performance_year)[-1]) - 1
    is_renumbered = nation["is_renumbered"] & (nation["changed"] <= last_day)
    number = nation["next_number"].where(
        is_renumbered & (nation["changed"] < NEVER), nation["number"]
    )
    return dict(zip(nation["ccn"], number, strict=True))
