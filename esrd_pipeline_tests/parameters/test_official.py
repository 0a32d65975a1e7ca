"""An official file goes before the project's own, and says so where it does not fit."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.parameters import FOLDER_VARIABLE, find_official, load_parameters
from esrd_pipeline.parameters.official import ParameterFileError

NAME = "death_discharge_status"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    load_parameters.cache_clear()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    yield tmp_path
    load_parameters.cache_clear()


def own_columns() -> list[str]:
    table = load_parameters(NAME)
    load_parameters.cache_clear()
    return [str(column) for column in table.columns]


def test_an_official_file_takes_the_place_of_the_projects_own(folder: Path) -> None:
    columns = own_columns()
    cells = ",".join("official" for _ in columns)
    # Columns may stand in another order.
    (folder / f"{NAME}.csv").write_text(",".join(reversed(columns)) + f"\n{cells}\n")
    table = load_parameters(NAME)
    assert table.columns.tolist() == columns
    assert table.to_numpy().tolist() == [["official"] * len(columns)]
    assert find_official(NAME) == folder / f"{NAME}.csv"
    assert find_official("esrd_interval") is None


def test_without_an_official_file_the_projects_own_is_read() -> None:
    assert len(load_parameters("esrd_interval")) == 6


def test_an_official_file_with_other_columns_is_refused(folder: Path) -> None:
    (folder / f"{NAME}.csv").write_text("number,citation\n1,CMS\n")
    with pytest.raises(ValueError, match=r"columns are citation, number, not"):
        load_parameters(NAME)


def test_a_row_without_a_citation_is_refused_by_its_number(folder: Path) -> None:
    columns = own_columns()
    cells = ",".join("" if column == "citation" else "x" for column in columns)
    (folder / f"{NAME}.csv").write_text(",".join(columns) + f"\n{cells}\n")
    with pytest.raises(ValueError, match="row 2, column 'citation': the cell is empty"):
        load_parameters(NAME)


def test_a_file_that_takes_no_files_place_is_told(folder: Path) -> None:
    (folder / "transfusion_cod.csv").write_text("code,citation\n")
    with pytest.raises(ValueError, match=r"transfusion_cod\.csv replaces no parameter"):
        load_parameters("esrd_interval")


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "nowhere")
    with pytest.raises(ParameterFileError, match="nowhere is not a folder"):
        load_parameters("esrd_interval")


LIMITS = "monitor"
"""Its ratios are numbers, and none of its cells is empty."""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(",2,", ",two,", 1), "'two' is not a number"),
        (lambda text: text.replace(",2,", ",,", 1), "the cell is empty and must not be"),
        (lambda text: text.replace(",2,", ",", 1), "cells where the header has"),
        (lambda text: text + text.splitlines()[-1] + "\n", "repeats row"),
        (lambda text: text.rstrip("\n"), "the last line does not end: the file was cut off"),
        (lambda text: text.splitlines()[0] + "\n", "has no row under the header"),
        (lambda text: text.replace("measure", "mesure", 1), "columns are"),
    ],
)
def test_a_slip_in_an_official_file_is_one_sentence_of_any_command(
    folder: Path, change: Callable[[str], str], message: str
) -> None:
    own = files("esrd_pipeline.parameters").joinpath(f"{LIMITS}.csv").read_text("utf-8")
    (folder / f"{LIMITS}.csv").write_text(change(own), encoding="utf-8")
    told = CliRunner().invoke(main, ["readings"])
    assert told.exit_code == 1
    assert told.output.startswith(f"Error: {LIMITS}.csv")
    assert message in told.output
    assert told.output.count("\n") == 1


def test_every_file_of_the_projects_own_could_be_an_official_one(folder: Path) -> None:
    own = files("esrd_pipeline.parameters")
    for file in own.iterdir():
        if file.name.endswith(".csv"):
            before = load_parameters(file.name.removesuffix(".csv"))
            load_parameters.cache_clear()
            (folder / file.name).write_bytes(file.read_bytes())
            after = load_parameters(file.name.removesuffix(".csv"))
            pd.testing.assert_frame_equal(before, after)
