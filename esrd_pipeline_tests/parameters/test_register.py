"""The register: no gap or overlap of years, known words, a citation, and every measure that is."""

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from esrd_pipeline.measures import (
    ed30,
    patient_months,
    pppw,
    reporting,
    sedr,
    sfr,
    shr,
    smosr,
    smr,
    srr,
    strr,
    swr,
)
from esrd_pipeline.parameters.register import (
    FIRST_PATIENT_YEAR,
    FIRST_PUBLISHED_YEAR,
    find_measure,
    list_measures,
)
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.program.qip_rules import known_payment_years, load_rules
from esrd_pipeline.program.star_rules import load_star_rules

if TYPE_CHECKING:
    from esrd_pipeline.measures.specification import Specification

FIRST, LAST = FIRST_PATIENT_YEAR, 2030
UNITS = {"patients", "patient_years", "discharges", "surveys", "months", "personnel"}
FAMILIES = {
    "access",
    "components",
    "discharges",
    "patient_months",
    "published",
    "recurrent_events",
    "reporting",
    "survival",
}
ENDED = {("sfr", "qip"): 2022, ("ultrafiltration", "qip"): 2022, ("vascular_access", "qip"): 2022}
"""Measures that a program has no more, with their last year."""
METHODS = {"interval", "p_value", "wald_z", ""}


def list_periods() -> dict[tuple[str, str], list[tuple[int, int]]]:
    """First and last year of the rows of each measure and program, in file order.

    A row without a last year ends where the next one begins.
    """
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in load_rows("register"):
        rows[row["measure"], row["program"]].append(dict(row))
    periods: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for key, of_key in rows.items():
        firsts = [int(row["first_performance_year"] or FIRST) for row in of_key]
        ends = [*(first - 1 for first in firsts[1:]), LAST]
        periods[key] = [
            (first, int(row["last_performance_year"] or end))
            for row, first, end in zip(of_key, firsts, ends, strict=True)
        ]
    return periods


@pytest.mark.parametrize(("key", "periods"), list_periods().items(), ids=str)
def test_years_have_no_gap_and_no_overlap(
    key: tuple[str, str], periods: list[tuple[int, int]]
) -> None:
    years = [year for first, last in periods for year in range(first, last + 1)]
    last = ENDED.get(key, LAST)
    assert years == list(range(min(FIRST, years[0]), last + 1)), key


def test_a_row_without_a_last_year_is_followed_by_its_own_family_alone() -> None:
    # `find_of_family` reads the rows of one family: a row of another would not end them.
    families: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in load_rows("register"):
        if not row["last_performance_year"]:
            families[row["measure"], row["program"]].add(row["family"])
    assert {key: found for key, found in families.items() if len(found) > 1} == {}


def test_rows_of_years_before_the_first_say_how_published_files_are_read() -> None:
    early = [
        row
        for row in load_rows("register")
        if int(row["first_performance_year"] or FIRST_PUBLISHED_YEAR) < FIRST_PATIENT_YEAR
    ]
    assert {row["family"] for row in early} == {"published"}
    assert {row["program"] for row in early} == {"dfc"}
    # A rule of another year is never theirs: no smallest size, and no test but the printed limits.
    sizes = ("minimum_units", "minimum_expected", "minimum_modelled")
    assert not any(row[name] for row in early for name in sizes)
    ratios = {row["measure"] for row in early if row["flag_method"] == "interval"}
    assert ratios >= {"smr", "shr", "srr", "strr", "sfr"}
    for row in early:
        assert int(row["first_performance_year"] or FIRST_PUBLISHED_YEAR) >= FIRST_PUBLISHED_YEAR
    with pytest.raises(LookupError, match="0 rows of sfr of dfc for performance year 2016"):
        find_measure("sfr", "dfc", 2016)
    assert find_measure("shr", "dfc", 2015).family == "published"
    assert find_measure("shr", "dfc", 2021).family == "recurrent_events"


def test_words_are_known_and_every_row_is_cited() -> None:
    for row in load_rows("register"):
        assert row["program"] in {"dfc", "qip"}, row
        assert row["unit"] in UNITS, row
        assert row["family"] in FAMILIES, row
        assert row["direction"] in {"higher", "lower", ""}, row
        assert row["flag_method"] in METHODS, row
        assert bool(row["flag_method"]) == bool(row["reference"]) == bool(row["significance"]), row
        assert len(row["citation"]) > 10, row


def test_flags_belong_to_dialysis_facility_measures_with_a_direction() -> None:
    flagged = [row for row in load_rows("register") if row["flag_method"]]
    assert {row["program"] for row in flagged} == {"dfc"}
    assert all(row["direction"] for row in flagged)


@pytest.mark.parametrize("year", [FIRST, 2024, 2025, LAST])
def test_every_computed_measure_has_a_row_and_says_its_family(year: int) -> None:
    families: dict[str, list[Specification]] = {
        "recurrent_events": [
            shr.specify("dfc", year),
            shr.specify("qip", year),
            strr.specify("dfc", year),
            strr.specify("qip", year),
            sedr.specify(year),
        ],
        "survival": [smr.specify(year), swr.specify(year), smosr.specify(year)],
        "discharges": [
            srr.specify("dfc", year),
            srr.specify("qip", year),
            ed30.specify(year),
        ],
        "access": [
            sfr.specify("dfc", year),
            pppw.specify("dfc", year),
            pppw.specify("qip", year),
        ],
        "patient_months": [*patient_months.specify_all(year)],
        "reporting": [
            reporting.specify(reporting.VACCINATION, year, "dfc"),
            *(
                reporting.specify(measure, year)
                for measure in (*reporting.PATIENTS, *reporting.REPORTED_MEASURES)
            ),
        ],
    }
    for family, specifications in families.items():
        text = {(one.measure, one.program) for one in specifications}
        registered = {
            (entry.measure, entry.program)
            for program in patient_months.PROGRAMS
            for entry in list_measures(program, year)
            if entry.family == family
        }
        assert text == registered


def test_every_measure_of_the_qip_and_the_stars_has_a_row() -> None:
    for payment_year in known_payment_years():
        rules = load_rules(payment_year)
        for rule in rules.measures:
            assert rule.entry == find_measure(rule.measure, "qip", rules.performance_year)
    assert len(load_star_rules("2023-10", 2024).measures) == 10


def test_what_the_register_does_not_know_is_named() -> None:
    with pytest.raises(LookupError, match="0 rows of falls of qip for performance year 2024"):
        find_measure("falls", "qip", 2024)
