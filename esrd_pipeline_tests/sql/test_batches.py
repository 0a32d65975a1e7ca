"""Batched cases give the same rows as separate runs; ambiguous batches are rejected."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.batches import NotSeparableError, Solved
from esrd_pipeline_tests.sql.modules import MODULES, list_module_cases
from esrd_pipeline_tests.sql.worked import Case, Worked, case, day, list_cases, worked

EVERY = 8
"""Of so many cases one is run alone, too: 1 compares all of them."""


def stays(*days: str, bene_id: int = 900, patient_id: int = 1, **other: str) -> Case:
    """The hospital stays of a beneficiary, one on each of the days."""
    return case(
        "history.covid_claim",
        "history.hospital_stay",
        tables={
            "linkage.beneficiary": [{"bene_id": bene_id, "patient_id": patient_id}],
            "raw.claim": [
                {
                    "bene_id": bene_id,
                    "clm_id": number,
                    "nch_clm_type_cd": "60",
                    "clm_from_dt": day(first),
                    "clm_admsn_dt": day(first),
                    "clm_thru_dt": day(first),
                    "prvdr_num": "A",
                    **other,
                }
                for number, first in enumerate(days, start=1)
            ],
        },
    )


def test_cases_of_one_batch_have_their_own_rows_and_the_identifiers_they_gave() -> None:
    cases = [stays("2024-02-01", "2024-04-01"), stays(), stays("2024-02-01", patient_id=-900)]
    solved = Solved(cases)
    frames = [one.get(solved.find(one)) for one in cases]
    assert [frame["patient_id"].tolist() for frame in frames] == [[1, 1], [], [-900]]
    assert [set(frame["hospital"]) for frame in frames] == [{"A"}, set(), {"A"}]
    for one, frame in zip(cases, frames, strict=True):
        pd.testing.assert_frame_equal(frame, one.run())


def test_a_number_as_cms_assigns_it_comes_back_as_it_was() -> None:
    numbers = ("142500", "14250F", "330154", "100001")
    cases = [stays("2024-02-01", prvdr_num=number) for number in numbers]
    solved = Solved(cases)
    assert [one.get(solved.find(one))["hospital"].item() for one in cases] == list(numbers)


def test_rows_that_nothing_of_the_case_keys_are_refused() -> None:
    shared = {"program": "dfc", "ccn": "012501", "is_eligible": True}
    cases = [
        case("facility.registered", tables={"linkage.facility": [{**shared, "state": state}]})
        for state in ("AL", "GA")
    ]
    with pytest.raises(NotSeparableError, match=r"linkage\.facility: nothing in the key of a row"):
        Solved(cases)


def test_rows_that_are_of_nobody_are_refused() -> None:
    ccs = pd.DataFrame([("J449", "127")], columns=["code", "category"])
    cases = [
        case(
            "report.value_set_coverage",
            tables={"raw.claim": [{"clm_id": number, "icd_dgns_cd1": "J449"}]},
            value_sets={"ccs_diagnosis": ccs},
        )
        for number in (1, 2)
    ]
    with pytest.raises(NotSeparableError, match="a row is that of 0 cases"):
        Solved(cases)


@worked
def test_a_dictionary_of_cases_gives_a_dictionary() -> Worked:
    rows = yield {"none": stays(), "all": [stays("2024-02-01"), stays("2024-03-01")]}
    assert rows["none"].empty
    assert [len(frame) for frame in rows["all"]] == [1, 1]


def test_what_a_worked_test_yields_must_be_cases() -> None:
    with pytest.raises(TypeError, match="a worked test yields cases, not int"):
        list_cases([stays(), 3])


def show(result: object) -> object:
    """What a test is given, so that two can be compared whatever it is."""
    if isinstance(result, pd.DataFrame | pd.Series):
        return (result.to_csv(), repr(result.index), repr(result.dtypes))
    return repr(result)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_a_case_gives_alone_what_it_gives_with_the_others_of_its_module(name: str) -> None:
    cases = [one for one in list_module_cases(name) if not one.alone][::EVERY]
    solved = Solved(cases)
    for one in cases:
        assert show(one.get(solved.find(one))) == show(one.run()), one
