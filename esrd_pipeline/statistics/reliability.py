"""Reliability and validity of a measure.

Inter-unit reliability by bootstrap and Spearman correlations with other measures, as in the 2025
submission of the SHR (CBE 1463); He, Kalbfleisch, Yang & Fei (2019). `concordance` measures how
well the model orders patients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_amounts, check_codes, find_starts

Codes = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

RESAMPLES = 100
"""The number that the submission found sufficient."""
MINIMUM_PATIENTS = 2
"""All resamples of a single patient are equal."""
BLOCK_DRAWS = 1 << 20
"""Draws in memory at a time: 8 MB."""
HALF = np.uint64(32)
NO_SPREAD = 1e-12
"""If facilities' standard deviation is a smaller share of their mean, they differ by rounding."""
FEWEST_PAIRS = 3
"""With two pairs a rank correlation is always 1 or -1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iur:
    """Inter-unit reliability of a ratio measure over N of F facilities.

    Attributes:
        iur: (total - within) / total variance; negative if the within-facility variance exceeds
            the total.
        within_variance: S_w^2, bootstrap variances pooled with weights n_i - 1.
        between_variance: total - within; may be negative.
        total_variance: S_t^2 of the ratios.
        mean: the ratios' mean weighted by patients.
        average_size: n', about the mean number of patients.
        facilities: N.
        patients: number of patients in these facilities.
        ratio: numerator / denominator of each facility, shape (F,); NaN if not used.
        ratio_variance: bootstrap variance S_i^2 of each, shape (F,); NaN if not used.
        resamples: B.
        seed: seed of the resampling.
        dropped: patients and facilities not used.
    """

    iur: float
    within_variance: float
    between_variance: float
    total_variance: float
    mean: float
    average_size: float
    facilities: int
    patients: int
    ratio: FloatArray
    ratio_variance: FloatArray
    resamples: int
    seed: int
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelation:
    """Spearman's correlation of one measure with another over facilities that have both.

    Attributes:
        name: the other measure.
        rho: NaN with fewer than three pairs, or if either measure does not vary.
        p_value: two-sided, from t = rho sqrt((pairs - 2) / (1 - rho^2)); NaN if rho is.
        pairs: facilities with both values.
        dropped: facilities that miss one or both.
    """

    name: str
    rho: float
    p_value: float
    pairs: int
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class _Patients:
    """One entry per patient and facility, sorted by facility, numerator and denominator.

    Attributes:
        facility: code of each facility that has patients, shape (K,).
        starts: its first entry and, last, the number of entries: shape (K + 1,).
        numerator: of each entry.
        denominator: of each entry, > 0.
    """

    facility: IntArray
    starts: IntArray
    numerator: FloatArray
    denominator: FloatArray

    @property
    def sizes(self) -> IntArray:
        return np.diff(self.starts)

    def sum_up(self) -> tuple[FloatArray, FloatArray]:
        first = self.starts[:-1]
        return np.add.reduceat(self.numerator, first), np.add.reduceat(self.denominator, first)


def estimate_iur(
    *,
    facility: Codes,
    patient: Codes,
    numerator: NDArray[np.number],
    denominator: NDArray[np.number],
    facility_count: int,
    is_reported: BoolArray | None = None,
    minimum_patients: int = MINIMUM_PATIENTS,
    resamples: int = RESAMPLES,
    seed: int,
) -> Iur:
    """Estimate the share of a measure's variance that lies between facilities.

    A facility's value T_i is the sum of its patients' numerators over that of denominators:
    observed over expected events, months that count over months, or, for a mean, a sum over the
    number of patients. Its n_i patients are drawn with replacement B times; S_i^2 is the variance
    of the B values (divisor B - 1). Then, as submitted,

        S_w^2 = sum (n_i - 1) S_i^2 / sum (n_i - 1)
        S_t^2 = sum n_i (T_i - T)^2 / (n' (N - 1)),   T = sum n_i T_i / sum n_i
        n' = (sum n_i - sum n_i^2 / sum n_i) / (N - 1)
        IUR = (S_t^2 - S_w^2) / S_t^2.

    As in these formulas, S_i^2 is not corrected for the bootstrap's factor (n_i - 1) / n_i.
    Facilities with one patient have no weight in S_w^2 but would have one in S_t^2; they are
    dropped unless `minimum_patients` is 1. For the SHR, `is_reported` selects the facilities with
    at least five patient-years at risk.

    Each facility draws from its own random stream (Philox; Salmon et al. 2011), keyed by the seed
    and by its rank among facilities ordered by their patients' values, not by code; so neither
    the order of rows nor labels matter. Memory is that of the rows, plus one facility's draws.

    Args:
        facility: codes 0..F-1 of each row.
        patient: codes from 0 of each row; a patient's rows at a facility are summed.
        numerator: of each row, >= 0.
        denominator: of each row, >= 0.
        facility_count: F.
        is_reported: whether a facility is used, shape (F,); by default all are.
        minimum_patients: smallest number of patients with a denominator in a facility used.
        resamples: B, at least 2.
        seed: a whole number in [0, 2^64).

    Raises:
        FitError: arrays differ in length or contain invalid values; a patient has a numerator
            but no denominator; fewer than two facilities remain, none has two patients, or
            facilities do not differ.
    """
    rows = facility.size
    check_codes("facility", facility, rows=rows)
    check_codes("patient", patient, rows=rows)
    check_amounts("numerator", numerator, rows=rows)
    check_amounts("denominator", denominator, rows=rows)
    _check_settings(resamples=resamples, seed=seed, minimum_patients=minimum_patients)
    reported = np.ones(facility_count, dtype=np.bool_) if is_reported is None else is_reported
    if reported.shape != (facility_count,):
        raise FitError(f"is_reported has shape {reported.shape}, not ({facility_count},)")
    if int(facility.max()) >= facility_count:
        raise FitError(
            f"facility: codes reach {int(facility.max())}, but there are {facility_count}"
        )
    everyone, without = _gather(facility, patient, numerator, denominator)
    is_used = reported[everyone.facility] & (everyone.sizes >= minimum_patients)
    used = _keep(everyone, is_used)
    if used.facility.size < 2:  # noqa: PLR2004 - a variance needs two
        raise FitError(f"facilities: {used.facility.size} can be used, reliability needs two")
    above, below = used.sum_up()
    ratios = above / below
    variances = _bootstrap(used, above, below, resamples=resamples, seed=seed)
    ratio = np.full(facility_count, np.nan)
    ratio_variance = np.full(facility_count, np.nan)
    ratio[used.facility] = ratios
    ratio_variance[used.facility] = variances
    within, total, mean, average_size = _split_variance(used.sizes, ratios, variances)
    return Iur(
        iur=(total - within) / total,
        within_variance=within,
        between_variance=total - within,
        total_variance=total,
        mean=mean,
        average_size=average_size,
        facilities=ratios.size,
        patients=used.numerator.size,
        ratio=ratio,
        ratio_variance=ratio_variance,
        resamples=resamples,
        seed=seed,
        dropped=_list_dropped(everyone, reported, minimum_patients, without),
    )


def correlate_ranks(
    *, measure: FloatArray, others: Mapping[str, FloatArray]
) -> tuple[RankCorrelation, ...]:
    """Correlate facilities' values of a measure with those of others, by ranks (Spearman).

    Ties share the mean of their ranks. A facility without either value (NaN) is dropped only from
    that pair of measures.

    Args:
        measure: shape (F,).
        others: by name, each of shape (F,).

    Raises:
        FitError: another measure has another length, or a value is infinite.
    """
    _check_not_infinite("measure", measure)
    results: list[RankCorrelation] = []
    for name, values in others.items():
        if values.shape != measure.shape:
            raise FitError(f"{name} has shape {values.shape}, the measure has {measure.shape}")
        _check_not_infinite(name, values)
        is_there = ~(np.isnan(measure) | np.isnan(values))
        rho, p_value = _correlate(measure[is_there], values[is_there])
        gone = int(np.count_nonzero(~is_there))
        results.append(
            RankCorrelation(
                name=name,
                rho=rho,
                p_value=p_value,
                pairs=int(np.count_nonzero(is_there)),
                dropped=(Dropped("facilities without both values", gone),) if gone else (),
            )
        )
    return tuple(results)


def _correlate(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    if first.size < FEWEST_PAIRS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan, np.nan
    result: Any = spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)


def _check_not_infinite(name: str, values: FloatArray) -> None:
    check_finite(name, values[~np.isnan(values)])


def _check_settings(*, resamples: int, seed: int, minimum_patients: int) -> None:
    if resamples < 2:  # noqa: PLR2004 - a variance needs two
        raise FitError(f"resamples: a variance needs two, not {resamples}")
    if not 0 <= seed < 1 << 64:
        raise FitError("seed: not in [0, 2^64)")
    if minimum_patients < 1:
        raise FitError(f"minimum patients: {minimum_patients}, where a facility has one or more")


def _gather(
    facility: Codes,
    patient: Codes,
    numerator: NDArray[np.number],
    denominator: NDArray[np.number],
) -> tuple[_Patients, int]:
    """Sum rows by patient and facility; return the sums and how many had no denominator.

    Rows of a patient are summed, and patients sorted, in the order of their values, so that sums
    and draws are the same to the last digit for any order of rows.
    """
    spread = int(patient.max()) + 1
    pair = facility.astype(np.int64) * spread + patient
    order = np.lexsort((denominator, numerator, pair))
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    home = pair[first] // spread
    above = np.add.reduceat(numerator[order].astype(np.float64), first)
    below = np.add.reduceat(denominator[order].astype(np.float64), first)
    is_subject = below > 0
    broken = int(np.count_nonzero(above[~is_subject]))
    if broken:
        raise FitError(f"denominator: {broken} patients have a numerator and no denominator")
    home, above, below = home[is_subject], above[is_subject], below[is_subject]
    order = np.lexsort((below, above, home))
    codes, starts = np.unique(home, return_index=True)
    bounds = np.append(starts, home.size)
    return _Patients(codes, bounds, above[order], below[order]), int(np.sum(~is_subject))


def _keep(patients: _Patients, is_kept: BoolArray) -> _Patients:
    """Return the patients of some of the facilities."""
    sizes = patients.sizes
    rows = np.repeat(is_kept, sizes)
    starts = find_starts(sizes[is_kept])
    return _Patients(
        patients.facility[is_kept], starts, patients.numerator[rows], patients.denominator[rows]
    )


def _list_dropped(
    patients: _Patients, reported: BoolArray, minimum_patients: int, without: int
) -> tuple[Dropped, ...]:
    is_present = np.zeros(reported.size, dtype=np.bool_)
    is_present[patients.facility] = True
    small = reported[patients.facility] & (patients.sizes < minimum_patients)
    counts = {
        "patients without a denominator": without,
        "facilities without a denominator": int(np.count_nonzero(reported & ~is_present)),
        "facilities that are not reported": int(np.count_nonzero(~reported)),
        f"facilities of fewer than {minimum_patients} patients": int(np.count_nonzero(small)),
    }
    return tuple(Dropped(rule, count) for rule, count in counts.items() if count)


def _split_variance(
    sizes: IntArray, ratios: FloatArray, variances: FloatArray
) -> tuple[float, float, float, float]:
    """Return S_w^2, S_t^2, the weighted mean and n' of K facilities."""
    weights = sizes.astype(np.float64)
    patients, freedom = float(weights.sum()), float(np.sum(weights - 1))
    if freedom == 0:
        raise FitError("patients: no facility has two, so none shows how its patients vary")
    mean = float(np.sum(weights * ratios)) / patients
    between_freedom = ratios.size - 1
    average_size = (patients - float(np.sum(weights**2)) / patients) / between_freedom
    total = float(np.sum(weights * (ratios - mean) ** 2)) / (average_size * between_freedom)
    if total <= (NO_SPREAD * mean) ** 2:
        raise FitError("facilities do not differ, so no reliability exists")
    return float(np.sum((weights - 1) * variances)) / freedom, total, mean, average_size


def _bootstrap(
    patients: _Patients, above: FloatArray, below: FloatArray, *, resamples: int, seed: int
) -> FloatArray:
    """Return the variance over resamples of each facility's ratio, shape (K,)."""
    variances = np.zeros(above.size)
    for rank, place in enumerate(_order_by_content(patients, above, below)):
        rows = slice(patients.starts[place], patients.starts[place + 1])
        stream = np.random.Philox(key=np.array([seed, rank], dtype=np.uint64))
        ratios = _resample(
            patients.numerator[rows], patients.denominator[rows], stream, resamples=resamples
        )
        variances[place] = ratios.var(ddof=1)
    return variances


def _order_by_content(patients: _Patients, above: FloatArray, below: FloatArray) -> list[int]:
    """Order facilities by size and sums, and ties in these by their patients' values.

    Sums come first, so that a change in the last digit of an expected number does not move every
    facility to another stream.
    """
    sizes = patients.sizes

    def describe(place: int) -> tuple[int, float, float, bytes]:
        rows = slice(patients.starts[place], patients.starts[place + 1])
        content = np.concatenate([patients.numerator[rows], patients.denominator[rows]])
        return int(sizes[place]), float(above[place]), float(below[place]), content.tobytes()

    return sorted(range(sizes.size), key=describe)


def _resample(
    numerator: FloatArray, denominator: FloatArray, stream: np.random.Philox, *, resamples: int
) -> FloatArray:
    """Return the ratio of each of `resamples` draws of all patients, with replacement.

    An index is the upper half of a random word, times n, over 2^32: patients' probabilities have
    relative differences below n / 2^32, and the words are the same in every release of NumPy.
    """
    size = numerator.size
    ratios = np.empty(resamples)
    step = max(1, BLOCK_DRAWS // size)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        words = stream.random_raw(count * size).reshape(count, size)
        drawn = (((words >> HALF) * np.uint64(size)) >> HALF).astype(np.intp)
        ratios[start : start + count] = numerator[drawn].sum(axis=1) / denominator[drawn].sum(
            axis=1
        )
    return ratios
