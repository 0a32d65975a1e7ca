"""The CCS maps, and the codes that came after them."""

import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.ccs import find_ancestor

pytestmark = pytest.mark.manual("2.10.15", "2.13.13", "2.26.16")

KNOWN = sorted(["I481", "I482", "J1281", "J1289", "T404X1A", "T404X2A", "T408X1A"])


@pytest.mark.parametrize(
    ("code", "ancestor", "relatives"),
    [
        # It split off a code that was known.
        ("I4820", "I482", ["I482"]),
        # It came to stand beside others.
        ("J1282", "J128", ["J1281", "J1289"]),
        # The characters after the one that is new are the same: accidental, first encounter.
        ("T40411A", "T404", ["T404X1A"]),
    ],
)
def test_the_nearest_ancestor_is_the_longest_known_beginning(
    code: str, ancestor: str, relatives: list[str]
) -> None:
    assert find_ancestor(code, KNOWN) == (ancestor, relatives)


@pytest.mark.parametrize("code", ["U071", "I5A", "J9"])
def test_a_code_of_a_new_category_has_no_ancestor(code: str) -> None:
    assert find_ancestor(code, KNOWN) is None


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("I4820", "106"),
        ("I4811", "106"),
        ("I4720", "106"),
        ("E8720", "55"),
        ("N1831", "158"),
        ("J1282", "122"),
        ("T40411A", "242"),
    ],
)
def test_later_diagnoses_are_in_the_map(code: str, category: str) -> None:
    rows = load_parameters("ccs_diagnosis")
    (found,) = rows[rows["code"] == code].to_dict("records")
    assert found["category"] == category
    assert found["citation"].startswith("younger than CCS 2019.1: group of")


@pytest.mark.parametrize("name", ["ccs_diagnosis", "ccs_procedure"])
def test_a_code_stands_once_and_what_the_map_says_stays(name: str) -> None:
    rows = load_parameters(name)
    assert rows["code"].is_unique
    younger = rows["citation"].str.startswith("younger")
    later = load_parameters("later_code")
    assert set(rows.loc[younger, "code"]) <= set(later["code"])
    assert int(younger.sum()) > 1_000


def test_covid_and_its_aftermath_have_no_group() -> None:
    assert not {"U071", "U099"} & set(load_parameters("ccs_diagnosis")["code"])
    assert {"U071", "U099"} <= set(load_parameters("later_code")["code"])
