"""Stratified Cox regression checked against closed forms, brute force, R and lifelines."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from esrd_pipeline.statistics import cox
from esrd_pipeline.statistics.cox import CoxFit, fit_cox
from esrd_pipeline.statistics.design import Design, build_design
from esrd_pipeline.statistics.fit import (
    CollinearError,
    Dropped,
    FitError,
    SeparationError,
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


@dataclass
class Written:
    """The partial likelihood written out risk set by risk set, every sum exactly rounded."""

    log_likelihood: float
    score: np.ndarray
    information: np.ndarray
    residuals: np.ndarray


def write_out(data: pd.DataFrame, coefficients: np.ndarray) -> Written:
    stratum, start, stop = (data[name].to_numpy() for name in ("stratum", "start", "stop"))
    x, event = data[list(TERMS)].to_numpy(dtype=float), data["event"].to_numpy() == 1
    predictor = x @ coefficients + data["shift"].to_numpy()
    value, information, residuals = 0.0, np.zeros((3, 3)), np.zeros_like(x)
    for each in np.unique(stratum):
        mine = stratum == each
        for time in np.unique(stop[mine & event]):
            at_risk = np.flatnonzero(mine & (start < time) & (time <= stop))
            dead = np.flatnonzero(mine & event & (stop == time))
            largest = predictor[at_risk].max()
            weights = np.exp(predictor[at_risk] - largest)
            total = math.fsum(weights)
            mean = np.array([math.fsum(weights * column) for column in x[at_risk].T]) / total
            apart, share = x[at_risk] - mean, (dead.size * weights / total)[:, None]
            value += math.fsum(predictor[dead] - largest) - dead.size * math.log(total)
            information += (apart * share).T @ apart
            residuals[dead] += x[dead] - mean
            residuals[at_risk] -= apart * share
    return Written(value, residuals.sum(axis=0), information, residuals)


def wide_offsets() -> pd.DataFrame:
    """Entries spread over years of follow-up of weeks; weights in a stratum differ by e^30."""
    generator = np.random.default_rng(12)
    rows = 1500
    start = generator.integers(0, 3000, rows)
    data = pd.DataFrame(generator.normal(size=(rows, 3)), columns=list(TERMS))
    return data.assign(
        shift=generator.normal(0, 6, rows),
        stratum=generator.integers(0, 10, rows),
        patient=generator.integers(0, 700, rows),
        start=start,
        stop=start + generator.integers(1, 60, rows),
        event=(generator.random(rows) < 0.5).astype(int),
    )


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


def test_r_gives_the_same_fit_without_strata() -> None:
    theirs, arrays = stored("plain"), inputs(DATA)
    ours = fit_cox(**arrays).regression
    assert ours.robust_covariance is None
    assert ours.coefficients == pytest.approx(np.array(theirs["coefficients"]), rel=1e-6)
    assert ours.model_covariance == pytest.approx(np.array(theirs["model_covariance"]), rel=1e-6)


def test_what_is_written_out_has_these_derivatives() -> None:
    # So that the tests below stand on the likelihood alone.
    data, point, step = DATA.head(120), np.array([0.3, -0.2, 0.1]), 1e-4 * np.eye(3)
    written = write_out(data, point)
    ahead, behind = ([write_out(data, point + sign * way) for way in step] for sign in (1.0, -1.0))
    slopes = [
        (a.log_likelihood - b.log_likelihood) / 2e-4 for a, b in zip(ahead, behind, strict=True)
    ]
    bends = [(b.score - a.score) / 2e-4 for a, b in zip(ahead, behind, strict=True)]
    assert written.score == pytest.approx(slopes, rel=1e-6)
    assert written.information == pytest.approx(np.array(bends), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("data", [DATA, wide_offsets()], ids=["ordinary", "wide offsets"])
def test_the_fit_is_the_one_written_out(data: pd.DataFrame) -> None:
    regression = fit_all(data).regression
    written = write_out(data, regression.coefficients)
    assert regression.log_likelihood == pytest.approx(written.log_likelihood, rel=1e-12)
    assert np.abs(written.score / np.sqrt(np.diag(written.information))).max() < 1e-7
    covariance = np.linalg.inv(written.information)
    assert regression.model_covariance == pytest.approx(covariance, rel=1e-9, abs=1e-12)
    scores = np.zeros((data["patient"].max() + 1, 3))
    np.add.at(scores, data["patient"].to_numpy(), written.residuals)
    robust = covariance @ (scores.T @ scores) @ covariance
    assert regression.robust_covariance == pytest.approx(robust, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("lift", [20, 40])
def test_a_row_that_outweighs_all_others_leaves_nothing_behind_when_it_goes(lift: int) -> None:
    # At 40 the others are less than the last digit of a sum that it is in.
    early = int(DATA["stop"][(DATA["stratum"] == 0) & (DATA["event"] == 1)].idxmin())
    lifted = DATA.assign(shift=DATA["shift"] + lift * (DATA.index == early))
    written = write_out(lifted, fit_all(lifted).regression.coefficients)
    assert np.abs(written.score / np.sqrt(np.diag(written.information))).max() < 1e-7


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
    assert fit.regression.dropped == (
        Dropped("strata without events", 1),
        Dropped("rows at risk at no event time", 3),
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


def test_how_many_times_are_summed_together_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = fit_all(DATA).regression
    monkeypatch.setattr(cox, "TIMES_AT_ONCE", 1)
    again = fit_all(DATA).regression
    assert again.coefficients == pytest.approx(first.coefficients, rel=1e-9)
    assert again.robust_covariance == pytest.approx(first.robust_covariance, rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_far_from_zero_gives_the_same_fit(dtype: type) -> None:
    far = DATA.assign(x1=DATA["x1"] + 20_000)
    fits = [
        fit_cox(
            **(inputs(data) | {"design": Design(design_of(data).matrix.astype(dtype), TERMS)}),
            stratum=data["stratum"].to_numpy(),
        ).regression
        for data in (DATA, far)
    ]
    assert fits[1].coefficients == pytest.approx(fits[0].coefficients, rel=1e-8)
    assert fits[1].model_covariance == pytest.approx(fits[0].model_covariance, rel=1e-8)
    assert fits[1].iterations <= fits[0].iterations + 1


def test_terms_that_say_nothing_within_strata_are_named() -> None:
    data = DATA.assign(chain=DATA["stratum"] % 2, again=DATA["x1"])
    terms = (*TERMS, "chain", "again")
    arrays = inputs(data, terms) | {"stratum": data["stratum"].to_numpy()}
    with pytest.raises(CollinearError, match="chain, again"):
        fit_cox(**arrays)
    fit = fit_cox(**arrays, drop_aliased=True)
    assert fit.regression.names == TERMS
    assert fit.terms == terms
    assert fit.regression.dropped[-1].names == ("chain", "again")


def test_separation_is_an_error_that_names_the_term() -> None:
    rows = make_rows(x=[1, 1, 0, 0], start=[0] * 4, stop=[1, 2, 3, 4], event=[1, 1, 0, 0])
    with pytest.raises(SeparationError, match=r"for x|term: x"):
        fit_cox(**rows)


def test_a_runaway_term_is_named_among_others() -> None:
    data = DATA.assign(x2=1 - DATA["event"])
    with pytest.raises(SeparationError, match="x2"):
        fit_all(data)


def test_one_patient_alone_says_nothing() -> None:
    rows = make_rows(x=[1], start=[0], stop=[1], event=[1])
    with pytest.raises(CollinearError, match="x"):
        fit_cox(**rows)
    regression = fit_cox(**rows, drop_aliased=True).regression
    assert (regression.names, regression.event_count) == ((), 1)
    assert regression.log_likelihood == 0.0


def test_every_row_may_end_in_an_event_on_one_day() -> None:
    # Breslow: (e^b)^2 / (1 + 2 e^b)^3 is largest where 2 (1 + 2 r) = 6 r, so r = 1.
    rows = make_rows(x=[1, 1, 0], start=[0, 0, 0], stop=[4, 4, 4], event=[1, 1, 1])
    regression = fit_cox(**rows).regression
    assert regression.coefficients[0] == pytest.approx(0.0, abs=1e-8)
    assert regression.model_covariance[0, 0] == pytest.approx(1 / (3 * (1 / 3) * (2 / 3)))


def test_values_that_are_not_finite_are_named_by_column() -> None:
    design = design_of(DATA)
    for value in (np.nan, np.inf, -np.inf):
        matrix = design.matrix.copy()
        matrix[[3, 5], 1] = value
        with pytest.raises(FitError, match=r"not finite in x2$"):
            fit_cox(**(inputs(DATA) | {"design": Design(matrix, TERMS)}))


def test_offsets_too_far_apart_for_doubles_are_refused() -> None:
    first = DATA["stratum"] == 0
    latest = int(DATA["stop"][first & (DATA["event"] == 1)].idxmax())
    far = DATA.assign(shift=DATA["shift"] + 2000.0 * (first & (DATA.index != latest)))
    early = far.loc[far["stop"] < far["stop"][latest]]
    data = pd.concat([early[early["stratum"] == 0], far.loc[[latest]]])
    with pytest.raises(FitError, match="offset: values of one stratum lie too far apart"):
        fit_all(data)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("stop", [0.0, 2, 3, 4], "stop: 1 values are not above their start"),
        ("start", [np.nan, 0, 0, 0], "start: 1 values are not finite"),
        ("event", [2.0, 0, 0, 0], "event: 1 values are neither 0 nor 1"),
        ("event", [0.0, 0, 0, 0], "event: no row ends in an event"),
    ],
)
def test_bad_inputs_are_refused(name: str, values: list[float], message: str) -> None:
    rows = make_rows(x=[1, 0, 1, 0], start=[0] * 4, stop=[1, 2, 3, 4], event=[1, 0, 1, 0])
    with pytest.raises(FitError, match=message):
        fit_cox(**(rows | {name: np.array(values)}))


def test_large_predictors_do_not_overflow() -> None:
    shifted = inputs(DATA)
    plain = fit_cox(**shifted).regression
    far = fit_cox(**(shifted | {"offset": shifted["offset"] + 2000})).regression
    assert far.coefficients == pytest.approx(plain.coefficients, rel=1e-9)


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
