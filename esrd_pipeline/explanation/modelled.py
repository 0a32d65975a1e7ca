"""The factors of every modelled measure's expected numbers, for the rows of one facility.

A stored fit's terms decide which columns the design has, so that the rows of one facility give the
numbers that the nation's gave. Manual 2.10.12, 2.11.14, 2.12.14, 2.13.14, 2.14.13, 2.15.13,
2.25.15, 2.26.13, 2.27.13.
"""

import importlib
from collections.abc import Sequence
from inspect import signature
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.explanation.factors import (
    EXPECTED,
    ROW,
    SUM,
    Factors,
    join_stored,
    label_rows,
    list_adjusters,
    sum_adjusters,
)
from esrd_pipeline.explanation.request import ExplanationError, Request
from esrd_pipeline.families.cohort import PATIENT, Cohort, read_cohort
from esrd_pipeline.families.conditions import add_conditions, list_conditions
from esrd_pipeline.measures.specification import Specification, ThreeStageSpecification
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.tables import discharges, history, linkage, measured, recurrent_events, survival
from esrd_pipeline.tables.model import Table

DAYS_PER_YEAR = 365.25
_CONDITIONS = {"shr": "manual", "sedr": "sedr"}
"""How the prevalent conditions of a measure of rates are found; STrR has none."""
_OF_TIMES = {"smr": survival.SMR, "swr": survival.SWR, "smosr": survival.SMOSR}


def explain_rates(request: Request) -> Factors:
    """Return the factors of SHR, STrR or SEDR: rate a day, days at risk, adjusters."""
    fit = _read_fit(request)
    coefficients = find_coefficients(fit)
    cohort = _read_rates(request)
    baseline = _values(fit, "baseline", stage=2)
    names = [f"interval {code}" for code in cohort.codes("interval")]
    totals = find_summary(fit, stage=2)
    nation = [totals[totals.index.str.startswith(name)].sum() for name in ("events", "days")]
    rate = baseline.reindex(names).to_numpy(dtype=np.float64)
    days = cohort.numbers("days_at_risk")
    total = sum_adjusters(cohort, coefficients)
    rows = pd.DataFrame(
        {
            PATIENT: cohort.table.column(PATIENT).to_numpy(),
            ROW: label_rows(cohort, "period"),
            "start_date": cohort.table.column("start_date").to_pandas(),
            "esrd_interval": cohort.codes("interval"),
            "rate_a_day": rate,
            "days_at_risk": days.astype(np.int64),
            SUM: total,
            "relative_risk": np.exp(total),
            EXPECTED: rate * days * np.exp(total),
            "observed": cohort.numbers("event_count").astype(np.int64),
        }
    )
    return Factors(
        rows=join_stored(rows, _read_expected(request, rows), "period"),
        adjusters=list_adjusters(cohort, "period", coefficients),
        formula="expected = rate_a_day x days_at_risk x exp(adjusters_sum): the nation's events a"
        " day at this duration of ESRD, the patient's days at risk here, and the patient's"
        " adjusters",
        national_rate=float(nation[0] / nation[1] * DAYS_PER_YEAR * _find_scale(request)),
    )


def explain_times(request: Request) -> Factors:
    """Return the factors of SMR, SWR or SMoSR: hazard of the days at risk, adjusters."""
    fit = _read_fit(request)
    coefficients = find_coefficients(fit)
    cohort = _read_times(request, coefficients.index.tolist())
    total = sum_adjusters(cohort, coefficients)
    steps = _element(fit, "baseline", stage=3)
    times = steps["at"].to_numpy(dtype=np.float64)
    hazards = np.append(0.0, steps["estimate"].to_numpy(dtype=np.float64))
    start, stop = cohort.numbers("start_day"), cohort.numbers("stop_day")
    hazard = (
        hazards[np.searchsorted(times, stop, side="right")]
        - hazards[np.searchsorted(times, start, side="right")]
    )
    rows: dict[str, object] = {
        PATIENT: cohort.table.column(PATIENT).to_numpy(),
        ROW: label_rows(cohort, "start_date"),
        "start_day": start.astype(np.int64),
        "stop_day": stop.astype(np.int64),
        "days_at_risk": (stop - start).astype(np.int64),
        "hazard": hazard,
        SUM: total,
    }
    formula = "expected = hazard x exp(adjusters_sum)"
    predictor = total
    for name, slope in find_coefficients(fit, stage=2).items():
        values = cohort.numbers(str(name))
        rows |= {str(name): values, f"{name}_coefficient": np.full(len(values), float(slope))}
        predictor = predictor + float(slope) * values
        formula = f"expected = hazard x exp(adjusters_sum + {name} x {name}_coefficient)"
    rows |= {
        "relative_risk": np.exp(predictor),
        EXPECTED: hazard * np.exp(predictor),
        "observed": cohort.numbers("is_event").astype(np.int64),
    }
    totals = find_summary(fit, stage=3)
    nation = totals["events"] / totals["days at risk"]
    frame = pd.DataFrame(rows)
    stored = _read_expected(request, frame)
    if not stored.empty:
        stored = stored.assign(start_date=pd.to_datetime(stored["start_date"]).dt.date)
    frame[ROW] = pd.to_datetime(frame[ROW]).dt.date.astype(str)
    adjusters = list_adjusters(cohort, "start_date", coefficients)
    adjusters[ROW] = pd.to_datetime(adjusters[ROW]).dt.date.astype(str)
    return Factors(
        rows=join_stored(frame, stored, "start_date"),
        adjusters=adjusters,
        formula=f"{formula}: the nation's hazard between start_day and stop_day of the patient's"
        " time at risk, and the patient's adjusters",
        national_rate=float(nation * DAYS_PER_YEAR * _find_scale(request)),
    )


def explain_discharges(request: Request) -> Factors:
    """Return the factors of SRR or ED30: the nation's norm, the hospital, adjusters."""
    from esrd_pipeline.families.discharges_cohort import name_conditions, prepare

    fit = _read_fit(request)
    coefficients = find_coefficients(fit)
    specification = cast("ThreeStageSpecification", specify(request))
    table = discharges.SRR if request.measure == "srr" else discharges.ED30
    rows = request.read_arrow(table, where=_mine(request))
    rows = _require(request, rows.filter(pc.field("reason").is_null()))
    conditions = request.read_arrow(
        discharges.DISCHARGE_CONDITION,
        columns=[PATIENT, "stay", "condition_group"],
        where={
            "specification": name_conditions(specification),
            PATIENT: _distinct(rows),
        },
    )
    _, cohort = prepare(specification, rows, conditions, terms=coefficients.index.tolist())
    total = sum_adjusters(cohort, coefficients)
    totals = find_summary(fit, stage=3)
    norm = float(totals["median_effect"])
    hospitals = cohort.table.column("hospital_ccn").to_pandas()
    # A hospital that the fit does not know counts as average.
    effect = _values(fit, "hospital_effect", stage=3).reindex(hospitals).fillna(0.0).to_numpy()
    frame = pd.DataFrame(
        {
            PATIENT: cohort.table.column(PATIENT).to_numpy(),
            ROW: label_rows(cohort, "stay"),
            "discharge_date": cohort.table.column("discharge_date").to_pandas(),
            "hospital_ccn": hospitals,
            "national_norm": norm,
            "hospital_effect": effect,
            SUM: total,
            "log_odds": norm + effect + total,
            EXPECTED: 1 / (1 + np.exp(-(norm + effect + total))),
            "observed": cohort.numbers("is_event").astype(np.int64),
        }
    )
    return Factors(
        rows=join_stored(frame, _read_expected(request, frame), "stay"),
        adjusters=list_adjusters(cohort, "stay", coefficients),
        formula="expected = 1 / (1 + exp(-(national_norm + hospital_effect + adjusters_sum))): the"
        " log-odds of the median facility, of the discharging hospital, and of the patient's"
        " adjusters",
        national_rate=float(totals["events"] / totals["discharges"] * _find_scale(request)),
    )


def find_coefficients(fit: pd.DataFrame, *, stage: int = 1) -> pd.Series:
    """Return a stage's coefficients by the name of the adjuster."""
    return _values(fit, "coefficient", stage=stage)


def find_summary(fit: pd.DataFrame, *, stage: int) -> pd.Series:
    """Return a stage's summary by the name of the number."""
    return _values(fit, "summary", stage=stage)


def read_fit(request: Request) -> pd.DataFrame:
    """Return the program's stored fit of the measure.

    Raises:
        ExplanationError: the year has none.
    """
    return _read_fit(request)


def _read_fit(request: Request) -> pd.DataFrame:
    table = measured.MODELLED[request.measure].fit
    fit = request.read(table, where={"program": request.program})
    if fit.empty:
        raise ExplanationError(f"{request.name}: the year has no model of the measure")
    return fit


def _read_rates(request: Request) -> Cohort:
    table = recurrent_events.COHORTS[request.measure]
    rows = _require(request, request.read_arrow(table, where=_mine(request)))
    people = _distinct(rows)
    specification = specify(request)
    conditions = None
    if (found_by := _CONDITIONS.get(request.measure)) is not None:
        specification = add_conditions(specification, list_conditions(found_by))
        conditions = request.read_arrow(
            history.PREVALENT_CONDITION,
            columns=[PATIENT, "condition_group"],
            where={"specification": found_by, PATIENT: people},
        )
    patients = request.read_arrow(
        history.PATIENT_CHARACTERISTICS,
        columns=[PATIENT, *_list_facts(specification, history.PATIENT_CHARACTERISTICS)],
        where={PATIENT: people},
    )
    cohort = read_cohort(specification, rows, patients=patients, conditions=conditions)
    return cohort.keep(find_coefficients(_read_fit(request)).index.tolist())


def _read_times(request: Request, terms: Sequence[str]) -> Cohort:
    """Read the facility's records of all years of the fit, under today's numbers."""
    from esrd_pipeline.families.identity import Identity
    from esrd_pipeline.families.survival_cohort import (
        CONDITIONS,
        prepare_smosr,
        prepare_smr,
        prepare_swr,
    )

    table = _OF_TIMES[request.measure]
    numbers = request.read(
        linkage.PROVIDER_NUMBER,
        columns=["provider_number", "ccn"],
        where={"program": "dfc", "ccn": request.ccn},
    )
    known = request.read(linkage.EARLIER_PATIENT)
    identity = Identity.of(known, numbers)
    own = sorted({request.ccn, *numbers["provider_number"]})
    specification = specify(request)
    facts = _list_facts(specification, history.PATIENT_CHARACTERISTICS)
    rows: dict[int, pa.Table] = {}
    patients: dict[int, pa.Table] = {}
    conditions: dict[int, pa.Table] = {}
    module = importlib.import_module(f"esrd_pipeline.measures.{request.measure}")
    for year in range(request.year - module.YEARS + 1, request.year + 1):
        if not request.warehouse.has(table, year):
            continue
        is_last = year == request.year
        found = request.read_arrow(table, year, where={"ccn": [request.ccn] if is_last else own})
        people = _distinct(found)
        if not is_last:
            # Of two numbers that a person had, one is kept (reading 101): read the rows of both.
            people = _list_numbers(people, known)
            found = request.read_arrow(table, year, where={PATIENT: people})
            found = identity.rename(found)
            found = found.filter(pc.field("ccn") == request.ccn)
        rows[year] = found
        characteristics = request.read_arrow(
            history.PATIENT_CHARACTERISTICS,
            year,
            columns=[PATIENT, "performance_year", *facts],
            where={PATIENT: people},
        )
        patients[year] = characteristics if is_last else identity.rename(characteristics)
        if request.measure == "smr":
            had = request.read_arrow(
                history.PREVALENT_CONDITION,
                year,
                columns=[PATIENT, "condition_group"],
                where={"specification": CONDITIONS, PATIENT: people},
            )
            conditions[year] = had if is_last else identity.rename(had, joins_numbers=True)
    _require(request, pa.concat_tables(rows.values()))
    if request.measure == "smr":
        return prepare_smr(request.year, rows, patients, conditions, terms=terms)[1]
    prepare = prepare_swr if request.measure == "swr" else prepare_smosr
    return prepare(request.year, rows, patients, terms=terms)[1]


def _list_numbers(people: Sequence[int], known: pd.DataFrame) -> list[int]:
    """Return every number that these persons have had, today's and earlier ones."""
    earlier = known["earlier_patient_id"].to_numpy(dtype=np.int64)
    today = known[PATIENT].to_numpy(dtype=np.int64)
    current = np.union1d(np.array(people, dtype=np.int64), today[np.isin(earlier, people)])
    return np.union1d(current, earlier[np.isin(today, current)]).tolist()


def specify(request: Request) -> Specification:
    """Return the measure's specification, without the terms of conditions."""
    module = importlib.import_module(f"esrd_pipeline.measures.{request.measure}")
    both = len(signature(module.specify).parameters) > 1
    found: Specification = (
        module.specify(request.program, request.year) if both else module.specify(request.year)
    )
    return found


def _find_scale(request: Request) -> float:
    return find_measure(request.measure, request.program, request.year).rate_scale


def _list_facts(specification: Specification, table: Table) -> list[str]:
    return [name for name in specification.facts if name in table.column_names]


def _mine(request: Request) -> dict[str, str]:
    return {"program": request.program, "ccn": request.ccn}


def _distinct(rows: pa.Table) -> list[int]:
    return np.unique(rows.column(PATIENT).to_numpy()).tolist()


def _require(request: Request, rows: pa.Table) -> pa.Table:
    if not rows.num_rows:
        raise ExplanationError(f"{request.name}: the facility has no row in the measure's cohort")
    return rows


def _read_expected(request: Request, rows: pd.DataFrame) -> pd.DataFrame:
    table = measured.MODELLED[request.measure].expected
    if table is None:
        return pd.DataFrame()
    people = np.unique(rows[PATIENT].to_numpy()).tolist()
    return request.read(table, where={"program": request.program, PATIENT: people})


def _element(fit: pd.DataFrame, element: str, *, stage: int) -> pd.DataFrame:
    chosen = fit[(fit["element"] == element) & (fit["stage"] == stage)]
    return chosen.sort_values("position", ignore_index=True)


def _values(fit: pd.DataFrame, element: str, *, stage: int) -> pd.Series:
    chosen = _element(fit, element, stage=stage)
    return chosen.set_index("term")["estimate"].astype(float)
