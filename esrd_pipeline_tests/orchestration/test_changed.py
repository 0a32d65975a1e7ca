"""A refresh of what changed: what is made, what is kept, and why."""

import dagster as dg
import pytest

from esrd_pipeline.orchestration import made_of, table_asset
from esrd_pipeline.orchestration.launch import LaunchError
from esrd_pipeline.orchestration.unchanged import NEVER_MADE, NO_RECORD, OTHER_FILE
from esrd_pipeline.settings import Settings
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration import chain
from esrd_pipeline_tests.orchestration.chain import MADE, NUMBERS, SUM, TENS, YEAR
from esrd_pipeline_tests.orchestration.commands import digests

UP_TO_DATE = dict.fromkeys((NUMBERS.name, TENS.name, SUM.name))


@pytest.fixture
def chained(world: Settings, instance: dg.DagsterInstance) -> Settings:
    """The three tables of 12, 25 and 38 are stored: tens 1, 2 and 3, sum 6."""
    del instance
    write(world, "12 25 38")
    assert chain.tell() == dict.fromkeys(UP_TO_DATE, NEVER_MADE)
    chain.refresh()
    assert [*UP_TO_DATE] == MADE
    assert read(world) == [6]
    assert chain.tell() == UP_TO_DATE
    return world


def write(world: Settings, numbers: str) -> None:
    (world.data_dir / chain.FILE).write_text(numbers, encoding="utf-8")


def read(world: Settings) -> list[int]:
    return Warehouse(world.warehouse_dir).read(SUM, YEAR)["number"].tolist()


def find_events(run: str) -> dict[str, dg.AssetMaterialization]:
    with dg.DagsterInstance.get() as opened:
        records = opened.get_records_for_run(
            run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ).records
    events = [record.event_log_entry.asset_materialization for record in records]
    return {".".join(event.asset_key.path): event for event in events if event is not None}


def test_a_changed_file_runs_what_reads_it(chained: Settings) -> None:
    write(chained, "12 25 48")
    assert chain.tell() == {
        NUMBERS.name: "file numbers.txt changed",
        TENS.name: "reads raw.numbers, which may change",
        SUM.name: "reads raw.tens, which may change",
    }
    assert [one.is_certain for one in chain.plan()] == [True, False, False]
    chain.refresh()
    assert [*UP_TO_DATE] == MADE
    assert read(chained) == [7]
    assert chain.tell() == UP_TO_DATE


def test_what_reads_a_table_with_the_same_bytes_is_kept_and_says_so(chained: Settings) -> None:
    write(chained, "12 25 39")
    run = chain.refresh()
    assert [NUMBERS.name, TENS.name] == MADE
    made = find_events(run)
    assert "unchanged" not in made[TENS.name].metadata
    assert str(made[SUM.name].metadata["unchanged"].value).startswith("kept as stored: ")
    assert made[SUM.name].metadata["numbers"].value == 1
    with dg.DagsterInstance.get() as opened:
        (found,) = opened.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(SUM.path), "expectations"), limit=1
        )
    event = found.event
    assert event is not None
    check = event.asset_check_evaluation
    assert check is not None
    assert check.passed
    assert check.description == "unchanged, kept: judged when it was made: all hold"
    assert chain.tell() == UP_TO_DATE


def test_a_run_of_every_step_keeps_the_same(chained: Settings) -> None:
    before = digests(chained.warehouse_dir)
    chain.refresh(every_step=True)
    assert MADE == []
    write(chained, "12 25 39")
    chain.refresh(every_step=True)
    assert [NUMBERS.name, TENS.name] == MADE
    after = digests(chained.warehouse_dir)
    assert [path for path in before if after[path] != before[path]] == [
        f"raw/numbers/performance_year={YEAR}/data.parquet"
    ]


def test_the_version_in_dagster_is_the_digest_of_the_stored_file(chained: Settings) -> None:
    write(chained, "12 25 39")
    made = find_events(chain.refresh())
    stored = digests(chained.warehouse_dir)
    for table in (NUMBERS, TENS, SUM):
        path = f"raw/{table.path[1]}/performance_year={YEAR}/data.parquet"
        assert (made[table.name].tags or {})["dagster/data_version"] == stored[path]


@pytest.mark.parametrize(
    ("digests_now", "reason"), [("other {1}", "code changed"), ("{0} other", "parameters changed")]
)
def test_other_code_or_parameters_make_their_table(
    chained: Settings, monkeypatch: pytest.MonkeyPatch, digests_now: str, reason: str
) -> None:
    known = str(table_asset.find_digests(TENS)).split()
    monkeypatch.setitem(table_asset.DIGESTS, TENS.name, digests_now.format(*known))
    assert chain.tell() == {
        NUMBERS.name: None,
        TENS.name: reason,
        SUM.name: "reads raw.tens, which may change",
    }
    chain.refresh()
    # The note of what made it is part of a file: it stands in all that is made from it.
    assert [TENS.name, SUM.name] == MADE
    assert read(chained) == [6]


@pytest.mark.parametrize(
    ("digest", "reason"),
    [
        ("_digest_storing", "code that stores tables changed"),
        ("_digest_libraries", "Python or libraries changed"),
    ],
)
def test_what_all_tables_are_made_with_makes_all(
    chained: Settings, monkeypatch: pytest.MonkeyPatch, digest: str, reason: str
) -> None:
    del chained
    monkeypatch.setattr(made_of, digest, lambda: "other")
    assert set(chain.tell().values()) == {reason}


def test_a_table_that_is_removed_or_replaced_is_made(chained: Settings) -> None:
    before = digests(chained.warehouse_dir)
    stored = Warehouse(chained.warehouse_dir)
    path = stored.partition_path(TENS, YEAR)
    path.unlink()
    assert chain.tell()[TENS.name] == OTHER_FILE
    chain.refresh()
    # Made with the same bytes: what reads it is kept.
    assert [TENS.name] == MADE
    path.write_bytes(stored.partition_path(NUMBERS, YEAR).read_bytes())
    assert chain.tell()[TENS.name] == OTHER_FILE
    chain.refresh()
    assert digests(chained.warehouse_dir) == before
    made_of.forget(stored, SUM, YEAR)
    assert chain.tell() == {**UP_TO_DATE, SUM.name: NO_RECORD}


def test_a_step_that_failed_is_made_again(chained: Settings) -> None:
    write(chained, "12 25 x")
    with pytest.raises(LaunchError, match="is no number"):
        chain.refresh()
    assert chain.tell()[NUMBERS.name] == "file numbers.txt changed"
    assert read(chained) == [6]
    write(chained, "12 25 38")
    assert chain.tell() == UP_TO_DATE


def test_a_table_that_tells_of_a_failure_is_made_until_it_tells_of_none(chained: Settings) -> None:
    found = chained.data_dir / chain.FAILURE
    found.write_text("the sum is wrong", encoding="utf-8")
    write(chained, "12 25 48")
    with pytest.raises(LaunchError, match="the sum is wrong"):
        chain.refresh()
    assert read(chained) == [7]
    assert chain.tell() == {**UP_TO_DATE, SUM.name: NO_RECORD}
    found.unlink()
    chain.refresh()
    assert [SUM.name] == MADE
    assert chain.tell() == UP_TO_DATE


def test_a_file_delivered_again_with_the_same_bytes_changes_nothing(chained: Settings) -> None:
    file = chained.data_dir / chain.FILE
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    assert chain.tell() == UP_TO_DATE


def test_a_plan_writes_nothing(chained: Settings) -> None:
    write(chained, "12 25 48")
    before = {path: path.stat().st_mtime_ns for path in chained.data_dir.rglob("*")}
    chain.plan()
    assert {path: path.stat().st_mtime_ns for path in chained.data_dir.rglob("*")} == before
