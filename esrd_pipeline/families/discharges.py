"""SRR and ED30, from a cohort of index discharges to the facility contract.

Stage 1 estimates the adjusters within pairs of facility and hospital; stage 2 the variance of the
hospitals; stage 3 the effects of facilities (fixed) and hospitals (random, with that variance). The
median facility effect is the national norm. Manual 2.10.11 to 2.10.14, 2.11.12 to 2.11.14, 2.26.12
to 2.26.15.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.families.cohort import Cohort, CohortError
from esrd_pipeline.families.contract import Assessed, Assessment, assemble_contract, join_notes
from esrd_pipeline.families.family import Family, count_rows
from esrd_pipeline.families.fits import (
    Row,
    assemble_fit,
    list_dropped,
    list_null,
    list_regression,
    list_values,
    read_element,
    read_regression,
)
from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.statistics.crossed_effects import fit_crossed
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.empirical_null import (
    assign_null,
    fit_null,
)
from esrd_pipeline.statistics.facility_effects import (
    EFFECT_BOUND,
    NO_HOSPITAL,
    FacilityEffects,
    RowScores,
    fit_facility_effects,
    score,
)
from esrd_pipeline.statistics.fit import Dropped, Regression
from esrd_pipeline.statistics.logistic import fit_logistic
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.statistics.rows import sum_by

HOSPITAL = "hospital_ccn"
EVENT = "is_event"

_SUMMARY = ("median_effect", "iterations", "gradient_norm", "decrement", "log_likelihood")
_EXACT = "facility effect infinite, bounded where it is fitted; z and limits exact"
_STRANGE = "hospitals the fit does not know count as average"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNorm:
    """A stored fit as read back, enough to score another year's rows.

    Attributes:
        regression: stage 1.
        hospitals: CCNs of the H hospitals of the fit, in ascending order.
        hospital_effects: stage 3, log-odds, shape (H,).
        median_effect: the national norm: median of the facility effects of the fit.
        national_rate: events per discharge of the fit's cohort (2.11.12).
    """

    regression: Regression
    hospitals: tuple[str, ...]
    hospital_effects: FloatArray
    median_effect: float
    national_rate: float


def fit_measure(
    specification: ThreeStageSpecification, performance_year: int, cohort: Cohort
) -> pd.DataFrame:
    """Fit the three stages to a cohort and return the table of the fit.

    The cohort has the columns ccn, patient_id, hospital_ccn, is_event (0 or 1) and the adjusters,
    one row per index discharge. Adjusters that are collinear within pairs of facility and hospital
    are dropped by name. Facilities below `minimum_modelled` are not in stages 2 and 3 and have no
    effect.

    Raises:
        CohortError: a column is missing or has nulls, or events are neither 0 nor 1.
        FitError: the model has no estimate; names the term and the rule.
    """
    hospitals, hospital = cohort.labels(HOSPITAL)
    outcome = _read_outcome(cohort)
    first = _fit_cells(cohort, hospital, outcome)
    offset = cohort.predict(first)
    is_modelled = _find_modelled(specification, _count_discharges(cohort))
    used = np.flatnonzero(is_modelled[cohort.facility])
    if not used.size:
        raise CohortError(
            f"cohort of {specification.measure}: no facility has {specification.minimum_modelled}"
            " discharges, so none is modelled"
        )
    second = fit_crossed(
        offset=offset[used],
        outcome=outcome[used],
        facility=cohort.facility[used],
        hospital=hospital[used],
        facility_count=cohort.ccns.size,
        hospital_count=hospitals.size,
    )
    third = fit_facility_effects(
        offset=offset[used],
        outcome=outcome[used],
        facility=cohort.facility[used],
        hospital=hospital[used],
        sigma_hospital=second.sigma_hospital,
        facility_count=cohort.ccns.size,
        hospital_count=hospitals.size,
    )
    totals = {"events": float(outcome.sum()), "discharges": float(outcome.size)}
    return assemble_fit(
        specification,
        performance_year,
        [
            *list_regression(first, stage=1),
            *list_regression(second.regression, stage=2),
            *_list_effects(third, ccns=cohort.ccns, hospitals=hospitals, totals=totals),
        ],
    )


def fit_adjusters(cohort: Cohort) -> Regression:
    """Fit the first stage alone, as `fit_measure` does.

    Raises:
        CohortError: a column is missing or has nulls, or events are neither 0 nor 1.
        FitError: the model has no estimate; names the term and the rule.
    """
    _, hospital = cohort.labels(HOSPITAL)
    return _fit_cells(cohort, hospital, _read_outcome(cohort))


def read_fit(fit: pd.DataFrame) -> StoredNorm:
    """Read what scoring needs of the fit that `fit_measure` stored, to the last bit."""
    hospitals = read_element(fit, "hospital_effect", stage=3)
    summary = read_element(fit, "summary", stage=3)
    stored = dict(zip(summary["term"], summary["estimate"], strict=True))
    return StoredNorm(
        regression=read_regression(fit, stage=1),
        hospitals=tuple(hospitals["term"]),
        hospital_effects=hospitals["estimate"].to_numpy(dtype=np.float64),
        median_effect=float(stored["median_effect"]),
        national_rate=float(stored["events"] / stored["discharges"]),
    )


def score_rows(_: ThreeStageSpecification, fit: pd.DataFrame, cohort: Cohort) -> FloatArray:
    """Return the event probability of each discharge by a stored fit under the national norm.

    The cohort may be the fit's own or another; a hospital that is not in the fit has the effect 0.
    """
    norm = read_fit(fit)
    return _score(norm, cohort, _find_hospitals(norm, cohort)).expected


def assess_facilities(
    specification: ThreeStageSpecification,
    performance_year: int,
    fit: pd.DataFrame,
    cohort: Cohort,
) -> Assessed:
    """Assess every facility of a cohort with a stored fit.

    `value` is the ratio of observed to expected events, `rate` the ratio times the fit's national
    events per `rate_scale` discharges. z is exact (Poisson-binomial, mid-p) at the national norm;
    p-value and limits are exact, too, and use the empirical null by quartile of discharges (a
    discharge is at risk of the event from day 4 to day 30, so that as many discharges are as many
    patient-years at risk: reading 128), so that the 95% interval excludes 1 if and only if
    p is below 0.05. Without the null, p is 2 Phi(-|z|).

    The cohort may be of another year than the fit. Then the norm remains the fit's: its median
    facility effect, its hospital effects and its coefficients. No facility effect of either year
    is used, so that facilities that are not in the fit are assessed like any other; nor is the
    median moved to the new year's facilities, whose ratios may therefore all be above 1.

    Raises:
        CohortError: a column is missing or has nulls, or events are neither 0 nor 1.
        FitError: an adjuster is not finite.
    """
    norm = read_fit(fit)
    hospital = _find_hospitals(norm, cohort)
    offset = _score(norm, cohort, hospital).row_offsets
    discharges = _count_discharges(cohort)
    compared = compare_counts(
        effect=norm.median_effect,
        offset=offset,
        facility=cohort.facility,
        observed=sum_by(cohort.facility, _read_outcome(cohort), count=cohort.ccns.size),
    )
    is_modelled = _find_modelled(specification, discharges)
    null = fit_null(z=np.where(is_modelled, compared.z, np.nan), size=discharges)
    mine = assign_null(null, size=discharges)
    adjusted = adjust_counts(
        compared, offset=offset, facility=cohort.facility, mean=mine.mean, deviation=mine.deviation
    )
    strange = hospital == NO_HOSPITAL
    assessment = Assessment(
        unit_count=discharges,
        patients=cohort.count_patients(),
        numerator=compared.observed,
        denominator=compared.expected,
        value=compared.ratio,
        rate=compared.ratio * norm.national_rate * specification.rate_scale,
        standard_error=np.full(discharges.size, np.nan),
        lower=adjusted.lower,
        upper=adjusted.upper,
        p_value=adjusted.p_value,
        z=compared.z,
        z_null_mean=mine.mean,
        z_null_sd=mine.deviation,
        reference=1.0,
        note=join_notes(
            _note(
                observed=compared.observed,
                discharges=discharges,
                has_strange=np.bincount(cohort.facility[strange], minlength=discharges.size) > 0,
            ),
            null.rule,
        ),
    )
    return Assessed(
        contract=assemble_contract(
            specification, performance_year, ccns=cohort.ccns, assessment=assessment
        ),
        null=null,
        null_rows=assemble_fit(specification, performance_year, list_null(null, stage=3)),
        dropped=_report_dropped(
            specification,
            norm,
            cohort,
            strange_count=int(np.count_nonzero(strange)),
            unmodelled_count=int(np.count_nonzero(~is_modelled)),
        ),
    )


def _read_outcome(cohort: Cohort) -> FloatArray:
    """Return whether each discharge was followed by the event, as 0 or 1."""
    outcome = cohort.numbers(EVENT)
    broken = int(np.count_nonzero((outcome != 0) & (outcome != 1)))
    if broken:
        raise CohortError(
            f"cohort of {cohort.measure}: column {EVENT} has {broken:,} values other than 0 and 1"
        )
    return outcome


def _fit_cells(cohort: Cohort, hospital: IntArray, outcome: FloatArray) -> Regression:
    """Fit stage 1: one effect for each pair of facility and hospital."""
    return fit_logistic(
        design=cohort.design,
        outcome=outcome,
        cell=cohort.facility * (int(hospital.max()) + 1) + hospital,
        patient=cohort.patient,
        drop_aliased=True,
    ).regression


def _count_discharges(cohort: Cohort) -> FloatArray:
    return np.bincount(cohort.facility, minlength=cohort.ccns.size).astype(np.float64)


def _find_modelled(
    specification: ThreeStageSpecification, discharges: FloatArray
) -> NDArray[np.bool_]:
    return discharges >= (specification.minimum_modelled or 1)


def _list_effects(
    third: FacilityEffects,
    *,
    ccns: NDArray[np.object_],
    hospitals: NDArray[np.object_],
    totals: dict[str, float],
) -> Iterator[Row]:
    """Yield stage 3: effects of facilities and hospitals, the norm, and the nation's totals."""
    notes = np.select(
        [third.counts == 0, third.is_bounded & (third.observed == 0), third.is_bounded],
        [
            "not modelled: too few discharges",
            f"no events: bounded {EFFECT_BOUND:g} below the median",
            f"only events: bounded {EFFECT_BOUND:g} above the median",
        ],
        np.array(None, dtype=object),
    )
    yield from list_values("facility_effect", ccns, third.facility_effects, stage=3, notes=notes)
    yield from list_values("hospital_effect", hospitals, third.hospital_effects, stage=3)
    summary = {name: float(getattr(third, name)) for name in _SUMMARY} | totals
    yield from list_values("summary", summary, np.array(list(summary.values())), stage=3)
    yield from list_dropped(third.dropped, stage=3)


def _find_hospitals(norm: StoredNorm, cohort: Cohort) -> IntArray:
    """Return each row's index into the fit's hospitals, `NO_HOSPITAL` where it is not there."""
    labels, code = cohort.labels(HOSPITAL)
    # pandas gives values it does not find the code -1, which is NO_HOSPITAL.
    return pd.Index(norm.hospitals).get_indexer(pd.Index(labels))[code]


def _score(norm: StoredNorm, cohort: Cohort, hospital: IntArray) -> RowScores:
    return score(norm, offset=cohort.predict(norm.regression), hospital=hospital)


def _note(
    *, observed: FloatArray, discharges: FloatArray, has_strange: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Note facilities without a finite effect (reading 25) and those with unknown hospitals."""
    extreme = np.select(
        [observed == 0, observed == discharges],
        [f"no events: {_EXACT}", f"only events: {_EXACT}"],
        np.array(None, dtype=object),
    )
    both = np.array([f"{text}; {_STRANGE}" if text else _STRANGE for text in extreme], dtype=object)
    return np.where(has_strange, both, extreme)


def _report_dropped(
    specification: ThreeStageSpecification,
    norm: StoredNorm,
    cohort: Cohort,
    *,
    strange_count: int,
    unmodelled_count: int,
) -> tuple[Dropped, ...]:
    strange = sorted(set(cohort.labels(HOSPITAL)[0]) - set(norm.hospitals))
    least = specification.minimum_modelled
    listed = (
        Dropped("hospitals the fit does not know: effect 0", len(strange), tuple(strange)),
        Dropped("discharges from hospitals the fit does not know", strange_count),
        Dropped(f"facilities of fewer than {least} discharges: not in the null", unmodelled_count),
    )
    return tuple(aside for aside in listed if aside.count)


FAMILY = Family(
    fit=fit_measure,
    assess=assess_facilities,
    expect=score_rows,
    event=EVENT,
    measure_exposure=count_rows,
    unit="discharge",
)
