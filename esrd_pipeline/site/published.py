"""The tables that anyone may download, and which of their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from esrd_pipeline.tables import facility, measured, monitor, network, program, report, trend
from esrd_pipeline.tables.model import Table


@dataclass(frozen=True, slots=True)
class Published:
    """A table for download.

    Attributes:
        table: its definition.
        title: what people call it.
        without: values of a column whose rows are left out, because another table has them.
    """

    table: Table
    title: str
    without: Mapping[str, Sequence[str]] = field(default_factory=dict)


_OF_FACILITIES = {"level": (trend.FACILITY,)}
_NOT_SHOWN = {
    "level": tuple(level for level in network.LEVELS if level not in network.SHOWN_LEVELS)
}
PUBLISHED: tuple[Published, ...] = (
    Published(measured.CONTRACT, "Every measure of every facility"),
    Published(facility.DIRECTORY, "Facilities"),
    Published(facility.LEVEL, "National levels of the measures"),
    Published(program.FLAGS, "Better, worse or as expected"),
    Published(program.QIP_TPS, "Total Performance Scores and payment reductions"),
    Published(program.QIP_DOMAIN_SCORE, "QIP domain scores"),
    Published(program.QIP_MEASURE_SCORE, "QIP measure scores"),
    Published(program.QIP_STANDARD, "QIP performance standards"),
    Published(program.STARS, "Star ratings"),
    Published(program.STAR_MEASURE_SCORE, "Star scores of the measures"),
    Published(program.STAR_ADJUSTMENT, "Adjustment of the ratios to the stars' baseline"),
    Published(trend.TREND, "Measures of the nation, Networks, states and chains", _OF_FACILITIES),
    Published(trend.STRATUM, "Measures by groups of patients"),
    Published(trend.COHORT, "Patients of the nation, Networks and states"),
    Published(network.INDICATORS, "Networks' indicators by month", _NOT_SHOWN),
    Published(network.CANDIDATE, "Facilities to help and to learn from"),
    Published(network.PEER, "Facilities like another"),
    Published(monitor.SIGNAL, "Months in which a facility's events stood out"),
    Published(report.STAR_PROFILE, "Measures by star rating"),
    Published(report.PUBLISHED_AGREEMENT, "Agreement with what CMS published"),
    Published(report.READING, "How unclear places of the manual are read"),
)
"""The tables for download, in the order of the page. Those of facilities have every facility's
rows; of `report.trend` and `network.indicator` the rows of areas, the latter's as the pages show
them."""


def find_published(name: str) -> Published | None:
    """Return what is published of a table; None where nothing is."""
    return next((one for one in PUBLISHED if one.table.name == name), None)
