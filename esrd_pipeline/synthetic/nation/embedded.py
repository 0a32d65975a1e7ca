"""The embedded default's nation: the facilities of the published files, seen from their patients.

Both are drawn from one seed. The published files alone give facilities numbers that no facility
has; beside the nation they bear the nation's, whose middle digits say what kind they are (3.3.2).
"""

from pathlib import Path

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.months import edges_of
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.synthetic.published import FACILITIES, FIRST_YEAR, SEED

LAST_YEAR = 2025
"""The last year that is written with the first; later ones are written when they are asked for."""


def write_embedded_year(folder: Path, *, performance_year: int) -> None:
    """Write the years of the nation beside `folder`, `<root>/<performance_year>`, if it is absent.

    Every year is the same whichever years are written with it.
    """
    if (folder / "eqrs_patient.parquet").is_file():
        return
    is_early = performance_year <= LAST_YEAR
    first = FIRST_YEAR if is_early else performance_year
    span = Span(SEED, first, LAST_YEAR if is_early else performance_year)
    synthesize_nation(Order(FACILITIES, span, folder.parent))


def number_facilities(performance_year: int) -> dict[str, str]:
    """Return the nation's certification number of each facility at a year's end, by its first."""
    nation = draw_nation(FACILITIES, SEED)
    last_day = int(edges_of(performance_year)[-1]) - 1
    is_renumbered = nation["is_renumbered"] & (nation["changed"] <= last_day)
    number = nation["next_number"].where(
        is_renumbered & (nation["changed"] < NEVER), nation["number"]
    )
    return dict(zip(nation["ccn"], number, strict=True))
