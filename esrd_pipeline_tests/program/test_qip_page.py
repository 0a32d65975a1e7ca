"""A rule set's page: every row and cell of the parameter files is on it, with its source."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.program import qip_page
from esrd_pipeline.program.qip_page import Page, Part, describe_payment_year, render_markdown
from esrd_pipeline.program.qip_page_sources import Sources, list_other_tables
from esrd_pipeline.program.qip_rule_sets import list_rule_sets, load_tables
from esrd_pipeline.program.qip_rules import known_payment_years, load_rules
from esrd_pipeline_tests.program.test_qip_missing import send_depression_to_safety

EVERY = [(year, name) for year in known_payment_years() for name in list_rule_sets(year)]


def part_of(page: Page, title: str) -> Part:
    (part,) = [part for part in page.parts if part.title == title]
    return part


def lines_of(page: Page, title: str) -> dict[str, tuple[str, ...]]:
    """The lines of a part's table by their first cell, without the source."""
    return {line[0]: line[1:-1] for line in part_of(page, title).lines[1:]}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["payment-year", *arguments])


def test_the_page_of_2027_says_what_the_manuals_tables_say() -> None:
    page = describe_payment_year(2027)
    assert page.title == "Payment year 2027 of the ESRD QIP, rule set default"
    assert page.note is None
    # Table 25
    assert lines_of(page, "Domains")["clinical_care"] == ("7/20", "35.00%")
    measures = lines_of(page, "Measures")
    assert measures["ktv_topic"] == ("clinical_care", "11/35", "11.00%", "its parts, by size")
    assert measures["ktv_adult_hd"] == ("ktv_topic", "", "", "standards")
    assert measures["sdoh_screening"] == ("reporting", "1/6", "1.67%", "what was reported")
    # Table 18
    sizes = lines_of(page, "Size, direction and precision")
    assert sizes["shr"] == ("lower", "5", "patient_years", "2", "5 to 14")
    assert sizes["ich_cahps"] == ("higher", "30", "surveys", "", "none")
    formulas = lines_of(page, "Reporting formulas and steps")
    assert formulas["hypercalcemia"] == ("n / d x 12 - 2", "as counted")
    barred = lines_of(page, "Which facilities are not scored on a measure")
    assert barred["nhsn_bsi"] == (
        "2024-10-01",
        "any month",
        "in-center hemodialysis",
        "nhsn_dialysis_event, where large enough",
    )
    assert barred["clinical_depression"] == ("2025-09-01", "all months", "", "")
    # Table 28
    assert lines_of(page, "Total Performance Score and payment reduction") == {
        "51 to 100": ("0.0%",),
        "41 to 50": ("0.5%",),
        "31 to 40": ("1.0%",),
        "21 to 30": ("1.5%",),
        "0 to 20": ("2.0%",),
    }
    computed = part_of(page, "Standards").sentences[0]
    assert computed.startswith("Computed from the facilities of 2023, at least 10 of them:")
    assert "threshold at the 15th" in computed


@pytest.mark.manual("4.2.7.1", "4.2.8.1")
def test_weights_without_a_domain_or_measure_are_those_of_tables_26_and_27() -> None:
    page = describe_payment_year(2027)
    domains = {
        line[0]: line[1:] for line in part_of(page, "Weights when a domain has no score").lines
    }
    gains, shares = domains["safety"]
    assert gains == "each of the others, +2.50%"
    assert shares == (
        "patient_family_engagement 17.50%, care_coordination 32.50%, clinical_care 37.50%,"
        " reporting 12.50%"
    )
    within = part_of(page, "Weights within a domain when another domain has no score").lines
    assert ("safety", "clinical_care", "ktv_topic 31.56%, ltc 34.22%, strr 34.22%") in within
    measures = part_of(page, "Weights within a domain when a measure has no score").lines
    assert ("ktv_topic", "each of the others, +15.71%", "ltc 50.00%, strr 50.00%") in measures


def test_a_measures_weight_that_goes_to_another_domain_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    title = "Weight that goes to another domain when a measure has no score"
    assert title not in {part.title for part in describe_payment_year(2027).parts}
    rules = send_depression_to_safety(load_rules(2027))
    monkeypatch.setattr(qip_page, "load_rules", lambda *_: rules)
    page = describe_payment_year(2027)
    assert part_of(page, title).lines[1:] == (
        (
            "clinical_depression",
            "safety +7.50%",
            (
                "patient_family_engagement 15.00%, care_coordination 22.50%, clinical_care 35.00%,"
                " safety 17.50%, reporting 10.00%"
            ),
            "nhsn_bsi 17.50%",
        ),
    )
    measures = part_of(page, "Weights within a domain when a measure has no score").lines
    assert ("clinical_depression", "domain safety", "srr 33.33%, shr 33.33%, pppw 33.33%") in (
        measures
    )


@pytest.mark.parametrize(("year", "rule_set"), EVERY)
def test_every_row_of_a_rule_set_is_cited(year: int, rule_set: str) -> None:
    page = describe_payment_year(year, rule_set)
    cited = {text for _, text in part_of(page, "Sources").lines[1:]}
    tables = load_tables(year, rule_set)
    others = (load_parameters(name) for name in list_other_tables(tables))
    for table in (*tables.values(), *others):
        rows = table[table["payment_year"] == str(year)]
        assert set(rows["citation"]) <= cited
    measures = {line[0] for line in part_of(page, "Measures").lines[1:]}
    assert measures == {rule.measure for rule in load_rules(year, rule_set).measures}


def test_the_domains_that_a_tps_needs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    title = "Total Performance Score and payment reduction"
    text = part_of(describe_payment_year(2027), title).sentences[0]
    assert text == "A TPS needs a score in 2 of 5 domains [1], whichever they are."
    rules = load_rules(2027)
    domains = tuple(replace(item, is_required=item.name == "safety") for item in rules.domains)
    monkeypatch.setattr(qip_page, "load_rules", lambda *_: replace(rules, domains=domains))
    text = part_of(describe_payment_year(2027), title).sentences[0]
    assert text == "A TPS needs a score in 2 of 5 domains [1], among them safety [2]."


def test_a_score_that_cms_printed_is_said_to_be_taken_as_it_is() -> None:
    text = "A score that CMS printed is taken as it is: what bars a score, below, is in it."
    assert text in part_of(describe_payment_year(2026), "Measures").sentences
    assert text not in part_of(describe_payment_year(2027), "Measures").sentences
    measures = lines_of(describe_payment_year(2026), "Measures")
    assert measures["hypercalcemia"][-1] == "what was reported, else as CMS printed it"


def test_steps_are_told_with_their_source() -> None:
    page = describe_payment_year(2026)
    steps = lines_of(page, "Reporting formulas and steps")["nhsn_dialysis_event"]
    assert steps[0] == "10 from n = 12, 2 from n = 6, 0 from n = 0"
    # Of the amended set too: every line of a table with sources has one.
    for name in list_rule_sets(2027):
        for part in describe_payment_year(2027, name).parts:
            if part.lines and part.lines[0][-1] == "source":
                assert all(line[-1].startswith("[") for line in part.lines[1:]), part.title


def test_a_cell_that_no_part_tells_is_listed_as_it_stands() -> None:
    row = {"payment_year": "2031", "domain": "access", "weight": "1/2", "citation": "made up"}
    rows = [row, {**row, "domain": "outcomes"}]
    assert Sources({"qip_domain": pd.DataFrame(rows)}, 2031).list_unused() == []
    rows = [{**row, "goes_to": "outcomes", "else": None} for row in rows]
    assert Sources({"qip_domain": pd.DataFrame(rows)}, 2031).list_unused() == [
        ("qip_domain", "access, outcomes", "goes_to = outcomes", "[1]")
    ]


def test_a_table_that_no_part_tells_is_listed_row_by_row() -> None:
    row = {"payment_year": "2031", "measure": "falls", "months": "6", "points": "2"}
    steps = pd.DataFrame([{**row, "citation": "made up"}])
    assert Sources({"qip_new": steps}, 2031).list_unused() == [
        ("qip_new", "falls", "months = 6, points = 2", "[1]")
    ]


def test_the_amended_page_lists_its_changes_and_what_was_not_at_hand() -> None:
    page = describe_payment_year(2027, "amended")
    assert page.title.endswith(
        "rule set amended: as amended by the final rule for calendar year 2026 (CMS-1830-F)"
    )
    assert page.note is not None
    assert page.note.startswith("The rule's own text was not at hand")
    changes = lines_of(page, "Changes to the rule set default")
    assert changes["sdoh_positive"] == ("left out",)
    assert changes["covid_vaccination"] == ("weight = 1/3",)
    assert "amended" in part_of(describe_payment_year(2027), "Choice").sentences[0]


@pytest.mark.parametrize(("year", "rule_set"), EVERY)
def test_the_command_prints_every_known_year(year: int, rule_set: str, tmp_path: Path) -> None:
    shown = run(str(year), "--rule-set", rule_set)
    assert shown.exit_code == 0, shown.output
    page = describe_payment_year(year, rule_set)
    assert shown.output.startswith(f"Payment year {year} of the ESRD QIP, rule set {rule_set}")
    # No value is cut off, however narrow the terminal.
    assert "…" not in shown.output
    text = set(shown.output.split())
    for part in page.parts:
        assert part.title.upper() in shown.output
        for line in part.lines:
            assert set(" ".join(line).split()) <= text
    file = tmp_path / "rules.md"
    assert run(str(year), "--rule-set", rule_set, "--write", str(file)).output == ""
    assert file.read_text(encoding="utf-8") == render_markdown(page)


def test_an_unknown_year_or_set_gets_one_sentence() -> None:
    unknown = run("2040")
    assert unknown.exit_code == 1
    years = ", ".join(str(year) for year in known_payment_years())
    assert unknown.output == (
        f"Error: there is no QIP rule set for payment year 2040; there are: {years}\n"
    )
    assert run("2027", "--rule-set", "other").output == (
        "Error: payment year 2027 has no rule set other; it has: default, amended\n"
    )


def test_markdown_keeps_its_tables_whole() -> None:
    page = Page("Title", "Note", (Part("Part", ("A sentence.",), (("a", "b"), ("x|y", ""))),))
    assert render_markdown(page) == (
        "# Title\n\n**Note**\n\n## Part\n\nA sentence.\n\n| a | b |\n|---|---|\n| x\\|y |  |\n"
    )
