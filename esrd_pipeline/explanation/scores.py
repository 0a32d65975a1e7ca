"""Scores, Total Performance Score and payment reduction of a facility, step by step.

Every step is written out with its numbers and worked out again from stored rows; what is worked out
is compared with what was stored. Manual 4.1 to 4.3. The stars are in `stars`.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

import pandas as pd

from esrd_pipeline.explanation.document import (
    Check,
    Document,
    Line,
    Section,
    describe_why,
    is_missing,
)
from esrd_pipeline.explanation.request import ExplanationError, Request
from esrd_pipeline.explanation.results import find_name, find_title, write_number
from esrd_pipeline.explanation.stars import explain_stars
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.parameters.register import Program
from esrd_pipeline.program.qip_rules import MeasureRule, load_rules
from esrd_pipeline.tables import program as scores
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

TOP = 10
_HALF = Fraction(1, 2)
_FIRST = ("measure", "domain", "role", "parent", "unit_count", "unit", "rate", "adjusted_rate")
_THEN = (
    "achievement_threshold",
    "benchmark",
    "improvement_rate",
    "achievement_working",
    "improvement_working",
    "score_working",
    "score",
    "applied",
    "weight_in_parent",
    "weight_in_domain",
    "why",
)


def explain_scores(
    warehouse: Warehouse, ccn: str, year: int, program: Program | None = None
) -> Document:
    """Return the explanation of a facility's QIP scores, or of its stars, or of both.

    Raises:
        ExplanationError: no score of the facility is stored.
    """
    request = Request(warehouse, "tps", program or "qip", ccn, year)
    sections: list[Section] = []
    checks: list[Check] = []
    facts = [("Facility", f"{find_name(request)}, CCN {ccn}"), ("Performance year", str(year))]
    if program in (None, "qip"):
        more, found, compared = explain_qip(request)
        facts, sections, checks = facts + more, sections + found, checks + compared
    if program in (None, "dfc"):
        more, found, compared = explain_stars(request)
        facts, sections, checks = facts + more, sections + found, checks + compared
    if not sections:
        raise ExplanationError(
            f"scores of {ccn} in {year}: no row is stored: is the CCN right, and the year scored?"
        )
    what = {"qip": "QIP scores and TPS", "dfc": "star rating", None: "scores, TPS and stars"}
    return Document(
        name=f"{ccn}_scores_{program or 'all'}",
        title=f"{what[program].capitalize() if program == 'dfc' else what[program]}: {ccn}, {year}",
        facts=facts,
        sections=sections,
        checks=checks,
        is_of_patients=False,
    )


def explain_qip(
    request: Request,
) -> tuple[list[tuple[str, str]], list[Section], list[Check]]:
    """Return facts, tables and sums of a facility's QIP scores; nothing where none is stored."""
    measured = read_mine(request, scores.QIP_MEASURE_SCORE)
    domains = read_mine(request, scores.QIP_DOMAIN_SCORE)
    tps = read_mine(request, scores.QIP_TPS)
    if tps.empty:
        return [], [], []
    standards = request.read(scores.QIP_STANDARD)
    lower = set(standards.loc[standards["direction"] == "lower", "measure"])
    worked_out, checks = _work_out(measured, lower)
    total = tps.iloc[0]
    checks += [_check_domain(row, measured) for row in domains.to_dict("records")]
    checks += _check_total(total, domains)
    mine = standards[standards["measure"].isin(measured["measure"])]
    sections = [
        Section(
            "measure_scores",
            "Scores of the measures (4.1)",
            worked_out,
            "A clinical score is the better of achievement and improvement; all halves are rounded"
            " up.",
        ),
        Section(
            "standards",
            "Standards of the payment year (4.1.1, Table 19)",
            mine.drop(columns=["performance_year"]),
        ),
        Section(
            "domain_scores",
            "Scores of the domains (4.2)",
            domains.assign(why=describe_why(domains)).drop(
                columns=["ccn", "performance_year", "reason"]
            ),
            "Weights are shown with four decimals; the TPS is added up from exact ones.",
        ),
        Section(
            "tps",
            "Total Performance Score and payment reduction (4.2.6 to 4.3)",
            tps.assign(why=describe_why(tps)).drop(columns=["ccn", "performance_year"]),
        ),
    ]
    why = describe_rows(tps)[0]
    facts = [
        ("Payment year", f"{total['payment_year']}, rule set {total['rule_set']}"),
        (
            "TPS",
            write_number(total["tps"]) if not is_missing(total["tps"]) else f"none: {why}",
        ),
        ("Working", str(total["working"])),
        ("Minimum TPS", write_number(total["minimum_tps"])),
        ("Reduction", f"{write_number(total['payment_reduction'])} percent"),
        *(
            (str(row["domain"]).replace("_", " "), str(row["working"]))
            for row in domains.to_dict("records")
            if not is_missing(row["working"])
        ),
    ]
    return facts, sections, checks


def explain_topic(request: Request) -> Document:
    """Return a topic's score from those of its components (4.1.4): it has no number of its own.

    Raises:
        ExplanationError: the year has no score of the topic.
    """
    every = read_mine(request, scores.QIP_MEASURE_SCORE)
    measured = every[(every["measure"] == request.measure) | (every["parent"] == request.measure)]
    if measured.empty:
        raise ExplanationError(
            f"{request.name}: a topic, scored from its components, of which the year has none"
        )
    standards = request.read(scores.QIP_STANDARD)
    lower = set(standards.loc[standards["direction"] == "lower", "measure"])
    rows, checks = _work_out(measured, lower)
    own = measured[measured["measure"] == request.measure].iloc[0]
    why = describe_rows(measured[measured["measure"] == request.measure])[0]
    return Document(
        name=f"{request.ccn}_{request.measure}_{request.program}",
        title=f"{find_title(request)}: {request.ccn}, {request.year}",
        facts=[
            ("Facility", f"{find_name(request)}, CCN {request.ccn}"),
            ("Performance year", str(request.year)),
            (
                "Score",
                f"none: {why}" if is_missing(own["score"]) else write_number(own["score"]),
            ),
            ("Components", "explain each of them by its own name: a topic only joins their scores"),
        ],
        sections=[Section("measure_scores", "Scores of the components (4.1.4)", rows)],
        checks=checks,
        is_of_patients=False,
    )


def _work_out(measured: pd.DataFrame, lower: set[str]) -> tuple[pd.DataFrame, list[Check]]:
    rules = _load_rules(measured)
    working = [
        score_measure(row, is_lower=row["measure"] in lower, parts=measured, rules=rules)
        for row in measured.to_dict("records")
    ]
    worked_out = measured.assign(
        achievement_working=[one.achievement for one in working],
        improvement_working=[one.improvement for one in working],
        score_working=[one.score for one in working],
        why=describe_why(measured),
    )
    return worked_out[[*_FIRST, *_THEN]], [check for one in working for check in one.checks]


class Working:
    """How one measure's score is worked out, in words, and its checks."""

    def __init__(self) -> None:
        """Start with nothing worked out."""
        self.achievement = self.improvement = self.score = ""
        self.checks: list[Check] = []


def _load_rules(measured: pd.DataFrame) -> Sequence[MeasureRule]:
    """Return the rules that the scores were made by; none where the project has them no longer."""
    payment_year, rule_set = measured["payment_year"].iloc[0], measured["rule_set"].iloc[0]
    if is_missing(payment_year) or is_missing(rule_set):
        return ()
    try:
        return load_rules(int(payment_year), str(rule_set)).measures
    except LookupError:
        return ()


def score_measure(
    row: Line, *, is_lower: bool, parts: pd.DataFrame, rules: Sequence[MeasureRule] = ()
) -> Working:
    """Work a measure's score out again from its stored row (4.1.2, 4.1.4)."""
    working = Working()
    name = str(row["measure"])
    rate = _exact(row["adjusted_rate"])
    rate = _exact(row["rate"]) if rate is None else rate
    threshold, benchmark = _exact(row["achievement_threshold"]), _exact(row["benchmark"])
    earlier = _exact(row["improvement_rate"])
    if rate is not None and threshold is not None and benchmark is not None:
        if not is_missing(row["achievement_score"]):
            points, working.achievement = achieve(rate, threshold, benchmark, is_lower=is_lower)
            working.checks.append(
                Check(f"{name}: achievement", points, float(str(row["achievement_score"])))
            )
        if earlier is not None and not is_missing(row["improvement_score"]):
            points, working.improvement = improve(rate, earlier, benchmark, is_lower=is_lower)
            working.checks.append(
                Check(f"{name}: improvement", points, float(str(row["improvement_score"])))
            )
    if row["applied"] == "components":
        mine = parts[(parts["parent"] == name) & parts["score"].notna()]
        terms = [
            f"{weight:.4f} x {score:g}"
            for weight, score in zip(
                mine["weight_in_parent"], mine["score"].astype(float), strict=True
            )
        ]
        added = float((mine["weight_in_parent"] * mine["score"].astype(float)).sum())
        working.score = f"{' + '.join(terms)} = {added:.4f}, rounded"
        stored = row["unrounded_score"]
        if not is_missing(stored):
            working.checks.append(Check(f"{name}: its components", added, float(str(stored)), 1e-6))
    elif row["applied"] == "published":
        working.score = "as CMS published it: no file has what it is computed from"
    elif row["applied"] == "reporting":
        _add_report(working, row, rules)
    elif row["applied"] in ("achievement", "improvement"):
        working.score = f"the better of the two: {row['applied']}"
    return working


def _add_report(working: Working, row: Line, rules: Sequence[MeasureRule]) -> None:
    """Work a score from reports out by the payment year's formula (2.18.9, 2.19.9, 2.20.10)."""
    name, stored = str(row["measure"]), row["unrounded_score"]
    working.score = f"from reports: {write_number(stored)}, rounded"
    rule = next((one for one in rules if one.measure == name), None)
    if rule is None or is_missing(row["rate"]) or rule.reporting.steps:
        return
    formula, share = rule.reporting, float(str(row["rate"]))
    points = min(formula.multiplier * share - formula.subtrahend, TOP)
    working.score = (
        f"reported {share:.7g} x {formula.multiplier} - {formula.subtrahend} = {points:.4f},"
        " rounded, from 0 to 10"
    )
    if not is_missing(stored):
        working.checks.append(Check(f"{name}: what was reported", points, float(str(stored)), 1e-6))


def achieve(
    rate: Fraction, threshold: Fraction, benchmark: Fraction, *, is_lower: bool
) -> tuple[int, str]:
    """Return the achievement score, 0 to 10, and how it is worked out (4.1.2.1)."""
    better, worse = ("<=", ">") if is_lower else (">=", "<")
    if (rate <= benchmark) if is_lower else (rate >= benchmark):
        return (
            TOP,
            f"{_show(rate)} {better} the benchmark {_show(benchmark)}: 10",
        )
    if (rate > threshold) if is_lower else (rate < threshold):
        return 0, f"{_show(rate)} {worse} the threshold {_show(threshold)}: 0"
    share = 9 * (rate - threshold) / (benchmark - threshold) + _HALF
    points = _round(share)
    return points, (
        f"9 x ({_show(rate)} - {_show(threshold)}) / ({_show(benchmark)} - {_show(threshold)})"
        " + 0.5"
        f" = {float(share):.4f}, rounded {points}"
    )


def improve(
    rate: Fraction, earlier: Fraction, benchmark: Fraction, *, is_lower: bool
) -> tuple[int, str]:
    """Return the improvement score, 0 to 9, and how it is worked out (4.1.2.2)."""
    no_better, sign = ((rate >= earlier), ">=") if is_lower else ((rate <= earlier), "<=")
    if no_better:
        return 0, f"{_show(rate)} {sign} the year before, {_show(earlier)}: 0"
    share = 10 * (rate - earlier) / (benchmark - earlier) - _HALF
    points = _round(share)
    return points, (
        f"10 x ({_show(rate)} - {_show(earlier)}) / ({_show(benchmark)} - {_show(earlier)})"
        " - 0.5"
        f" = {float(share):.4f}, rounded {points}"
    )


def _check_domain(row: Line, measured: pd.DataFrame) -> Check:
    mine = measured[
        (measured["domain"] == row["domain"])
        & (measured["role"] == "measure")
        & measured["score"].notna()
    ]
    added = 10 * float((mine["weight_in_domain"] * mine["score"].astype(float)).sum())
    stored = None if is_missing(row["score"]) else float(str(row["score"]))
    return Check(f"{row['domain']}: 10 x sum of weight x score", added, stored, 1e-6)


def _check_total(total: pd.Series, domains: pd.DataFrame) -> list[Check]:
    if is_missing(total["tps"]):
        return []
    terms = re.findall(r"(\d[\d./]*) x (\d[\d./]*)", str(total["working"]))
    added = float(sum((Fraction(weight) * Fraction(score) for weight, score in terms), Fraction(0)))
    shown = float((domains["weight"] * domains["score"]).sum())
    return [
        Check("TPS: the exact sum of the working", added, float(total["unrounded_tps"]), 1e-7),
        # Weights of four decimals move a domain by a tenth of a point at most.
        Check(
            "TPS: weight x shown score of the domains", shown, float(total["unrounded_tps"]), 2e-3
        ),
        Check(
            "TPS, rounded",
            float(_round(Fraction(str(total["unrounded_tps"])))),
            float(total["tps"]),
        ),
    ]


def read_mine(request: Request, table: Table) -> pd.DataFrame:
    """Return the facility's rows of a table; none where it is not stored."""
    return request.read(table, where={"ccn": request.ccn})


def _exact(value: object) -> Fraction | None:
    """Return a stored rate as the decimal that was written."""
    return None if is_missing(value) else Fraction(repr(float(str(value))))


def _round(value: Fraction) -> int:
    """Round to the nearest whole number, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _show(value: Fraction) -> str:
    return f"{float(value):.10g}"
