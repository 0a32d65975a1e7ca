"""An emergency's effect: who is compared, ratios by hand, and what others are not shown."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.cli_emergency_effect import write_cell
from esrd_pipeline.emergency.effect import (
    EffectDayError,
    check_day,
    estimate_effect,
    find_unaffected,
    lacks_year_before,
)
from esrd_pipeline.tables.emergency import COMPARISONS, OUTCOMES
from esrd_pipeline_tests.emergency.small import AFTER, store_after

SAME, OTHERS = COMPARISONS
STRUCK, SPARED = ("A", "B"), ("C", "D")


def make_outcomes() -> pd.DataFrame:
    """Two struck and two spared facilities of 100 patients each, who all live 30 days."""
    early = {("day", "A"): 70, ("day", "B"): 50, ("day", "C"): 4, ("day", "D"): 6}
    early |= {("year before", "A"): 10, ("year before", "B"): 15}
    return pd.DataFrame(
        [
            {
                "period": period,
                "ccn": ccn,
                "patients": 100,
                "patient_days": 3000,
                "dialysed_early": count,
                "sessions": 140 if (period, ccn) in {("day", "A"), ("day", "B")} else 200,
                "usual_sessions": 200.0,
                "treated_elsewhere": 0,
                "emergency_visits": 20 if ccn in STRUCK else 10,
                "admissions": 12,
                "deaths": 0,
            }
            for (period, ccn), count in early.items()
        ],
    )


def test_ratios_by_hand() -> None:
    found = estimate_effect(
        make_outcomes(), day=AFTER, area="FL", ccns=frozenset(STRUCK), unaffected=frozenset(SPARED)
    ).set_index(["outcome", "comparison"])
    assert list(found.index) == [(outcome, one) for outcome in OUTCOMES for one in COMPARISONS]
    ratio = found["ratio"]
    # Odds of 120 of 200, of 25 of 200 a year before and of 10 of 200 elsewhere.
    assert ratio["dialysed early", SAME] == pytest.approx((120 / 80) / (25 / 175))
    assert ratio["dialysed early", OTHERS] == pytest.approx((120 / 80) / (10 / 190))
    # 280 of 400 usual sessions, 400 of 400 in the others.
    assert ratio["sessions received", SAME] == ratio["sessions received", OTHERS] == 0.7
    assert (ratio["emergency visits", SAME], ratio["emergency visits", OTHERS]) == (1, 2)
    assert found.loc[("emergency visits", OTHERS), ["amount", "comparison_amount"]].to_list() == [
        6000,
        6000,
    ]
    assert ratio[["deaths", "treated elsewhere"]].isna().all()


def test_a_year_before_without_claims_is_not_zero_events() -> None:
    outcomes = make_outcomes()
    now = outcomes[outcomes["period"] == "day"]
    struck, spared = frozenset(STRUCK), frozenset(SPARED)
    found = estimate_effect(now, day=AFTER, area="FL", ccns=struck, unaffected=spared)
    assert lacks_year_before(found)
    rows = found.set_index(["outcome", "comparison"])
    names = [f"comparison_{name}" for name in ("facilities", "patients", "events", "amount")]
    assert rows.loc[("admissions", SAME), [*names, "ratio", "lower"]].isna().all()
    assert rows.loc[("admissions", OTHERS), names].to_list() == [2, 200, 24, 6000]
    # An area that is new has nobody a year before; that is known, where others have claims.
    new = estimate_effect(
        outcomes[~((outcomes["period"] == "year before") & (outcomes["ccn"] == "A"))],
        day=AFTER,
        area="FL",
        ccns=frozenset("A"),
        unaffected=spared,
    )
    assert not lacks_year_before(new)
    assert (new.loc[new["comparison"] == SAME, names] == 0).all(axis=None)


def declared(state: str, begin: str) -> pd.DataFrame:
    return pd.DataFrame({"state": [state], "incident_begin_date": [begin]})


def reported(ccn: str, status: str, since: str) -> pd.DataFrame:
    return pd.DataFrame({"ccn": [ccn], "status": [status], "from_at": [since]})


@pytest.mark.parametrize(
    ("declarations", "reports", "states"),
    [
        (declared("GA", "2024-10-01"), reported("T", "open", "2024-10-01T00:00Z"), {"TX", "NY"}),
        # Of thirty days before and after alone.
        (declared("GA", "2024-09-02"), reported("T", "closed", "2024-11-02T00:00Z"), {*"GTN"}),
        (declared("GA", "2024-11-01"), reported("T", "closed", "2024-11-01T00:00Z"), {"NY"}),
    ],
)
def test_other_states_are_those_without_an_emergency(
    declarations: pd.DataFrame, reports: pd.DataFrame, states: set[str]
) -> None:
    directory = pd.DataFrame(
        {"ccn": ["F", "G", "T", "N", "X"], "state": ["FL", "GA", "TX", "NY", None]}
    )
    found = find_unaffected(directory, declarations, reports, day=AFTER, ccns=frozenset({"F"}))
    assert found == {state[0] for state in states}


def test_the_weeks_around_the_day_must_be_stored() -> None:
    # 2023-01-01 is 394 days before 2024-01-30, 2024-12-31 is 29 days after 2024-12-02.
    for day in (date(2024, 1, 30), date(2024, 12, 2)):
        check_day(day)
    for day in (date(2024, 1, 29), date(2024, 12, 3)):
        with pytest.raises(EffectDayError, match="from 2024-01-30 to 2024-12-02"):
            check_day(day)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "data"
    monkeypatch.setenv("ESRD_DATA_DIR", str(root))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(tmp_path / "network"))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    (tmp_path / "network").mkdir()
    store_after(root / "embedded" / "warehouse")
    return root


def test_the_command_hides_few_patients_and_what_follows_from_them(data: Path) -> None:
    done = CliRunner().invoke(main, ["emergency-effect", "--area", "FL", "--date", "2024-10-03"])
    assert done.exit_code == 0, done.output
    path = data / "embedded" / "emergency" / "effect_FL-2024-10-03.csv"
    rows = pd.read_csv(path).set_index(["outcome", "comparison"])
    deaths = rows.loc[("deaths", OTHERS)]
    # 20, 14, 8 and 3 patients with claims in Florida, 7 in Georgia.
    assert (deaths["patients"], deaths["events"]) == (45, 12)
    assert deaths[["comparison_patients", "comparison_events", "ratio", "upper"]].isna().all()
    assert {"comparison_events", "comparison_amount", "ratio"} <= set(deaths["suppressed"].split())
    # Nothing is known of a year before without claims, and the whole numbers stay whole.
    assert rows.loc[("deaths", SAME), ["comparison_patients", "comparison_amount"]].isna().all()
    assert "Not compared with the year before: 2023 has no claims." in done.output
    assert ",45,12," in path.read_text()


def test_the_command_names_what_it_cannot_do(data: Path) -> None:
    for arguments, text in (
        (("--area", "FL", "--date", "2024-12-24"), "from 2024-01-30 to 2024-12-02"),
        (("--area", "ZZ", "--date", "2024-10-03"), "ZZ: no facility is there"),
        (("--area", "FL", "--date", "2023-10-03"), "2023"),
        # The claims of the year are of September.
        (("--area", "FL", "--date", "2024-06-03"), "the claims of 2024 are not there"),
    ):
        done = CliRunner().invoke(main, ["emergency-effect", *arguments])
        assert done.exit_code == 1
        assert text in done.output
    assert not list(data.rglob("effect_*"))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (116_470.0, "116,470"),
        (5151.5, "5,151.50"),
        (0.125, "0.13"),
        (0.0, "0"),
        (float("nan"), "-"),
    ],
)
def test_a_number_is_written_out_and_not_cut(number: float, text: str) -> None:
    assert write_cell(number) == text
