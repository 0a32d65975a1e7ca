"""A small world with every table that the pages show: three facilities of two Networks.

Numbers differ wherever they can, so that one in a wrong cell is found.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

import pandas as pd

from esrd_pipeline.site.data import SiteData
from esrd_pipeline.tables import (
    change,
    exclusion,
    facility,
    measured,
    monitor,
    network,
    program,
    raw,
    source_agreement,
    trend,
)
from esrd_pipeline_tests.site.small import YEAR, Row, fill

if TYPE_CHECKING:
    from esrd_pipeline.tables.model import Table

NEAR, BESIDE, FAR = "112501", "112502", "332500"
CHAIN = "CARE & SONS"
_PLACES = {
    NEAR: {"network": 6, "state": "GA", "city": "ATLANTA", "zip_code": "30303"},
    BESIDE: {"network": 6, "state": "GA", "city": "MACON", "zip_code": "31201"},
    FAR: {"network": 2, "state": "NY", "city": "NEW YORK", "zip_code": "10001"},
}
_STATIONS = {NEAR: 24, BESIDE: 13, FAR: None}
_YEARS = tuple(range(YEAR - 3, YEAR + 1))
_GROUPS = (
    ("nation", "nation"),
    ("network", "6"),
    ("network", "2"),
    ("state", "GA"),
    ("state", "NY"),
    ("chain", CHAIN),
)


def _directory() -> pd.DataFrame:
    return fill(
        facility.DIRECTORY,
        *(
            {
                "ccn": ccn,
                "facility_name": f"CENTER {name}",
                **_PLACES[ccn],
                "station_count": _STATIONS[ccn],
                "chain_organization": None if ccn == FAR else CHAIN,
                "has_in_center_hemodialysis": True,
                "has_dfc_row": True,
                "has_qip_row": True,
            }
            for ccn, name in ((NEAR, "ONE"), (BESIDE, "TWO"), (FAR, "<THREE>"))
        ),
    )


def _contract() -> Iterator[Row]:
    for place, ccn in enumerate((NEAR, BESIDE, FAR)):
        shared = {"ccn": ccn, "is_adjusted": False, "origin": "computed", "reportable": True}
        dfc, qip = {**shared, "program": "dfc"}, {**shared, "program": "qip"}
        observed, expected = 31.0 + place, 25.5 + place
        yield {
            **dfc,
            "measure": "shr",
            "unit": "patient_years",
            "unit_count": 61.5 + place,
            "patients": 83.0 + place,
            "numerator": observed,
            "denominator": expected,
            "value": observed / expected,
            "lower": observed / expected - 0.31,
            "upper": observed / expected + 0.42,
        }
        patients = 7.0 if ccn == FAR else 52.0 + place
        yield {
            **dfc,
            "measure": "ltc",
            "unit": "patients",
            "unit_count": patients,
            "patients": patients,
            "numerator": 97.0 + place,
            "denominator": 12 * patients,
            "value": 100 * (97 + place) / (12 * patients),
        }
        yield {
            **dfc,
            "measure": "sfr",
            "unit": "patients",
            "reportable": False,
            "reason": "below_minimum_units",
            "reason_number": 11.0,
        }
        yield {
            **qip,
            "measure": "shr",
            "unit": "patient_years",
            "unit_count": 61.5 + place,
            "patients": 83.0 + place,
            "numerator": observed,
            "denominator": expected,
            "value": observed / expected,
        }
        yield {
            **qip,
            "measure": "ktv_comprehensive",
            "unit": "patients",
            "unit_count": 45.0 + place,
            "patients": 45.0 + place,
            "numerator": 411.0 + place,
            "denominator": 470.0 + place,
            "value": (411.0 + place) / (470 + place),
        }


def _flags() -> Iterator[Row]:
    for place, (ccn, category) in enumerate(((NEAR, "worse"), (BESIDE, "as"), (FAR, "better"))):
        yield {
            "ccn": ccn,
            "measure": "shr",
            "unit": "patient_years",
            "unit_count": 61.5 + place,
            "value": 1.2,
            "reference": 1.03,
            "method": "interval",
            "category": category,
        }


def _levels() -> Iterator[Row]:
    for of, measure, national in (
        ("dfc", "shr", 1.02),
        ("dfc", "ltc", 19.3),
        ("qip", "ktv_comprehensive", 0.961),
        ("qip", "shr", 1.01),
    ):
        yield {
            "program": of,
            "measure": measure,
            "national": national,
            "facility_count": 3,
            "source": "computed",
        }


SCORES = {NEAR: (4, 9), BESIDE: (8, 5), FAR: (6, 7)}
"""Of SHR and Kt/V."""


def _measure_scores() -> Iterator[Row]:
    for ccn, (shr, ktv) in SCORES.items():
        shared = {"ccn": ccn, "payment_year": YEAR + 2, "role": "measure"}
        yield {
            **shared,
            "measure": "shr",
            "domain": "care_coordination",
            "unit": "patient_years",
            "unit_count": 61.5,
            "rate": 1.2345,
            "adjusted_rate": 1.2121,
            "improvement_rate": 1.3456,
            "achievement_threshold": 1.4567,
            "benchmark": 0.5678,
            "achievement_score": shr,
            "improvement_score": shr - 1,
            "applied": "achievement",
            "score": shr,
            "weight_in_domain": 1.0,
        }
        yield {
            **shared,
            "measure": "ktv_comprehensive",
            "domain": "clinical_care",
            "unit": "patients",
            "unit_count": 45.0,
            "rate": 0.8745,
            "improvement_rate": 0.8612,
            "achievement_threshold": 0.9012,
            "benchmark": 0.9934,
            "achievement_score": ktv,
            "improvement_score": 3,
            "applied": "achievement",
            "score": ktv,
            "weight_in_domain": 0.8234,
        }
        yield {
            **shared,
            "measure": "ltc",
            "domain": "clinical_care",
            "unit": "patients",
            "unit_count": 8.0,
            "reason": "below_minimum_units",
            "reason_number": 11.0,
        }


def score_domains(ccn: str) -> tuple[Fraction, Fraction]:
    """Return the scores of the two domains."""
    shr, ktv = SCORES[ccn]
    return Fraction(shr * 10), Fraction(ktv * 10)


def _domain_scores() -> Iterator[Row]:
    for ccn in SCORES:
        care, clinical = score_domains(ccn)
        for name, nominal, weight, score in (
            ("care_coordination", 0.30, 0.46, care),
            ("clinical_care", 0.35, 0.54, clinical),
        ):
            yield {
                "ccn": ccn,
                "payment_year": YEAR + 2,
                "domain": name,
                "nominal_weight": nominal,
                "weight": weight,
                "measure_count": 2,
                "scored_count": 1,
                "score": float(score),
                "working": f"1 x {score}",
            }


def _tps() -> Iterator[Row]:
    for ccn in SCORES:
        care, clinical = score_domains(ccn)
        exact = Fraction(46, 100) * care + Fraction(54, 100) * clinical
        tps = int(exact + Fraction(1, 2))
        yield {
            "ccn": ccn,
            "payment_year": YEAR + 2,
            "scored_domain_count": 2,
            "unrounded_tps": float(exact),
            "tps": tps,
            "minimum_tps": 65,
            "payment_reduction": 0.5 if tps < 65 else 0.0,
            "working": f"0.46 x {care} + 0.54 x {clinical} = {float(exact):g}, rounded {tps}",
        }


def _stars() -> Iterator[Row]:
    for ccn, rating in ((NEAR, 2), (BESIDE, 4)):
        yield {
            "ccn": ccn,
            "baseline_year": YEAR - 3,
            "measure_set": "2023-10",
            "is_peritoneal_only": False,
            "domain_1": 0.1234 + rating,
            "domain_2": 0.2345 + rating,
            "final_score": 0.1789 + rating,
            "rating": rating,
            "published_rating": 3,
        }
    yield {"ccn": FAR, "is_peritoneal_only": False, "reason": "no_value_in_star_domain_1"}


def _star_scores() -> Iterator[Row]:
    for ccn in (NEAR, BESIDE):
        yield {
            "ccn": ccn,
            "measure": "shr",
            "domain": 1,
            "value": 1.216,
            "adjusted_value": 1.187,
            "score": 0.3578,
            "is_imputed": False,
        }
        yield {"ccn": ccn, "measure": "ltc", "domain": 2, "score": 0.0246, "is_imputed": True}


def _trends(year: int) -> Iterator[Row]:
    early = (YEAR - year) / 100
    groups = [*_GROUPS, *(("facility", ccn) for ccn in (NEAR, BESIDE, FAR))]
    for place, (level, name) in enumerate(groups):
        of = {
            "level": level,
            "group_name": name,
            "performance_year": year,
            "method": "facility" if level == "facility" else "summed",
            "facility_count": 1 if level == "facility" else 3,
            "summed_count": 1,
            "better_count": 0,
            "as_count": 0,
            "worse_count": 0,
        }
        observed, expected = 610.0 + 13 * place, 590.0 + 11 * place + 100 * early
        yield {
            **of,
            "program": "dfc",
            "measure": "shr",
            "unit": "patient_years",
            "unit_count": 400.0,
            "patients": 500.0,
            "numerator": observed,
            "denominator": expected,
            "value": observed / expected,
            "lower": observed / expected - 0.11,
            "upper": observed / expected + 0.17,
            "limits": "mid-p Poisson",
            "worse_count": 1,
        }
        yield {
            **of,
            "program": "dfc",
            "measure": "ltc",
            "unit": "patients",
            "unit_count": 300.0 + place,
            "patients": 300.0 + place,
            "numerator": 700.0 + place,
            "denominator": 3600.0 + 12 * place,
            "value": 100 * (700.0 + place) / (3600 + 12 * place) + 10 * early,
        }
        yield {
            **of,
            "program": "qip",
            "measure": "ktv_comprehensive",
            "unit": "patients",
            "unit_count": 280.0 + place,
            "patients": 280.0 + place,
            "numerator": 2900.0 + place,
            "denominator": 3100.0 + 2 * place,
            "value": (2900.0 + place) / (3100 + 2 * place) + early,
        }


def _strata() -> Iterator[Row]:
    for place, (dimension, stratum, patients) in enumerate(
        (("all", "all", 500), ("sex", "female", 215), ("sex", "male", 285))
    ):
        yield {
            "program": "dfc",
            "measure": "shr",
            "dimension": dimension,
            "stratum": stratum,
            "patients": patients,
            "observed": 310.0 + place,
            "expected": 290.5 + 2 * place,
            "kind": "ratio",
            "value": (310.0 + place) / (290.5 + 2 * place),
        }


def _cohort() -> Iterator[Row]:
    for place, (level, name) in enumerate(_GROUPS[:5]):
        base = 1200 + 100 * place
        for of in ("dfc", "qip"):
            for topic, category, patients in (
                ("incident", "all", 201 + place),
                ("modality", "in-center hemodialysis", 911 + place),
                ("modality", "home hemodialysis", base - 911 - place),
            ):
                yield {
                    "program": of,
                    "level": level,
                    "group_name": name,
                    "topic": topic,
                    "category": category,
                    "patients": patients,
                    "base_patients": base,
                    "share": patients / base,
                }


def _indicators() -> Iterator[Row]:
    for place, (level, name) in enumerate(_GROUPS):
        for month in (1, 2):
            yield {
                "level": level,
                "group_name": name,
                "month": date(YEAR, month, 1),
                "indicator": "waitlisting",
                "facility_count": 2,
                "numerator": 40 + place + month,
                "denominator": 1000,
                "value": 4.0 + place + month / 8,
                "unit": "per 100 patient-months",
                "counted": "patients",
            }


def _candidates() -> Iterator[Row]:
    for ccn, standing, rule in ((NEAR, "low", "flag_worse"), (FAR, "high", "flag_better")):
        yield {
            "ccn": ccn,
            "priority": "coordination",
            "rule": rule,
            "kind": "measure",
            "program": "dfc",
            "name": "shr",
            "standing": standing,
            "value": 1.2,
            "cut_off": 1.0,
            "facility_count": 3,
        }


def _signals() -> Iterator[Row]:
    """One of the year, one of the year before of few events, and one of a measure not reported."""
    for measure, side, month, first, ratio in (
        ("shr", "worse", date(YEAR, 3, 1), date(YEAR, 1, 1), 1.754),
        ("shr", "better", date(YEAR - 1, 11, 1), date(YEAR - 1, 6, 1), None),
        ("ed30", "worse", date(YEAR, 5, 1), date(YEAR, 5, 1), 2.5),
    ):
        yield {
            "ccn": NEAR,
            "measure": measure,
            "side": side,
            "month": month,
            "first_month": first,
            "ratio": ratio,
        }


def _changes() -> Iterator[Row]:
    shared = {"basis": "year", "ccn": NEAR}
    yield {
        **shared,
        "program": "qip",
        "measure": "tps",
        "kind": "tps",
        "before": 58.0,
        "after": 67.0,
    }
    yield {
        **shared,
        "program": "dfc",
        "measure": "shr",
        "kind": "flag",
        "before": 0.0,
        "after": -1.0,
        "before_text": "as",
        "after_text": "worse",
    }


def _sources() -> Iterator[Row]:
    for place, ccn in enumerate((NEAR, BESIDE, FAR)):
        yield {
            "ccn": ccn,
            "month": date(YEAR, 1, 1),
            "kind": "ktv",
            "unit": "patients",
            "eqrs_count": 100 + place,
            "claims_count": 90 + place,
            "both_count": 80 + place,
            "equal_count": 60 + place,
            "eqrs_only_count": 20 + place,
            "claims_only_count": 12 + place,
            "not_expected_count": 0,
        }


def _exclusions() -> Iterator[Row]:
    for of, measure, reason, patients in (
        ("dfc", "shr", "after_first_hospice_claim", 14),
        ("dfc", "shr", "esrd_under_90_days", 23),
        ("dfc", "shr", "attributed_to_another_facility", 3),
        ("qip", "shr", "esrd_under_90_days", 22),
        ("qip", "ktv_comprehensive", "date_of_birth_unknown", 12),
    ):
        yield {
            "ccn": NEAR,
            "program": of,
            "measure": measure,
            "reason": reason,
            "patients": patients,
        }


def _fit() -> Iterator[Row]:
    for place, (term, estimate) in enumerate((("age_65_74", 0.1834), ("is_female", -0.0721))):
        yield {
            "program": "dfc",
            "measure": "shr",
            "stage": 1,
            "element": "coefficient",
            "position": place,
            "term": term,
            "estimate": estimate,
            "standard_error": 0.0123 + place / 100,
        }


def _reliability() -> Iterator[Row]:
    yield {
        "program": "dfc",
        "measure": "shr",
        "statistic": "iur",
        "value": 0.6174,
        "facilities": 3,
        "patients": 254,
        "definition": "inter-unit reliability",
    }


def _listing() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ccn": [NEAR],
            "address_line_1": ["1 MAIN ST"],
            "address_line_2": [None],
            "telephone_number": ["(404) 555-0100"],
            "has_late_shift": [True],
            "five_star": [2.0],
        }
    )


def make_frames() -> dict[tuple[str, int], pd.DataFrame]:
    """Return the stored tables by name and year."""
    made: list[tuple[Table, Iterator[Row]]] = [
        (measured.CONTRACT, _contract()),
        (program.FLAGS, _flags()),
        (facility.LEVEL, _levels()),
        (program.QIP_MEASURE_SCORE, _measure_scores()),
        (program.QIP_DOMAIN_SCORE, _domain_scores()),
        (program.QIP_TPS, _tps()),
        (program.STARS, _stars()),
        (program.STAR_MEASURE_SCORE, _star_scores()),
        (trend.TREND, _trends(YEAR)),
        (trend.STRATUM, _strata()),
        (trend.COHORT, _cohort()),
        (network.INDICATORS, _indicators()),
        (network.CANDIDATE, _candidates()),
        (monitor.SIGNAL, _signals()),
        (change.CHANGE, _changes()),
        (source_agreement.SOURCE_AGREEMENT, _sources()),
        (exclusion.EXCLUSION, _exclusions()),
        (measured.MODELLED["shr"].fit, _fit()),
        (measured.SHR_RELIABILITY, _reliability()),
    ]
    frames = {(table.name, YEAR): fill(table, *rows) for table, rows in made}
    frames[facility.DIRECTORY.name, YEAR] = _directory()
    frames[raw.DFC_FACILITY.name, YEAR] = _listing()
    peer = {"ccn": NEAR, "rank": 1, "peer_ccn": BESIDE, "size": 60.0, "peer_size": 61.0}
    frames[network.PEER.name, YEAR] = fill(network.PEER, {**peer, "size_unit": "patients"})
    for year in _YEARS[:-1]:
        frame = fill(trend.TREND, *_trends(year)).assign(performance_year=year)
        frames[trend.TREND.name, year] = frame
    return frames


def make_data(frames: Mapping[tuple[str, int], pd.DataFrame] | None = None) -> SiteData:
    """Return what the pages of this world are made from."""
    stored = make_frames() if frames is None else frames
    return SiteData(lambda table, year: stored.get((table.name, year)), YEAR)
