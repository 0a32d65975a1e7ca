"""The files of the synthetic nation: their names, columns and formats, and the seed."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.columns import Coded, schema_of, to_arrow
from esrd_pipeline.synthetic.nation.files import list_files
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline_tests.synthetic.nation_files import LAST, Nation, write_nation

pytestmark = pytest.mark.slow

FILES = list_files()
OPTIONAL_PARTS = ("value", "condition", "occurrence")


def hash_files(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_a_year_has_a_file_for_every_raw_table_of_eqrs_medicare_and_the_registers() -> None:
    covered = {table.name for table in FILES.values()}
    sources = (*eqrs.TABLES, *clinical.TABLES, *medicare.TABLES, *register.TABLES)
    assert covered == {table.name for table in sources}
    assert {"inpatient_base", "outpatient_revenue", "hospice_occurrence"} < FILES.keys()


@pytest.mark.parametrize(("name", "table"), FILES.items(), ids=FILES.keys())
def test_a_file_has_the_tables_columns_in_cms_s_upper_case(
    nation: Nation, name: str, table: Table
) -> None:
    path = nation.folder / str(LAST) / f"{name}.parquet"
    names = [c.name.upper() for c in table.columns if c.name != "performance_year"]
    assert pq.read_schema(path).names == names
    assert schema_of(table).names == names


@pytest.mark.parametrize(("name", "table"), FILES.items(), ids=FILES.keys())
def test_a_file_keeps_the_rules_of_its_table(nation: Nation, name: str, table: Table) -> None:
    rows = nation.read(name)
    if not name.endswith(OPTIONAL_PARTS):
        assert len(rows) > 0
    assert not rows.duplicated(list(table.key)).any()
    for column in table.columns:
        if column.name == "performance_year":
            continue
        values = rows[column.name]
        if column.required:
            assert values.notna().all(), column.name
        if column.allowed is not None:
            assert set(values.dropna()) <= set(column.allowed), column.name
        if column.minimum is not None:
            assert (values.dropna() >= column.minimum).all(), column.name
        if column.maximum is not None:
            assert (values.dropna() <= column.maximum).all(), column.name


def test_the_exceptions_are_read_by_the_project_s_own_reader(nation: Nation) -> None:
    grants = read_ece_grant(nation.folder / str(LAST) / "ece_grant.csv", LAST)
    assert len(grants) > 0
    assert (grants["first_month"] <= grants["last_month"]).all()


def test_workers_and_blocks_change_no_byte_and_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve facilities make nine markets: three blocks for two workers to finish out of turn."""
    monkeypatch.setattr(run, "MARKETS_IN_BLOCK", 4)
    alone = write_nation(tmp_path / "alone", facilities=12)
    write_nation(tmp_path / "workers", facilities=12, workers=2)
    assert hash_files(tmp_path / "workers") == hash_files(alone.folder)
    monkeypatch.setattr(run, "MARKETS_IN_BLOCK", 1)
    other = write_nation(tmp_path / "blocks", facilities=12)
    for name in ("eqrs_admission", "inpatient_base", "outpatient_revenue", "carrier_line"):
        pd.testing.assert_frame_equal(other.read(name), alone.read(name))


def test_a_repeated_word_is_in_the_dictionary_once() -> None:
    """Two of four words are Georgia: the file's bytes are those of its rows alone."""
    states = Coded(np.array([3, 0, 1, -1, 2]), ("GA", "AL", "GA", "AL"))
    table = Table(
        name="raw.word",
        grain="a row",
        source="a test",
        key=("state",),
        columns=(Column("state", "text", "State"),),
    )
    column = to_arrow(table, {"state": states})["STATE"].combine_chunks()
    assert column.to_pylist() == ["AL", "GA", "AL", None, "GA"]
    assert column.dictionary.to_pylist() == ["GA", "AL"]


def test_another_seed_is_another_nation(nation: Nation, tmp_path: Path) -> None:
    other = write_nation(tmp_path, facilities=5, span=Span(12, LAST, LAST))
    assert not set(other.read("eqrs_patient")["ssn"]) >= set(nation.read("eqrs_patient")["ssn"])
    assert not other.read("eqrs_patient").head(50).equals(nation.read("eqrs_patient").head(50))


def test_text_files_say_what_the_parquet_files_say(tmp_path: Path) -> None:
    order = {"facilities": 5, "span": Span(5, LAST, LAST)}
    whole = write_nation(tmp_path / "parquet", **order)
    write_nation(tmp_path / "rif", kind="rif", **order)
    for name in ("eqrs_patient", "inpatient_base", "outpatient_revenue", "eqrs_treatment"):
        texts = pd.read_csv(
            tmp_path / "rif" / str(LAST) / f"{name}.txt", sep="|", dtype="string"
        ).rename(columns=str.lower)
        rows = whole.read(name, with_run_out=True)
        assert list(texts.columns) == list(rows.columns)
        assert len(texts) == len(rows)
        for column in rows:
            assert texts[column].isna().sum() == rows[column].isna().sum(), column
    claims = pd.read_csv(
        tmp_path / "rif" / str(LAST) / "inpatient_base.txt", sep="|", dtype="string"
    )
    assert claims["CLM_THRU_DT"].str.fullmatch(r"\d{2}-[A-Z][a-z]{2}-202[45]").all()
    known = ["01", "02", "03", "06", "07", "20", "30", "62", "63", "65"]
    assert claims["PTNT_DSCHRG_STUS_CD"].isin(known).all()
    thru = pd.to_datetime(claims["CLM_THRU_DT"], format="%d-%b-%Y")
    assert thru.tolist() == (
        whole.read("inpatient_base", with_run_out=True)["clm_thru_dt"].tolist()
    )


def test_a_run_that_fails_leaves_no_file_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(run, "compute_block", fail)
    with pytest.raises(OSError, match="no space"):
        write_nation(tmp_path, facilities=5)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("years", [(2024, 2023), (1999, 2023), (2023, 2090)])
def test_years_that_cannot_be_had_are_refused(tmp_path: Path, years: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="the years must lie between"):
        write_nation(tmp_path, facilities=5, span=Span(1, *years))


def test_the_command_writes_the_nation_and_shows_its_calibration(tmp_path: Path) -> None:
    options = "--facilities 5 --first-year 2024 --last-year 2024 --seed 1 --workers 1"
    result = CliRunner().invoke(main, ["synthesize", *options.split(), "--folder", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "hospitalisation" in result.output
    assert (tmp_path / "2024" / "eqrs_patient.parquet").is_file()
    assert (tmp_path / "truth" / "facility_effect.parquet").is_file()
