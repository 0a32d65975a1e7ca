"""A whole refresh into a bucket, by a store that fails now and then: the bytes of a folder's."""

from pathlib import Path

import pytest

from esrd_pipeline.settings import Bucket
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.orchestration.commands import digests, run, run_here
from esrd_pipeline_tests.stores.kept import Direct, list_objects
from esrd_pipeline_tests.stores.proxy import Proxy

pytestmark = pytest.mark.slow
YEAR = "2022"
REFRESH = ("refresh", "--year", YEAR, "--star-baseline", "reset")


def test_a_year_in_a_bucket_has_the_bytes_of_a_year_in_a_folder(
    bucket: Bucket,
    proxy: Proxy,
    direct: Direct,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = tmp_path / "published"
    (published / YEAR).mkdir(parents=True)
    write_published_files(published / YEAR, performance_year=int(YEAR), facility_count=40)
    code, text = run(tmp_path / "folder", published, *REFRESH)
    assert code == 0, text
    expected = digests(tmp_path / "folder" / "warehouse")
    assert len(expected) == 37

    monkeypatch.setenv("ESRD_WAREHOUSE", bucket.address)
    proxy.every = 40
    code, text = run(tmp_path / "one", published, *REFRESH)
    assert code == 0, text
    assert f"Stored under {bucket.address}" in text
    assert not (tmp_path / "one" / "warehouse").exists()
    assert find_tables(direct, bucket) == expected
    assert {path.rsplit("/", 1)[1] for path in list_objects(direct, bucket)} == {
        "data.parquet",
        f"{YEAR}.json",
    }
    assert len(proxy.asked) < 30 * len(expected)

    # Another machine has no copies, and the records of what the tables are made of.
    code, text = run_here(tmp_path / "other", published, "refresh", "--year", YEAR, "--changed")
    assert code == 0, text
    assert "2022: 1 of 36 tables changed or read one; all else is kept" in text
    assert find_tables(direct, bucket) == expected
    code, text = run_here(tmp_path / "other", published, "status")
    assert code == 0, text
    assert f"Tables:      {bucket.address}" in text
    assert "2022:        37 tables" in text
    assert "none stale" in text


def find_tables(direct: Direct, bucket: Bucket) -> dict[str, str]:
    found = list_objects(direct, bucket)
    return {key: digest for key, digest in found.items() if key.endswith("data.parquet")}
