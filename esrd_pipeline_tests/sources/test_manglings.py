"""A sample of the manglings of a good nation: the same numbers, or a stop that says where.

The thousand are `python -m esrd_pipeline_tests.manglings`.
"""

import pytest

from esrd_pipeline_tests.manglings.draws import KINDS, Mangling, draw_manglings
from esrd_pipeline_tests.manglings.files import list_files
from esrd_pipeline_tests.manglings.trial import (
    BEFORE,
    GOOD,
    PASSED,
    READER,
    SAME,
    TAKEN_IN,
    Trial,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return Trial(tmp_path_factory.mktemp("manglings"))


@pytest.fixture(scope="module")
def drawn(trial: Trial) -> list[Mangling]:
    return draw_manglings(list_files(trial.good), seed=1, count=len(KINDS))


@pytest.mark.parametrize("part", range(4))
def test_no_mangling_passes_with_other_numbers(
    trial: Trial, drawn: list[Mangling], part: int
) -> None:
    ends = {str(mangling): trial.judge(mangling.contents()) for mangling in drawn[part::4]}
    assert not {name: verdict for name, verdict in ends.items() if verdict.outcome not in GOOD}


def test_what_passes_with_other_numbers_is_told(trial: Trial) -> None:
    """One plausible first name in another's place: what the manglings leave out."""
    good = (trial.good / "eqrs_patient.txt").read_bytes()
    other = good.replace(b"Quokkafb", b"Quokkafc", 1)
    assert trial.judge({"eqrs_patient.txt": other}).outcome == PASSED
    assert trial.judge({"eqrs_patient.txt": good + b"\n"}).outcome == SAME


@pytest.mark.parametrize("name", ["nhsn_bloodstream_infection", "ich_cahps_survey"])
def test_last_years_file_is_not_taken_in_where_no_row_names_a_day(trial: Trial, name: str) -> None:
    (file,) = (trial.nation / str(BEFORE)).glob(f"{name}.*")
    verdict = trial.judge({file.name: file.read_bytes()})
    assert verdict.outcome in {READER, TAKEN_IN}
    assert file.name in verdict.output
