"""The embedded default's files for an emergency pass the door and tell one storm."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.emergency.status import find_status
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.network_files import write_embedded_network
from esrd_pipeline.synthetic.published import FACILITIES, SEED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    write_embedded_network(folder)
    return folder


def test_the_files_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(folder))
    done = CliRunner().invoke(main, ["network", "check"])
    assert done.exit_code == 0, done.output
    assert "raw.facility_status: 8 rows" in done.output
    assert "raw.disaster_declaration: 1 rows" in done.output


def test_four_facilities_of_florida_close_and_open_again(folder: Path) -> None:
    reports = pd.read_csv(folder / "facility_status.csv", dtype=str)
    nation = draw_nation(FACILITIES, SEED).set_index("number")
    assert set(nation.loc[reports["ccn"], "state"]) == {"FL"}
    closed = {
        at: int((find_status(reports, at)["status"] == "closed").sum())
        for at in (
            *("2024-09-26T12:30Z", "2024-09-26T18:00Z", "2024-09-28T18:00Z"),
            *("2024-09-30T18:00Z", "2024-12-31T00:00Z"),
        )
    }
    # Nobody has reported; all four have; one opens on each day from the 28th on.
    assert list(closed.values()) == [0, 4, 3, 1, 0]


def test_agreements_are_with_facilities_of_the_state(folder: Path) -> None:
    assets = pd.read_csv(folder / "facility_asset.csv", dtype=str)
    state = draw_nation(FACILITIES, SEED).set_index("number")["state"]
    agreed = assets.dropna(subset=["backup_ccn"])
    assert 0 < len(agreed) < len(assets)
    assert list(state[agreed["ccn"]]) == list(state[agreed["backup_ccn"]])
