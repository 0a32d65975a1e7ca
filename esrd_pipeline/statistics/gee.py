"""Stage 1 of SFR and PPPW: logit GEE with an exchangeable correlation (manual 2.2.14, 2.16.13).

Liang & Zeger (1986). Rows are patient-months and patients are clusters, across all facilities that
treated them (reading 24). Facility intercepts are eliminated by blocks instead of being columns of
the design. The correlation and the dispersion are the moment estimators of R's geepack: no degrees
of freedom are subtracted, phi is the mean squared Pearson residual and alpha the mean product of
pairs over phi. `gee_facilities` fits the facilities' own intercepts (stage 2).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray, check_columns
from esrd_pipeline.statistics.fit import (
    CollinearError,
    Dropped,
    FitError,
    Regression,
    SeparationError,
)
from esrd_pipeline.statistics.gee_clusters import (
    Clusters,
    check_outcome,
    check_predictor,
    group_clusters,
)
from esrd_pipeline.statistics.gee_scoring import (
    CORRELATION_TOLERANCE,
    REPEATING_TERMS,
    Point,
    eliminate,
    evaluate,
    find_start,
    find_step,
    iterate,
    split_separated,
    split_terms,
)
from esrd_pipeline.statistics.gee_sums import iterate_scores
from esrd_pipeline.statistics.newton import invert_information
from esrd_pipeline.statistics.rows import check_codes

PARTIAL_TERMS = "terms not estimated in every group of facilities"
WORKERS = 2
"""Number of groups solved at a time."""

Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeeFit:
    """A fit with F facility intercepts (none without facilities).

    Attributes:
        regression: the terms of the design; the model (naive) covariance is valid if the working
            correlation is true, the robust one clusters by patient without small-sample factors;
            the log-likelihood is that of independent rows at the estimate (as in QIC).
        correlation: alpha, the working correlation of two months of one patient.
        correlation_estimate: its moment estimate; differs if alpha was clipped to its range
            (`gee_scoring.CORRELATION_LIMIT`), which `dropped` then reports.
        dispersion: phi.
        facility: codes of the facilities with an intercept, rising, shape (F,).
        intercepts: their intercepts, shape (F,).
        patient_count: clusters.
    """

    regression: Regression
    correlation: float
    correlation_estimate: float
    dispersion: float
    facility: IntArray
    intercepts: FloatArray
    patient_count: int

    @property
    def is_held(self) -> bool:
        """Whether alpha was clipped: otherwise it is its estimate but for rounding."""
        return abs(self.correlation - self.correlation_estimate) > CORRELATION_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedGee:
    """The mean of fits to random groups of facilities (manual 2.2.14, 2.16.13).

    Attributes:
        regression: coefficients are the mean of the groups'; covariances are those of the mean,
            the robust one clustered by patient across groups, the model's as if no patient were
            in two groups; iterations, gradient and decrement are the groups' largest,
            log-likelihood and counts their sums.
        terms: all columns of the design, including dropped ones.
        fits: each group's own fit.
        groups: each group's facilities, codes rising.
        seed: seed of the split.
    """

    regression: Regression
    terms: tuple[str, ...]
    fits: tuple[GeeFit, ...]
    groups: tuple[IntArray, ...]
    seed: int

    def predict(self, design: Design) -> FloatArray:
        """Return x'b of every row, shape (rows,); dropped terms contribute 0.

        Raises:
            FitError: the design's columns are not the fit's.
        """
        check_columns(design, self.terms)
        return design.predict(self.regression)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solved:
    """A fit and the data that another pass over its rows needs."""

    fit: GeeFit
    clusters: Clusters
    point: Point
    kept: IntArray


def fit_gee(
    *,
    design: Design,
    outcome: NDArray[np.number],
    patient: Codes,
    facility: Codes | None = None,
    offset: FloatArray | None = None,
    drop_aliased: bool = False,
) -> GeeFit:
    """Fit by Fisher scoring; each step re-estimates correlation and dispersion.

    Rows need no order. Facilities without events or with only events have no finite intercept:
    they and their rows are dropped and counted. The intercepts' information is dense, F x F:
    meant for groups of facilities, possible for all.

    Args:
        design: covariates of each row; must include a constant if `facility` is not given.
        outcome: 0 or 1, shape (rows,).
        patient: codes from 0, shape (rows,); rows of one patient are one cluster.
        facility: codes from 0, shape (rows,); each gets a fixed intercept.
        offset: added to the linear predictor, shape (rows,).
        drop_aliased: drop and report terms that do not vary within facilities or
            repeat earlier terms, instead of raising.

    Raises:
        CollinearError: terms are linear combinations of the facilities or of one another.
        SeparationError: a term has no finite estimate.
        NotConvergedError: the fit reached its iteration limit.
        FitError: arrays differ in length or contain invalid values, or no facility has both
            outcomes.
    """
    codes, y, offsets = _check_rows(design, outcome, patient, facility, offset)
    solved = _fit_rows(
        design,
        patient=np.asarray(patient, dtype=np.intp),
        facility=codes,
        outcome=y,
        offset=offsets,
        rows=np.arange(design.row_count),
        drop_aliased=drop_aliased,
    )
    return _add_sandwich(design, solved, None)


def fit_by_groups(
    *,
    design: Design,
    outcome: NDArray[np.number],
    patient: Codes,
    facility: Codes,
    group_count: int = 10,
    seed: int,
    offset: FloatArray | None = None,
    drop_aliased: bool = False,
) -> GroupedGee:
    """Split facilities at random into groups, fit each with facility intercepts, and average.

    The split depends only on the seed and the sorted set of facility codes. A patient with rows
    in two groups is a cluster in each; the covariance of the mean adds both. A term that some
    groups dropped is averaged over the other groups and reported.

    Args:
        design: covariates of each row, no constant.
        outcome: 0 or 1, shape (rows,).
        patient: codes from 0, shape (rows,).
        facility: codes from 0, shape (rows,).
        group_count: number of groups, at most the number of facilities.
        seed: seed of the split.
        offset: added to the linear predictor, shape (rows,).
        drop_aliased: as in `fit_gee`; a term that is nonzero only where all outcomes of a group
            agree is dropped there as well.

    Raises:
        CollinearError, SeparationError, NotConvergedError, FitError: as `fit_gee`; the message
            states the group. FitError also if there are more groups than facilities.
    """
    codes, y, offsets = _check_rows(design, outcome, patient, facility, offset)
    clusters, cluster = np.unique(patient, return_inverse=True)
    groups, member = _split(np.asarray(facility, dtype=np.intp), group_count, seed)
    each = [np.flatnonzero(member == group) for group in range(group_count)]

    def solve(group: int) -> _Solved:
        try:
            return _fit_rows(
                design,
                patient=cluster.astype(np.intp, copy=False),
                facility=codes,
                outcome=y,
                offset=offsets,
                rows=each[group],
                drop_aliased=drop_aliased,
                drop_separated=drop_aliased,
            )
        except SeparationError as error:
            message = f"group {group + 1} of {group_count}: {error}"
            raise SeparationError(message, error.terms) from error
        except FitError as error:
            raise type(error)(f"group {group + 1} of {group_count}: {error}") from error

    # Groups are independent, and their compiled passes release the GIL.
    with ThreadPoolExecutor(WORKERS) as pool:
        solved = list(pool.map(solve, range(group_count)))
    # In a fixed order, so that the sum over a patient's groups is always rounded the same way.
    influences = np.zeros((clusters.size, design.term_count))
    fits = [_add_sandwich(design, one, influences) for one in solved]
    return GroupedGee(
        regression=_average(design.names, fits, influences),
        terms=design.names,
        fits=tuple(fits),
        groups=groups,
        seed=seed,
    )


def _check_rows(
    design: Design,
    outcome: NDArray[np.number],
    patient: Codes,
    facility: Codes | None,
    offset: FloatArray | None,
) -> tuple[IntArray | None, FloatArray, FloatArray]:
    """Return facility codes, outcomes and offsets in the dtypes that the passes need."""
    rows = design.row_count
    check_outcome(outcome, rows=rows)
    check_codes("patient", patient, rows=rows)
    if facility is not None:
        check_codes("facility", facility, rows=rows)
        facility = np.asarray(facility, dtype=np.intp)
    if offset is not None:
        check_predictor("offset", offset, rows=rows)
    offsets = np.zeros(rows) if offset is None else np.asarray(offset, dtype=np.float64)
    return facility, np.asarray(outcome, dtype=np.float64), offsets


def _split(facility: IntArray, count: int, seed: int) -> tuple[tuple[IntArray, ...], IntArray]:
    """Return each group's facilities and each row's group."""
    codes, compact = np.unique(facility, return_inverse=True)
    if not 0 < count <= codes.size:
        raise FitError(f"facility: {codes.size} cannot be split into {count} groups")
    shuffled = np.random.default_rng(seed).permutation(codes.size)
    group = np.empty(codes.size, dtype=np.intp)
    for index, members in enumerate(np.array_split(shuffled, count)):
        group[members] = index
    return tuple(codes[group == index] for index in range(count)), group[compact]


def _fit_rows(
    design: Design,
    *,
    patient: IntArray,
    facility: IntArray | None,
    outcome: FloatArray,
    offset: FloatArray,
    rows: IntArray,
    drop_aliased: bool,
    drop_separated: bool = False,
) -> _Solved:
    clusters, unused = group_clusters(
        patient=patient, facility=facility, outcome=outcome, offset=offset, rows=rows
    )
    start = evaluate(
        design,
        clusters,
        intercepts=find_start(clusters),
        coefficients=np.zeros(design.term_count),
        correlation=0.0,
    )
    kept, aliased = split_terms(design, start)
    if aliased and not drop_aliased:
        raise CollinearError(f"{REPEATING_TERMS}: {', '.join(aliased.names)}")
    if aliased:
        unused = (*unused, aliased)
    kept, separated = split_separated(design, clusters, kept)
    if separated and not drop_separated:
        raise SeparationError(f"{separated.rule}: {', '.join(separated.names)}", separated.names)
    if separated:
        unused = (*unused, separated)
    names = tuple(design.names[term] for term in kept)
    point, iterations = iterate(design, clusters, kept, names, start)
    if abs(point.sums.correlation - point.correlation) > CORRELATION_TOLERANCE:
        unused = (*unused, Dropped("correlations held within their range (stage 1)", 1))
    step = find_step(point, kept, names, is_step=False)
    inverse = invert_information(step.information, names)
    fit = GeeFit(
        regression=Regression(
            names=names,
            coefficients=point.coefficients[kept],
            model_covariance=point.scale * inverse,
            robust_covariance=None,
            iterations=iterations,
            gradient_norm=step.gradient_norm,
            decrement=step.decrement,
            log_likelihood=point.sums.log_likelihood,
            row_count=clusters.order.size,
            event_count=float(clusters.outcome.sum()),
            dropped=unused,
        ),
        correlation=point.correlation,
        correlation_estimate=point.sums.correlation,
        dispersion=point.sums.dispersion,
        facility=clusters.codes,
        intercepts=point.intercepts,
        patient_count=clusters.patient.size,
    )
    return _Solved(fit=fit, clusters=clusters, point=point, kept=kept)


def _add_sandwich(design: Design, solved: _Solved, total: FloatArray | None) -> GeeFit:
    """Return the fit with its robust covariance; add to the patients' `total` influences."""
    kept, point, clusters = solved.kept, solved.point, solved.clusters
    reduced = eliminate(point.sums)
    factor = cho_factor(reduced.information[np.ix_(kept, kept)], lower=True)
    inverse = np.asarray(cho_solve(factor, np.eye(kept.size)))
    filling = np.zeros((kept.size, kept.size))
    for places, scores in iterate_scores(
        design.matrix,
        clusters,
        intercepts=point.intercepts,
        coefficients=point.coefficients,
        correlation=point.correlation,
        centres=reduced.centres,
    ):
        influence = scores[:, kept] @ inverse
        filling += influence.T @ influence
        if total is not None:
            total[np.ix_(clusters.patient[places], kept)] += influence
    regression = replace(solved.fit.regression, robust_covariance=filling)
    return replace(solved.fit, regression=regression)


def _average(names: tuple[str, ...], fits: list[GeeFit], influences: FloatArray) -> Regression:
    """Average the groups' coefficients, each over the groups that estimated it."""
    count = np.zeros(len(names))
    total, model = np.zeros(len(names)), np.zeros((len(names), len(names)))
    parts = [fit.regression for fit in fits]
    for part in parts:
        at = np.array([names.index(name) for name in part.names], dtype=np.intp)
        count[at] += 1
        total[at] += part.coefficients
        model[np.ix_(at, at)] += part.model_covariance
    kept = np.flatnonzero(count)
    mean_influences = influences[:, kept] / count[kept]
    return Regression(
        names=tuple(names[term] for term in kept),
        coefficients=total[kept] / count[kept],
        model_covariance=model[np.ix_(kept, kept)] / np.outer(count[kept], count[kept]),
        robust_covariance=mean_influences.T @ mean_influences,
        iterations=max(part.iterations for part in parts),
        gradient_norm=max(part.gradient_norm for part in parts),
        decrement=max(part.decrement for part in parts),
        log_likelihood=sum(part.log_likelihood for part in parts),
        row_count=sum(part.row_count for part in parts),
        event_count=sum(part.event_count for part in parts),
        dropped=_join(names, count, parts),
    )


def _join(
    names: tuple[str, ...], count: FloatArray, parts: list[Regression]
) -> tuple[Dropped, ...]:
    """Combine the groups' dropped items; separate terms dropped by all and by some groups."""
    rows: dict[str, int] = {}
    for each in (each for part in parts for each in part.dropped):
        if not each.names:
            rows[each.rule] = rows.get(each.rule, 0) + each.count
    found = [Dropped(rule, number) for rule, number in rows.items()]
    reason = {name: each.rule for part in parts for each in part.dropped for name in each.names}
    by_rule: dict[str, tuple[str, ...]] = {}
    for name, number in zip(names, count, strict=True):
        if number < len(parts):
            rule = PARTIAL_TERMS if number else reason[name]
            by_rule[rule] = (*by_rule.get(rule, ()), name)
    found += (Dropped(rule, len(which), which) for rule, which in sorted(by_rule.items()))
    return tuple(found)
