"""No patient is named by what is said of a damaged file, whichever way it is damaged."""

import copy
from pathlib import Path

import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.expectations import audit
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import check_extracts, make_select
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.synthetic.nation.files import list_files
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.canaries import describe, planted, read_cells, search, write_planted
from esrd_pipeline_tests.damages import DAMAGES, Rows, find_person, write

YEAR = 2024
FILES = ("eqrs_patient", "cms_2746", "inpatient_revenue", "ssa_death")
"""A file of each kind: people, forms, claims, a register."""
ROWS = 20


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Rows], set[bytes]]:
    """The first rows of each file, and the canaries in them."""
    folder = write_planted(tmp_path_factory.mktemp("nation"), facilities=2, year=YEAR)
    files = {}
    for name in FILES:
        rows = read_cells(folder / f"{name}.txt")
        files[name] = [list(rows.columns), *rows.head(ROWS).to_numpy().tolist()]
    return files, planted(folder)


def store(folder: Path, table: Table, warehouse: Warehouse) -> tuple[str, bool]:
    """Store a table's files; return all that is said of them, and whether they are refused."""
    with warehouse.connect() as query:
        try:
            extracts = find_extracts(folder, table)
            extracts, rewritten = check_extracts(table, extracts, query)
            select = make_select(table, extracts)
            staged = warehouse.stage_select(table, YEAR, select, tables={})
            judged = audit(table=table, staged=staged.path, query=query)
        except Exception as error:  # noqa: BLE001 - whichever it is, it must name nobody
            return describe(error), isinstance(error, SourceError)
    return f"{rewritten} {judged.broken}", bool(judged.broken)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_said_of_a_damaged_file_names_nobody(
    people: tuple[dict[str, Rows], set[bytes]],
    damage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / str(YEAR)
    folder.mkdir()
    suffix, spoil = DAMAGES[damage]
    files, canaries = people
    refused = 0
    for name, rows in files.items():
        table = list_files()[name]
        assert search(find_person(rows), canaries)
        content = spoil(copy.deepcopy(rows), table)
        if content is not None:
            (folder / f"{name}{suffix}").write_bytes(content)
            text, is_refused = store(folder, table, Warehouse(tmp_path / name))
            assert not search(text, canaries), text
            refused += is_refused
    assert refused, "no file is refused for it: it is no damage"
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert "raw.eqrs_patient" in result.output
    assert not search(result.output, canaries), result.output
    if result.exception is not None:
        assert not search(describe(result.exception), canaries)
    for text in capfd.readouterr():
        assert not search(text, canaries), text


def test_a_file_that_changes_after_its_check_is_told_without_its_values(
    people: tuple[dict[str, Rows], set[bytes]], tmp_path: Path
) -> None:
    files, canaries = people
    table, rows = list_files()["eqrs_patient"], copy.deepcopy(files["eqrs_patient"])
    path = tmp_path / "eqrs_patient.txt"
    path.write_bytes(write(rows))
    warehouse = Warehouse(tmp_path / "warehouse")
    extracts = find_extracts(tmp_path, table)
    extracts, _ = check_extracts(table, extracts, warehouse.query)
    rows[3] += rows[4]
    path.write_bytes(write(rows))
    with pytest.raises(ValueError, match="values that do not fit") as caught:
        warehouse.stage_select(table, YEAR, make_select(table, extracts), tables={})
    assert not search(describe(caught.value), canaries)
