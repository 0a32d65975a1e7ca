"""The page of groups of patients tells every group, and what the groups of ZIP codes are."""

from esrd_pipeline.site import area_page, writing
from esrd_pipeline.tables.trend import STRATUM
from esrd_pipeline_tests.site.small import Row, fill, make_data

AREA = (
    ("rurality", "rural, small town", 400),
    ("rurality", "urban, metropolitan", 600),
    ("social_vulnerability", "quartile 1, least vulnerable", 300),
    ("social_vulnerability", "quartile 4, most vulnerable", 700),
)


def stratum(dimension: str, name: str, patients: int) -> Row:
    return {
        "program": "dfc",
        "measure": "shr",
        "dimension": dimension,
        "stratum": name,
        "patients": patients,
        "observed": 0.8 * patients,
        "expected": 1.0 * patients,
        "kind": "ratio",
        "value": 0.8,
    }


def render(*rows: Row) -> str:
    data = make_data([(STRATUM, fill(STRATUM, stratum("all", "all", 1_000), *rows))])
    page = area_page.place_strata("dfc")
    return writing.render("strata.html", page, area_page.describe_strata(data, "dfc"))


def test_rural_and_vulnerable_groups_are_shown_and_explained() -> None:
    text = render(*(stratum(*row) for row in AREA))
    for dimension, name, patients in AREA:
        cells = f'<td>{dimension.replace("_", " ")}</td><th scope="row">{name}</th>'
        assert f'{cells}<td class="n">{patients}</td>' in text
    assert "USDA's Rural-Urban Commuting Area codes" in text
    assert "CDC's Social Vulnerability Index" in text


def test_what_the_year_does_not_divide_by_is_not_explained() -> None:
    text = render(stratum("sex", "female", 450), stratum("sex", "male", 550))
    assert "USDA" not in text
    assert "CDC" not in text


def test_hidden_counts_are_stars_that_a_sentence_explains() -> None:
    hidden = '<p class="small">* Fewer than 11, or hidden beside such a count.</p>'
    text = render(stratum("sex", "female", 4), stratum("sex", "male", 996))
    assert text.count('<td class="n">*</td>') == 2
    assert hidden in text
    assert hidden not in render(stratum("sex", "female", 450), stratum("sex", "male", 550))
