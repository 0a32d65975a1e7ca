"""Every rule of the manual has an address: what cites it, and a test that does."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from esrd_pipeline import trace
from esrd_pipeline.cli import main
from esrd_pipeline.trace import describe, find_missing, find_places, read_marks, read_places


def files_of(asked: str, kind: str) -> set[str]:
    return {Path(place.file).name for place in find_places(asked) if place.kind == kind}


def test_a_test_cites_every_rule_of_the_manual() -> None:
    missing = find_missing()
    assert not missing, "no test is marked with them: uv run esrd trace --missing"


def test_a_section_leads_to_sql_parameters_specifications_and_tests() -> None:
    assert {"hospital_stay.sql", "shr_days.sql"} <= files_of("2.13.11", "SQL")
    assert "reading.csv" in files_of("2.13.11", "Parameters")
    assert "diabetes_cause.csv" in files_of("2.13.13", "Parameters")
    assert "shr.py" in files_of("2.13.11", "Specifications")
    assert "register.csv" in files_of("2.13.7", "Specifications")
    assert "test_hospital_stay.py" in files_of("2.13.11", "Tests")


def test_a_section_leads_to_nothing_of_another() -> None:
    assert "transfusion.sql" not in files_of("2.13.11", "SQL")
    assert "test_waitlist.py" not in files_of("2.13.11", "Tests")


def test_a_range_leads_to_the_sections_within_it() -> None:
    # shr_days.sql cites "2.13.9 to 2.13.11".
    for section in ("2.13.9", "2.13.10", "2.13.10.1", "2.13.11"):
        assert "shr_days.sql" in files_of(section, "SQL")
    assert "shr_days.sql" not in files_of("2.13.12", "SQL")


def test_a_measure_leads_to_its_chapters_rows_and_specification() -> None:
    assert {"register.csv", "discharges.py"} <= files_of("srr", "Specifications")
    assert {"srr.sql", "inpatient_discharge.sql"} <= files_of("srr", "SQL")
    assert "test_srr.py" in files_of("srr", "Tests")
    rows = [place.name for place in find_places("sedr") if place.file.endswith("register.csv")]
    assert "sedr" in rows


def test_what_the_manual_does_not_have_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"no section 2\.13\.99"):
        find_places("2.13.99")


def test_marks_are_read_of_modules_functions_and_parameters(tmp_path: Path) -> None:
    file = tmp_path / "test_made_up.py"
    file.write_text(
        "import pytest\n\n"
        'pytestmark = [pytest.mark.slow, pytest.mark.manual("2.13.9 to 2.13.11")]\n\n'
        '@pytest.mark.manual("2.13.13", "Figure 27")\n'
        "def test_one() -> None:\n"
        "    raise AssertionError\n\n"
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.manual("3.4"))])\n'
        "def test_two(x: int) -> None:\n"
        '    """Manual 2.1.5."""\n'
    )
    found = [(place.name, place.words, sorted(place.sections)) for place in read_marks(file)]
    assert sorted(found) == [
        ("", "2.13.9 to 2.13.11", ["2.13.10", "2.13.10.1", "2.13.11", "2.13.9"]),
        ("test_one", "2.13.13", ["2.13.13"]),
        ("test_one", "Figure 27", ["2.25.19"]),
        ("test_two", "3.4", ["3.4"]),
    ]


def test_a_mark_of_no_section_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "test_made_up.py"
    file.write_text('@pytest.mark.manual("2.13.99")\ndef test_one() -> None: ...\n')
    with pytest.raises(ValueError, match=r"test_made_up.py:1: '2\.13\.99' is no section"):
        list(read_marks(file))


def test_rows_with_one_citation_are_one_line() -> None:
    lines = {where: words for _, where, words in describe(find_places("2.12.19"))}
    (rows,) = [where for where in lines if "transfusion_code.csv" in where]
    assert rows == "esrd_pipeline/parameters/transfusion_code.csv lines 2 to 51"


def test_no_code_cites_a_section_of_the_parameter_file_of_sections() -> None:
    assert not {place.file for place in read_places() if "manual_section" in place.file}


def test_the_command_prints_what_answers_to_a_section() -> None:
    shown = CliRunner().invoke(main, ["trace", "2.13.11"])
    assert shown.exit_code == 0
    assert shown.output.startswith("2.13.11 Calculating Numerators\n\nSQL\n")
    assert "  esrd_pipeline/sql/history/hospital_stay.sql:1: 2.13.11\n" in shown.output
    assert "esrd_pipeline_tests/sql/test_hospital_stay.py" in shown.output


def test_the_command_prints_what_no_test_cites() -> None:
    shown = CliRunner().invoke(main, ["trace", "--missing"])
    assert shown.exit_code == 0
    assert shown.output.startswith("A test cites every rule.\n")
    assert "References: 2.1.15" in shown.output


@pytest.mark.parametrize("options", [[], ["shr", "--missing"]])
def test_the_command_wants_one_thing_asked(options: list[str]) -> None:
    assert CliRunner().invoke(main, ["trace", *options]).exit_code == 2


def test_the_command_names_what_the_manual_does_not_have() -> None:
    shown = CliRunner().invoke(main, ["trace", "9.9.9"])
    assert (shown.exit_code, "no section 9.9.9" in shown.output) == (1, True)


def test_without_the_repository_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "TESTS", tmp_path / "none")
    shown = CliRunner().invoke(main, ["trace", "--missing"])
    assert shown.exit_code == 0
    assert "not part of this installation" in shown.output
