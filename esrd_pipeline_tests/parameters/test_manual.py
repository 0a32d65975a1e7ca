"""Citations of the manual: numbers, ranges, tables and figures, and what is none."""

import pytest

from esrd_pipeline.parameters.manual import (
    find_chapters,
    find_citations,
    load_sections,
    parse_citation,
)
from esrd_pipeline.parameters.rows import load_rows


def cite(text: str) -> set[str]:
    return {section for citation in find_citations(text) for section in citation.sections}


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("Manual 2.13.11", {"2.13.11"}),
        ("as 2.10.8 says.", {"2.10.8"}),
        ("Manual v10.1 2.10.8; 2.11.8", {"2.10.8", "2.11.8"}),
        ("manual 3.1.1, 3.1.4", {"3.1.1", "3.1.4"}),
        ("Manual 2.14.10.4", {"2.14.10.4"}),
        ("Manual 2.13.9 to 2.13.11", {"2.13.9", "2.13.10", "2.13.10.1", "2.13.11"}),
        (
            "2.14.9 to\n2.14.10",
            {"2.14.9", *(f"2.14.10{part}" for part in ("", ".1", ".2", ".3", ".4"))},
        ),
        (
            "Manual 2.5.9 to 2.5.11, 3.4 (QIP only), 3.5",
            {"2.5.9", "2.5.10", "2.5.11", "3.4", "3.5"},
        ),
        ("manual 2.3 to 2.6, 3.4", {"2.3", "2.4", "2.5", "2.6", "3.4"}),
        ("infections (2.9, 2.18 to 2.20)", {"2.9", "2.18", "2.19", "2.20"}),
        ("Figures 11 and 12", {"2.10.16", "2.11.16"}),
        ("Tables 1, 2 and 7", {"2.1.13", "2.2.15", "2.12.17"}),
        ("Tables 25 to 27", {"4.2.7.1", "4.2.7.2", "4.2.8.1"}),
    ],
)
def test_a_citation_is_found_in_every_form(text: str, sections: set[str]) -> None:
    assert cite(text) == sections


@pytest.mark.parametrize(
    "text",
    [
        "a Kt/V of 2.3 and more",
        "CCS 2019.1, version 2.4.9.1 of v3.1.1",
        "costs $2.13 or 2.13%",
        "Manual 2.13.99",
        "DFC facility file; Data Dictionary for Quarterly DFC (July 2026), Table 10",
    ],
)
def test_other_numbers_are_no_citations(text: str) -> None:
    assert cite(text) == set()


def test_a_table_of_the_manual_counts_beside_another_documents() -> None:
    assert cite("Manual Table 18; Data Dictionary (July 2026), Table 10") == {"4.1.1"}


def test_a_citation_knows_where_it_stands() -> None:
    (found,) = find_citations("One row a day.\nManual 2.13.9\nto 2.13.11: x")
    assert (found.start, found.words) == (22, "2.13.9 to 2.13.11")


@pytest.mark.parametrize("text", ["2.13.99", "2.13", "the days at risk", "Table 99", ""])
def test_a_mark_names_sections_and_nothing_else(text: str) -> None:
    if text == "2.13":
        assert parse_citation(text) == {"2.13"}
    else:
        with pytest.raises(ValueError, match="no section, table or figure"):
            parse_citation(text)


def test_a_mark_may_name_a_range_and_a_figure() -> None:
    assert parse_citation("2.13.11 to 2.13.13, Figure 27") == {
        *("2.13.11", "2.13.12", "2.13.13", "2.25.19"),
    }


def test_sections_are_in_the_manuals_order_and_stand_in_their_chapter() -> None:
    numbers = [tuple(map(int, number.split("."))) for number in load_sections()]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == len(load_rows("manual_section"))
    missing = {n[:-1] for n in numbers if len(n) > 2} - set(numbers)
    assert not missing
    # Sections of a chapter are numbered without a gap.
    assert {(*n[:-1], n[-1] - 1) for n in numbers if n[-1] > 1} <= set(numbers)


def test_what_is_no_rule_says_why() -> None:
    for section in load_sections().values():
        assert section.kind in {"rule", "prose", "heading", "outside"}
        assert (section.kind == "rule") == (section.why is None), section.number


def test_every_table_and_figure_stands_in_one_section() -> None:
    exhibits = [name for section in load_sections().values() for name in section.exhibits]
    assert sorted(exhibits) == sorted(
        [*(f"Table {number}" for number in range(1, 30)), *(f"Figure {n}" for n in range(1, 30))]
    )


def test_chapters_define_measures_of_the_register() -> None:
    measures = {name for section in load_sections().values() for name in section.measures}
    assert measures <= {row["measure"] for row in load_rows("register")}
    assert find_chapters("srr") == ("2.10", "2.11")
    assert find_chapters("shr") == ("2.13",)
    assert find_chapters("ktv_topic") == ()
