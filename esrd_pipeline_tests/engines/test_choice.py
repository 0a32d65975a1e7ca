"""The engine is a setting; what it lacks is named, and nothing of it is imported before."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.doctor import ask_java
from esrd_pipeline.engines import EngineError
from esrd_pipeline.engines.spark_engine import SparkEngine
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import SettingError, load_settings
from esrd_pipeline_tests.engines.visits import stage, store_visits


def test_duckdb_is_the_engine_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ESRD_ENGINE", raising=False)
    assert make_storage().warehouse().engine is None
    monkeypatch.setenv("ESRD_ENGINE", "spark")
    spill = tmp_path / "embedded" / "warehouse" / ".spill"
    assert make_storage().warehouse().engine == SparkEngine("local[*]", spill)
    monkeypatch.setenv("ESRD_SPARK_MASTER", "spark://head:7077")
    assert make_storage().warehouse().engine == SparkEngine("spark://head:7077", spill)
    # The resource's own fields come first.
    storage = make_storage().model_copy(update={"engine": "duckdb"})
    assert storage.warehouse().engine is None


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESRD_ENGINE", "flink")
    with pytest.raises(SettingError, match=r"^ESRD_ENGINE is flink; it can be duckdb or spark$"):
        load_settings()
    said = CliRunner().invoke(main, ["status"])
    assert said.exit_code == 1
    assert said.output == "Error: ESRD_ENGINE is flink; it can be duckdb or spark\n"


def test_a_missing_pyspark_is_told_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    store_visits(tmp_path)
    said = r"^ESRD_ENGINE=spark needs pyspark: pip install 'esrd_pipeline\[spark\]'$"
    with pytest.raises(EngineError, match=said):
        stage(tmp_path, SparkEngine("local[1]", tmp_path))


def test_a_missing_java_is_told_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_visits(tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"needs Java 17 or 21, and there is no java on the PATH"):
        stage(tmp_path, SparkEngine("local[1]", tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("ESRD_ENGINE", "spark")
    answer = ask_java(load_settings())
    assert not answer.is_well
    assert f"JAVA_HOME={tmp_path} has none" in answer.text
    # Spark Connect has its Java elsewhere.
    monkeypatch.setenv("ESRD_SPARK_MASTER", "sc://head:15002")
    assert ask_java(load_settings()).is_well


def test_definitions_import_no_engine_that_was_not_chosen() -> None:
    code = "import sys, esrd_pipeline.definitions\nprint('pyspark' in sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
