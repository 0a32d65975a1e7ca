"""Stratified Cox regression against closed forms, brute force, R and lifelines."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from scipy.optimize import approx_fprime

from esrd_pipeline.statistics.cox import CoxFit, fit_cox
from esrd_pipeline.statistics.cox_baseline import Baseline, expect_events, fit_baseline
from esrd_pipeline.statistics.design import Design, build_design
from esrd_pipeline.statistics.fit import (
    CollinearError,
    FitError,
    SeparationError,
    SetAside,
)

R = Path(__file__).with_name("r")
DATA = pd.read_csv(R / "cox.csv")
TERMS = ("x1", "x2", "x3")


def design_of(data: pd.DataFrame, terms: tuple[str, ...] = TERMS) -> Design:
    return build_design({name: data[name].to_numpy(dtype=float) for name in terms}, dtype=float)


def inputs(data: pd.DataFrame, terms: tuple[str, ...] = TERMS) -> dict[str, Any]:
    return {
        "design": design_of(data, terms),
        "start": data["start"].to_numpy(dtype=float),
        "stop": data["stop"].to_numpy(dtype=float),
        "event": data["event"].to_numpy(),
        "offset": data["shift"].to_numpy(dtype=float),
    }


def fit_all(data: pd.DataFrame) -> CoxFit:
    return fit_cox(
        **inputs(data),
        stratum=data["stratum"].to_numpy(),
        patient=data["patient"].to_numpy(),
    )


def brute_force(data: pd.DataFrame, coefficients: np.ndarray) -> float:
    """Breslow's partial log-likelihood with a risk set written out for every event."""
    stratum, start, stop = (data[name].to_numpy() for name in ("stratum", "start", "stop"))
    predictor = data[list(TERMS)].to_numpy(dtype=float) @ coefficients + data["shift"].to_numpy()
    events = np.flatnonzero(data["event"])
    at_risk = (
        (stratum[events, None] == stratum)
        & (start < stop[events, None])
        & (stop >= stop[events, None])
    )
    return float(np.sum(predictor[events] - np.log(at_risk @ np.exp(predictor))))


def stored(model: str) -> dict[str, Any]:
    return json.loads((R / "cox.json").read_text(encoding="utf-8"))[model]


def make_rows(**columns: list[float]) -> dict[str, Any]:
    arrays = {name: np.array(values, dtype=float) for name, values in columns.items()}
    x = arrays.pop("x")
    return {"design": build_design({"x": x}, dtype=float), **arrays}


def test_four_patients_by_hand() -> None:
    # Events on days 1, 2 and 3 among x = 1, 0, 1, 0, each leaving on its day: the likelihood is
    # r / (2 + 2r) * 1 / (2 + r) * r / (1 + r) with r = e^b.
    rows = make_rows(x=[1, 0, 1, 0], start=[0, 0, 0, 0], stop=[1, 2, 3, 4], event=[1, 1, 1, 0])
    b = fit_cox(**rows).regression.coefficients[0]
    risk = np.exp(b)
    # d/db: 1 - 2r/(2+2r)  +  0 - r/(2+r)  +  1 - r/(1+r)  =  0
    assert 2 - 2 * risk / (2 + 2 * risk) - risk / (2 + risk) - risk / (1 + risk) == pytest.approx(
        0, abs=1e-9
    )


def test_r_gives_the_same_stratified_fit() -> None:
    theirs, ours = stored("stratified"), fit_all(DATA).regression
    assert ours.coefficients == pytest.approx(np.array(theirs["coefficients"]), rel=1e-6)
    assert ours.model_covariance == pytest.approx(np.array(theirs["model_covariance"]), rel=1e-6)
    assert ours.robust_covariance == pytest.approx(np.array(theirs["robust_covariance"]), rel=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-12)


def test_r_gives_the_same_fit_without_strata_and_the_same_expected_events() -> None:
    theirs, arrays = stored("plain"), inputs(DATA)
    ours = fit_cox(**arrays).regression
    assert ours.robust_covariance is None
    assert ours.coefficients == pytest.approx(np.array(theirs["coefficients"]), rel=1e-6)
    assert ours.model_covariance == pytest.approx(np.array(theirs["model_covariance"]), rel=1e-6)
    risk = np.exp(arrays["design"].multiply(ours.coefficients) + arrays["offset"])
    spans = {"start": arrays["start"], "stop": arrays["stop"]}
    baseline = fit_baseline(**spans, event=arrays["event"], risk=risk)
    expected = expect_events(baseline, **spans, risk=risk)
    published = json.loads((R / "cox.json").read_text(encoding="utf-8"))["events_expected"]
    assert expected == pytest.approx(np.array(published), rel=1e-6, abs=1e-9)
    assert expected.sum() == pytest.approx(DATA["event"].sum(), rel=1e-12)


def test_the_likelihood_is_the_brute_force_one_and_is_flat_at_the_estimate() -> None:
    regression = fit_all(DATA).regression
    b = regression.coefficients
    assert brute_force(DATA, b) == pytest.approx(regression.log_likelihood, rel=1e-12)
    gradient = approx_fprime(b, lambda point: brute_force(DATA, point), 1e-6)
    assert np.abs(gradient).max() < 1e-2
    step = 1e-3 * np.eye(3)
    curvature = [
        [
            (
                brute_force(DATA, b + u + v)
                - brute_force(DATA, b + u - v)
                - brute_force(DATA, b - u + v)
                + brute_force(DATA, b - u - v)
            )
            / 4e-6
            for u in step
        ]
        for v in step
    ]
    assert np.linalg.inv(-np.array(curvature)) == pytest.approx(
        regression.model_covariance, rel=1e-4, abs=1e-7
    )


@pytest.mark.filterwarnings("ignore:Starting with pandas version 4.0")  # lifelines calls pandas so
def test_lifelines_gives_the_same_fit_where_no_times_are_tied() -> None:
    generator = np.random.default_rng(3)
    rows = 300
    data = pd.DataFrame(
        {
            "x1": generator.normal(size=rows),
            "x2": generator.integers(0, 2, rows).astype(float),
            "stratum": generator.integers(0, 5, rows),
            "start": generator.uniform(0, 1, rows),
        }
    )
    data["stop"] = data["start"] + generator.exponential(np.exp(-0.5 * data["x1"]))
    data["event"] = generator.integers(0, 2, rows)
    theirs = CoxPHFitter().fit(
        data,
        duration_col="stop",
        event_col="event",
        entry_col="start",
        strata=["stratum"],
        fit_options={"precision": 1e-12},
    )
    ours = fit_cox(
        design=design_of(data, ("x1", "x2")),
        start=data["start"].to_numpy(),
        stop=data["stop"].to_numpy(),
        event=data["event"].to_numpy(),
        stratum=data["stratum"].to_numpy(),
    ).regression
    assert ours.coefficients == pytest.approx(theirs.params_.to_numpy(), rel=1e-6)
    assert ours.standard_errors == pytest.approx(theirs.standard_errors_.to_numpy(), rel=1e-6)


def test_a_row_is_at_risk_after_its_start_and_up_to_its_stop() -> None:
    rows = make_rows(x=[0, 1, 1, 0], start=[0, 0, 0, 5], stop=[5, 9, 5, 9], event=[1, 0, 1, 0])
    # Two events on day 5 (Breslow): e^b / (1 + 2 e^b)^2 is largest where e^b = 1 / 2.
    assert fit_cox(**rows).regression.coefficients[0] == pytest.approx(np.log(1 / 2), abs=1e-8)
    # Entering a day earlier it is at risk: e^b / (2 + 2 e^b)^2 is largest where e^b = 1.
    early = rows | {"start": np.array([0.0, 0, 0, 4])}
    assert fit_cox(**early).regression.coefficients[0] == pytest.approx(0.0, abs=1e-8)


def test_rows_without_a_say_are_counted() -> None:
    # Stratum 1 has no event; the last row of stratum 0 is over before the first event there.
    rows = make_rows(
        x=[1, 0, 1, 0, 1, 0, 1],
        start=[0, 0, 0, 0, 0, 0, 0],
        stop=[5, 6, 7, 8, 3, 4, 2],
        event=[1, 1, 1, 0, 0, 0, 0],
    )
    fit = fit_cox(**rows, stratum=np.array([0, 0, 0, 0, 1, 1, 0]))
    assert fit.regression.set_aside == (
        SetAside("strata without events", 1),
        SetAside("rows at risk at no event time", 3),
    )
    assert (fit.regression.row_count, fit.regression.event_count) == (4, 3)
    assert (fit.strata, fit.event_times) == (1, 3)


def test_order_and_labels_do_not_matter() -> None:
    first = fit_all(DATA).regression
    turned = DATA.sample(frac=1, random_state=5).reset_index(drop=True)
    relabelled = turned.assign(
        stratum=(turned["stratum"] * 7 + 3) % 30, patient=(turned["patient"] * 3 + 1) % 400
    )
    again = fit_all(relabelled).regression
    assert again.coefficients == pytest.approx(first.coefficients, rel=1e-9)
    assert again.robust_covariance == pytest.approx(first.robust_covariance, rel=1e-9)


def test_narrow_designs_give_the_same_fit() -> None:
    wide = fit_all(DATA).regression
    narrow = fit_cox(
        **(inputs(DATA) | {"design": Design(design_of(DATA).matrix.astype(np.float32), TERMS)}),
        stratum=DATA["stratum"].to_numpy(),
        patient=DATA["patient"].to_numpy(),
    ).regression
    assert narrow.coefficients == pytest.approx(wide.coefficients, rel=1e-9)
    assert narrow.robust_covariance == pytest.approx(wide.robust_covariance, rel=1e-9)


def test_terms_that_say_nothing_within_strata_are_named() -> None:
    data = DATA.assign(chain=DATA["stratum"] % 2, again=DATA["x1"])
    terms = (*TERMS, "chain", "again")
    arrays = inputs(data, terms) | {"stratum": data["stratum"].to_numpy()}
    with pytest.raises(CollinearError, match="chain, again"):
        fit_cox(**arrays)
    fit = fit_cox(**arrays, set_aside_aliased=True)
    assert fit.regression.names == TERMS
    assert fit.terms == terms
    assert fit.regression.set_aside[-1].names == ("chain", "again")


def test_separation_is_an_error_that_names_the_term() -> None:
    rows = make_rows(x=[1, 1, 0, 0], start=[0] * 4, stop=[1, 2, 3, 4], event=[1, 1, 0, 0])
    with pytest.raises(SeparationError, match=r"for x|term: x"):
        fit_cox(**rows)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("stop", [0.0, 2, 3, 4], "stop: 1 values are not above their start"),
        ("start", [np.nan, 0, 0, 0], "start: 1 values are not finite"),
        ("event", [2.0, 0, 0, 0], "event: 1 values are neither 0 nor 1"),
        ("event", [0.0, 0, 0, 0], "event: no row ends in an event"),
    ],
)
def test_bad_inputs_are_refused(name: str, values: list[float], said: str) -> None:
    rows = make_rows(x=[1, 0, 1, 0], start=[0] * 4, stop=[1, 2, 3, 4], event=[1, 0, 1, 0])
    with pytest.raises(FitError, match=said):
        fit_cox(**(rows | {name: np.array(values)}))


def test_large_predictors_do_not_overflow() -> None:
    shifted = inputs(DATA)
    plain = fit_cox(**shifted).regression
    far = fit_cox(**(shifted | {"offset": shifted["offset"] + 2000})).regression
    assert far.coefficients == pytest.approx(plain.coefficients, rel=1e-9)


def test_a_baseline_scores_new_rows_by_the_hazard_between_entry_and_exit() -> None:
    baseline = Baseline(np.array([10.0, 20.0]), np.array([0.1, 0.3]))
    expected = expect_events(
        baseline,
        start=np.array([0.0, 10.0, 9.0, 20.0]),
        stop=np.array([10.0, 20.0, 25.0, 30.0]),
        risk=np.array([1.0, 2.0, 1.0, 1.0]),
    )
    assert expected == pytest.approx([0.1, 0.4, 0.3, 0.0])


def test_planted_coefficients_are_found() -> None:
    generator = np.random.default_rng(8)
    planted, z = np.array([0.5, -0.4]), []
    for _ in range(40):
        rows = 2000
        x = np.column_stack([generator.normal(size=rows), generator.integers(0, 2, rows)])
        stratum = generator.integers(0, 50, rows)
        rate = np.exp(x @ planted + 0.5 * generator.normal(size=50)[stratum])
        time = generator.exponential(100 / rate)
        start = generator.uniform(0, 20, rows)
        is_seen = time > start
        regression = fit_cox(
            design=build_design({"x1": x[is_seen, 0], "x2": x[is_seen, 1]}),
            start=start[is_seen],
            stop=np.minimum(time, 120)[is_seen],
            event=(time < 120)[is_seen],
            stratum=stratum[is_seen],
        ).regression
        z.append((regression.coefficients - planted) / regression.standard_errors)
    assert np.abs(np.mean(z, axis=0)).max() < 3 / np.sqrt(40)
    assert np.std(z, axis=0) == pytest.approx([1, 1], abs=0.3)
