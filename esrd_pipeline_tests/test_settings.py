"""Settings of an installation that are not folders."""

from pathlib import Path

import pytest

from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import SettingError, load_settings


def test_the_memory_of_duckdb_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ESRD_MEMORY_LIMIT", raising=False)
    limit = "SELECT current_setting('memory_limit') AS size"
    assert list(make_storage().warehouse().query(limit)["size"]) == ["3.7 GiB"]
    # 4 GB are 3.72 GiB, of which DuckDB prints one decimal, cut off.
    monkeypatch.setenv("ESRD_MEMORY_LIMIT", "512MiB")
    assert list(make_storage().warehouse().query(limit)["size"]) == ["512.0 MiB"]


@pytest.mark.parametrize("text", ["much", "0GB", "3", "-1GB", "3GB; DROP"])
def test_a_memory_that_is_no_size_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESRD_MEMORY_LIMIT", text)
    with pytest.raises(SettingError, match=r"^ESRD_MEMORY_LIMIT is .*; it is a size, such as 4GB$"):
        load_settings()
