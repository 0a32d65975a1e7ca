"""What a payment year's rows say of missing scores: whose weight goes where, and what says so.

Manual 4.2.7 and 4.2.8 for payment year 2027; other years have other rows of `qip_domain.csv`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast, get_args

from esrd_pipeline.program.qip_cells import Cells

Sharing = Literal["equal", "proportional"]
"""How missing weight is shared: in equal parts, added, or in proportion to what each has."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain and its share of the TPS.

    Without a scored measure its weight goes `weight_to`: to all scored domains by a way of sharing,
    or to the domain of that name, and where that has no score either to all in equal parts.
    `sharing` is how its scored measures share the weight of the others (4.2.7, 4.2.8). A facility
    without a score in a domain that `is_required` has no TPS.
    """

    name: str
    weight: Fraction
    weight_to: str = "equal"
    sharing: Sharing = "equal"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class StatedByFootnote:
    """A footnote of another measure, `stated_by`: a facility has no score of `measure`."""

    measure: str
    stated_by: str
    footnote: str


def read_domains(rows: Iterable[Cells]) -> tuple[Domain, ...]:
    """Read the rows of `qip_domain.csv` of a payment year."""
    return tuple(
        Domain(
            name=cells.needed("domain"),
            weight=cells.fraction("weight"),
            weight_to=cells.needed("weight_if_missing"),
            sharing=cast("Sharing", cells.choose("weight_of_missing_measures", get_args(Sharing))),
            is_required=cells.flag("is_required"),
        )
        for cells in rows
    )


def read_footnotes(rows: Iterable[Cells]) -> tuple[StatedByFootnote, ...]:
    """Read the rows of `qip_no_score.csv` of a payment year."""
    names = ("measure", "stated_by", "footnote")
    return tuple(StatedByFootnote(*map(cells.needed, names)) for cells in rows)


def check_sent(
    domains: tuple[Domain, ...], measure: str, domain: str, weight_to: str | None, where: str
) -> None:
    """Reject a measure that sends its weight to its own domain or to none of `domains`.

    Raises:
        ValueError: names the measure; `where` is the rule set.
    """
    if weight_to is not None and weight_to not in {d.name for d in domains if d.name != domain}:
        raise ValueError(f"{where}: {measure} sends its weight to {weight_to}")


def check_domains(domains: tuple[Domain, ...], where: str) -> None:
    """Reject domains whose weights are not the whole or that send weight nowhere.

    Raises:
        ValueError: names the contradiction; `where` is the rule set.
    """
    if sum(domain.weight for domain in domains) != 1:
        raise ValueError(f"{where}: the weights of the domains do not sum to 1")
    for domain in domains:
        others = {other.name for other in domains if other != domain}
        if domain.weight_to not in {*get_args(Sharing), *others}:
            raise ValueError(f"{where}: {domain.name} sends its weight to {domain.weight_to}")
