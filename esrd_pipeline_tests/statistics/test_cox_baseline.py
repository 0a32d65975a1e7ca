"""Breslow's cumulative hazard and expected events: by hand, against R, and in two stages."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.statistics.cox import fit_cox
from esrd_pipeline.statistics.cox_baseline import Baseline, compute_expected_events, fit_baseline
from esrd_pipeline.statistics.design import build_design
from esrd_pipeline.statistics.fit import FitError

R = Path(__file__).with_name("r")
DATA = pd.read_csv(R / "cox.csv")
STORED = json.loads((R / "cox.json").read_text(encoding="utf-8"))
STRATUM = DATA["stratum"].to_numpy()
SPANS = {name: DATA[name].to_numpy(dtype=float) for name in ("start", "stop")}
EVENT = DATA["event"].to_numpy()


def risk_of(model: str) -> np.ndarray:
    """The rows' risks by the coefficients that R stored."""
    predictor = DATA[["x1", "x2", "x3"]].to_numpy() @ np.array(STORED[model]["coefficients"])
    return np.exp(predictor + DATA["shift"].to_numpy())


def test_three_patients_by_hand() -> None:
    # Day 2: one event, risks 1 and 2 at risk (the third enters on day 2). Day 5: two events among
    # risks 2 and 4.
    spans: dict[str, Any] = {"start": np.array([0.0, 0, 2]), "stop": np.array([2.0, 5, 5])}
    risk = np.array([1.0, 2.0, 4.0])
    baseline = fit_baseline(**spans, event=np.array([1, 1, 1]), risk=risk)
    assert baseline.times.tolist() == [2.0, 5.0]
    assert baseline.cumulative == pytest.approx([1 / 3, 1 / 3 + 2 / 6])
    expected = compute_expected_events(baseline, **spans, risk=risk)
    assert expected == pytest.approx([1 / 3, 2 * (1 / 3 + 2 / 6), 4 * 2 / 6])
    assert expected.sum() == pytest.approx(3)


def test_r_gives_the_same_hazard_and_the_same_expected_events() -> None:
    theirs, risk = STORED["baseline"], risk_of("plain")
    baseline = fit_baseline(**SPANS, event=EVENT, risk=risk)
    assert baseline.times.tolist() == theirs["times"]
    assert baseline.cumulative == pytest.approx(np.array(theirs["cumulative"]), rel=1e-12)
    expected = compute_expected_events(baseline, **SPANS, risk=risk)
    assert expected == pytest.approx(np.array(STORED["events_expected"]), rel=1e-10, abs=1e-12)
    assert expected.sum() == pytest.approx(EVENT.sum(), rel=1e-12)


def test_r_gives_the_same_hazard_in_every_stratum() -> None:
    theirs, risk = STORED["stratified_baseline"], risk_of("stratified")
    baseline = fit_baseline(**SPANS, event=EVENT, risk=risk, stratum=STRATUM)
    assert baseline.strata is not None
    assert baseline.starts is not None
    assert np.repeat(baseline.strata, np.diff(baseline.starts)).tolist() == theirs["stratum"]
    assert baseline.times.tolist() == theirs["times"]
    assert baseline.cumulative == pytest.approx(np.array(theirs["cumulative"]), rel=1e-12)
    expected = compute_expected_events(baseline, **SPANS, risk=risk, stratum=STRATUM)
    assert np.bincount(STRATUM, expected) == pytest.approx(np.bincount(STRATUM, EVENT), rel=1e-12)


def test_a_stratum_without_events_expects_none_and_a_new_one_is_refused() -> None:
    spans: dict[str, Any] = {"start": np.zeros(4), "stop": np.array([1.0, 2, 3, 4])}
    rows = spans | {"risk": np.ones(4)}
    stratum = np.array([7, 3, 7, 3])
    baseline = fit_baseline(**rows, event=np.array([1, 0, 1, 0]), stratum=stratum)
    assert compute_expected_events(baseline, **rows, stratum=stratum) == pytest.approx(
        [0.5, 0, 1.5, 0]
    )
    with pytest.raises(FitError, match="stratum: 2 values are not among the baseline's"):
        compute_expected_events(baseline, **rows, stratum=np.array([7, 3, 8, 2]))
    with pytest.raises(FitError, match="if and only if the baseline has strata"):
        compute_expected_events(baseline, **rows)


def test_new_rows_are_scored_by_the_hazard_between_entry_and_exit() -> None:
    baseline = Baseline(np.array([10.0, 20.0]), np.array([0.1, 0.3]))
    expected = compute_expected_events(
        baseline,
        start=np.array([0.0, 10.0, 9.0, 20.0]),
        stop=np.array([10.0, 20.0, 25.0, 30.0]),
        risk=np.array([1.0, 2.0, 1.0, 1.0]),
    )
    assert expected == pytest.approx([0.1, 0.4, 0.3, 0.0])


def test_order_does_not_matter_and_risks_scale_the_hazard() -> None:
    risk = risk_of("plain")
    first = fit_baseline(**SPANS, event=EVENT, risk=risk)
    turn = np.random.default_rng(1).permutation(risk.size)
    turned = {name: values[turn] for name, values in SPANS.items()}
    again = fit_baseline(**turned, event=EVENT[turn], risk=8 * risk[turn])
    assert 8 * again.cumulative == pytest.approx(first.cumulative, rel=1e-12)


def test_a_risk_that_outweighs_all_others_leaves_the_later_hazard_alone() -> None:
    # 1e17 + 1 is 1e17 in doubles; after its event on day 1 the other three remain.
    baseline = fit_baseline(
        start=np.zeros(4),
        stop=np.array([1.0, 2, 3, 4]),
        event=np.ones(4),
        risk=np.array([1e17, 1, 1, 1]),
    )
    assert np.diff(baseline.cumulative) == pytest.approx([1 / 3, 1 / 2, 1], rel=1e-12)


def test_two_stages_take_out_what_facilities_and_states_differ_by() -> None:
    # Stage 1 within facilities; stage 2 nationally, with the state's death rate (2.14.13).
    generator = np.random.default_rng(6)
    rows = 30_000
    facility = generator.integers(0, 150, rows)
    frailty = generator.normal(size=rows) + 0.01 * (facility % 7)
    state = (facility % 10) / 10
    rate = np.exp(0.5 * frailty + 1.2 * state) / 800
    time = generator.exponential(1 / rate)
    spans: dict[str, Any] = {"start": np.zeros(rows), "stop": np.minimum(time, 365)}
    spans["event"] = time < 365
    first = fit_cox(**spans, design=build_design({"frailty": frailty}), stratum=facility)
    offset = first.regression.coefficients[0] * frailty
    second = fit_cox(**spans, design=build_design({"state": state}), offset=offset)
    for fit, truth in ((first, 0.5), (second, 1.2)):
        (found,), (error,) = fit.regression.coefficients, fit.regression.standard_errors
        assert abs(found - truth) < 3 * error
    risk = np.exp(offset + second.regression.coefficients[0] * state)
    event = spans.pop("event")
    baseline = fit_baseline(**spans, event=event, risk=risk)
    expected = compute_expected_events(baseline, **spans, risk=risk)
    assert expected.sum() == pytest.approx(event.sum(), rel=1e-12)
    ratio = np.bincount(facility, event) / np.bincount(facility, expected)
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stop": np.array([0.0, 2])}, "stop: 1 values are not above their start"),
        ({"risk": np.array([0.0, 1])}, "risk: 1 values are not above zero"),
        ({"risk": np.array([np.inf, 1])}, "risk: 1 values are not finite"),
        ({"risk": np.array([1.0])}, "risk has shape"),
        ({"event": np.array([0, 0])}, "event: no row ends in an event"),
    ],
)
def test_bad_inputs_are_refused(changed: dict[str, np.ndarray], message: str) -> None:
    rows: dict[str, Any] = {"start": np.zeros(2), "stop": np.array([1.0, 2]), "risk": np.ones(2)}
    baseline = fit_baseline(**rows, event=np.array([1, 0]))
    with pytest.raises(FitError, match=message):
        fit_baseline(**({"event": np.array([1, 0])} | rows | changed))
    if "event" not in changed:
        with pytest.raises(FitError, match=message):
            compute_expected_events(baseline, **(rows | changed))
