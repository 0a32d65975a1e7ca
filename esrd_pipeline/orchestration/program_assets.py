"""Assets of the program layer: flags, QIP scores and star ratings."""

from enum import Enum
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.partitions import LONGEST_STAR_LOOKBACK, years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.parameters.payment_years import find_payment_year, longest_lookback
from esrd_pipeline.parameters.reasons import NOT_PRINTED, describe_reason, find_reason
from esrd_pipeline.tables import facility, linkage, measured, program, raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esrd_pipeline.program.star_baseline import Operation


_KEY = ("ccn", "program", "measure")
_RATES = (*_KEY, "value", "reportable")
_QIP_RATES = (*_RATES, "is_adjusted")
_SCORED = (*_QIP_RATES, "unit_count", "numerator", "denominator", "reason", "reason_number")
_RATED = (*_RATES, "denominator")
_ORIGIN = ("program", "measure", "origin")
"""Columns of the facility contract that standards, QIP scores and stars read."""


def _flag(step: StepContext) -> StepResult:
    from esrd_pipeline.program.flags import flag_facilities

    frame = flag_facilities(
        performance_year=step.performance_year,
        facilities=step.read(measured.CONTRACT, program="dfc"),
        national=step.read(facility.LEVEL),
        published_results=step.read(
            facility.PUBLISHED_RESULT, columns=(*_KEY, "category"), program="dfc"
        ),
    )
    if frame.empty:
        why = find_reason("no_facility_of_dfc").text
        return StepResult((frame,), notes={"not computed": why}, warning=why)
    flagged = frame["category"].value_counts()
    return StepResult((frame,), notes={str(name): int(count) for name, count in flagged.items()})


def _has_rules(step: StepContext) -> bool:
    from esrd_pipeline.program.qip_rules import known_payment_years

    return find_payment_year(step.performance_year) in known_payment_years()


def _no_rules(step: StepContext) -> str:
    return f"there is no rule set for payment year {find_payment_year(step.performance_year)}"


def _standards(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_standards
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_standards import compute_standards

    if not _has_rules(step):
        empty = pd.DataFrame(columns=program.QIP_STANDARD.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    rules = load_rules(find_payment_year(step.performance_year))
    baseline_year = rules.baseline_year
    current = step.read(measured.CONTRACT, columns=_QIP_RATES, program="qip")
    frame = compute_standards(
        rules=rules,
        performance_year=step.performance_year,
        baseline=step.read_earlier(
            measured.CONTRACT,
            step.performance_year - baseline_year,
            columns=_RATES,
            program="qip",
        ),
        baseline_year=baseline_year,
        current=current,
        supplied=step.read(raw.QIP_STANDARD),
    )
    without = int(frame["benchmark"].isna().sum())
    sources = sorted(set(frame["standard_source"].dropna()))
    return StepResult(
        (frame,),
        picture=draw_standards(frame, current),
        notes={
            "standards": "; ".join(sources) or f"none: no partition {baseline_year}",
            "measures without a standard": without,
        },
    )


def _score_measures(step: StepContext) -> StepResult:
    from esrd_pipeline.families.combined import leave_computed
    from esrd_pipeline.orchestration.pictures import draw_measure_scores
    from esrd_pipeline.program.qip_period import list_unplaced
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_scores import score_measures

    if not _has_rules(step):
        empty = pd.DataFrame(columns=program.QIP_MEASURE_SCORE.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    grants = _read_grants(step)
    rules = load_rules(find_payment_year(step.performance_year))
    years = step.performance_year - rules.improvement_year
    frame = score_measures(
        rules=rules,
        performance_year=step.performance_year,
        current=step.read(measured.CONTRACT, columns=_SCORED, program="qip"),
        improvement=leave_computed(
            step.read(facility.PUBLISHED_IMPROVEMENT, columns=_QIP_RATES),
            current=step.read(measured.CONTRACT, columns=_ORIGIN, program="qip"),
            earlier=step.read_earlier(measured.CONTRACT, years, columns=_ORIGIN, program="qip"),
        ),
        earlier=step.read_earlier(measured.CONTRACT, years, columns=_QIP_RATES, program="qip"),
        standards=step.read(program.QIP_STANDARD),
        directory=step.read(facility.DIRECTORY),
        ece_grants=grants,
        published_results=step.read(
            facility.PUBLISHED_RESULT,
            columns=(*_KEY, "score", "reason", "reason_number"),
            program="qip",
        ),
    )
    applied = frame["applied"].value_counts()
    unplaced = list_unplaced(grants, frame["ccn"], step.performance_year)
    return StepResult(
        (frame,),
        notes={f"scored by {name}": int(count) for name, count in applied.items()}
        | {"exceptions under numbers of no facility": len(unplaced)},
        picture=draw_measure_scores(frame),
        warning=f"no facility has the numbers with exceptions {', '.join(unplaced)}"
        if unplaced
        else None,
    )


def _read_grants(step: StepContext) -> pd.DataFrame:
    """Read the exceptions of this year's list and of the one before, which may run into this year.

    Where the numbers of the year are linked, a grant is of the facility its number stands for.
    """
    lists = (step.read(raw.ECE_GRANT), step.read_earlier(raw.ECE_GRANT, 1))
    grants = pd.concat([rows for rows in lists if rows is not None], ignore_index=True)
    if not step.warehouse.has(linkage.PROVIDER_NUMBER, step.performance_year):
        return grants
    known = step.read(linkage.PROVIDER_NUMBER, program="qip").set_index("provider_number")
    return grants.assign(ccn=grants["ccn"].map(known["ccn"]).fillna(grants["ccn"]))


def _score_domains(step: StepContext) -> StepResult:
    from esrd_pipeline.program.qip_domains import score_domains
    from esrd_pipeline.program.qip_rules import load_rules

    if not _has_rules(step):
        empty = pd.DataFrame(columns=program.QIP_DOMAIN_SCORE.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    frame = score_domains(
        rules=load_rules(find_payment_year(step.performance_year)),
        performance_year=step.performance_year,
        measure_scores=step.read(program.QIP_MEASURE_SCORE),
    )
    return StepResult((frame,), notes={"domains scored": int(frame["score"].notna().sum())})


def _score_tps(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_tps
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_tps import list_bands, score_tps, unscored

    if not _has_rules(step):
        frame = unscored(
            performance_year=step.performance_year,
            directory=step.read(facility.DIRECTORY),
            reason="no_rule_set",
        )
        return StepResult((frame,), notes={"not computed": _no_rules(step)})
    rules = load_rules(find_payment_year(step.performance_year))
    frame = score_tps(
        rules=rules,
        performance_year=step.performance_year,
        measure_scores=step.read(program.QIP_MEASURE_SCORE),
    )
    if frame.empty:
        why = find_reason("no_facility_of_qip").text
        return StepResult((frame,), notes={"not computed": why}, warning=why)
    reductions = frame["payment_reduction"].value_counts().sort_index()
    return StepResult(
        (frame,),
        notes={
            "facilities with a TPS": int(frame["tps"].notna().sum()),
            "facilities with a score in no file": int((frame["reason"] == NOT_PRINTED).sum()),
            **{f"reduced by {share}%": int(n) for share, n in reductions.items()},
        },
        picture=draw_tps(frame, list_bands(rules)),
    )


class _Operation(Enum):
    keep = "keep"
    reset = "reset"
    rebaseline = "rebaseline"


class _Counts(Enum):
    published_or_stored = "published_or_stored"
    published = "published"
    stored = "stored"


class _BaselineConfig(dg.Config):
    """What to do with the year's star baseline."""

    operation: _Operation = Field(
        default=_Operation.keep,
        description="keep: what is stored; reset: 10/20/40/20/10; rebaseline: reproduce a"
        " release's counts",
    )
    measure_set: str = Field(default="2023-10", description="Which set of measures is rated")
    counts_from: _Counts = Field(
        default=_Counts.published_or_stored,
        description="Whose stars a rebaselining reproduces: CMS's, where the year's files print"
        " them, or our stored ones",
    )


def _build_star_baseline(step: StepContext) -> StepResult:
    from esrd_pipeline.program.star_baseline import build_baseline

    config = step.read_config(_BaselineConfig)
    if config.operation is _Operation.keep:
        return _keep_star_baseline(step)
    is_rebaseline = config.operation is _Operation.rebaseline
    operation: Operation = "rebaseline" if is_rebaseline else "reset"
    counts = _rating_counts(step, config.counts_from) if is_rebaseline else None
    frame = build_baseline(
        performance_year=step.performance_year,
        operation=operation,
        measure_set=config.measure_set,
        facilities=step.read(measured.CONTRACT, columns=_RATED, program="dfc"),
        directory=step.read(facility.DIRECTORY),
        national=step.read(facility.LEVEL),
        rating_counts=counts,
    )
    cutoffs = frame.loc[frame["element"] == "cutoff"].sort_values("position")
    return StepResult(
        (frame,),
        notes={
            "operation": operation,
            "measure set": config.measure_set,
            "cut-offs": ", ".join(f"{value:.4f}" for value in cutoffs["value"]),
        },
    )


def _keep_star_baseline(step: StepContext) -> StepResult:
    """Keep the baseline as stored, for runs that select this asset among others.

    So that no run makes a new baseline by accident.
    """
    if not step.warehouse.has(program.STAR_BASELINE, step.performance_year):
        raise dg.Failure(
            f"{step.performance_year} has no star baseline. One is made on purpose only, with the"
            " job reset_star_baseline or rebaseline_stars; leave this asset out of other runs",
            allow_retries=False,
        )
    return StepResult((step.read(program.STAR_BASELINE),), notes={"operation": "kept as stored"})


def _rating_counts(step: StepContext, source: _Counts) -> dict[int, int]:
    """Facilities by star of the release that a rebaselining reproduces (manual 5.9.1)."""
    year = step.performance_year
    ratings = pd.Series(dtype=float)
    if source is not _Counts.stored:
        results = step.read(facility.PUBLISHED_RESULT, columns=("measure", "score"))
        ratings = results.loc[results["measure"] == "star_rating", "score"].dropna()
    if (
        source is not _Counts.published
        and ratings.empty
        and step.warehouse.has(program.STARS, year)
    ):
        # Not a dependency in the graph: this year's own stars may use this baseline later on. The
        # operator launches a rebaselining from the release stored now.
        ratings = step.read(program.STARS)["rating"].dropna()
    counts = ratings.astype(int).value_counts()
    if counts.empty:
        raise dg.Failure(
            f"{year}: there are no {source.value.replace('_', ' ')} star ratings for a"
            " rebaselining to reproduce",
            allow_retries=False,
        )
    return {int(str(stars)): int(count) for stars, count in counts.items()}


def _rate(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_stars
    from esrd_pipeline.program.star_scores import score_stars, unrated

    directory = step.read(facility.DIRECTORY)
    results = step.read(facility.PUBLISHED_RESULT, columns=(*_KEY, "score"), program="dfc")
    stored = step.warehouse.years(program.STAR_BASELINE)
    at_hand = [year for year in stored if year <= step.performance_year]
    if not at_hand:
        reason = "no_star_baseline"
        rated = unrated(
            performance_year=step.performance_year,
            directory=directory,
            published_results=results,
            reason=reason,
        )
        notes: Mapping[str, str | int] = {"not rated": describe_reason(reason)}
    else:
        rated = score_stars(
            performance_year=step.performance_year,
            baseline=step.warehouse.read(program.STAR_BASELINE, at_hand[-1]),
            facilities=step.read(measured.CONTRACT, columns=_RATED, program="dfc"),
            directory=directory,
            national=step.read(facility.LEVEL),
            published_results=results,
            baseline_scored=_read_baseline_scored(step),
        )
        counts = rated.stars["rating"].value_counts().sort_index()
        notes = {"baseline": at_hand[-1]} | {f"{s} stars": int(n) for s, n in counts.items()}
    return StepResult(
        (rated.adjustment, rated.measure_scores, rated.stars),
        notes=notes,
        picture=draw_stars(rated.stars),
    )


def _read_baseline_scored(step: StepContext) -> pd.DataFrame:
    """Read this year's rows as scored with the baseline's models, where they could be."""
    if not step.warehouse.has(measured.BASELINE_SCORED, step.performance_year):
        return pd.DataFrame(columns=measured.BASELINE_SCORED.column_names)
    return step.read(measured.BASELINE_SCORED)


_PUBLISHED = Dependency(measured.CONTRACT)
_RESULTS = Dependency(facility.PUBLISHED_RESULT)
_DIRECTORY = Dependency(facility.DIRECTORY)
_NATIONAL = Dependency(facility.LEVEL)

_FLAGS_AND_STARS = (
    TableAsset(
        tables=(program.FLAGS,),
        compute=_flag,
        description="Better than, as or worse than expected: from the interval, p-value or Wald z"
        " by each measure's chapter, with the size rule.",
        dependencies=(_PUBLISHED, _NATIONAL, _RESULTS),
    ),
    TableAsset(
        tables=(program.STAR_ADJUSTMENT, program.STAR_MEASURE_SCORE, program.STARS),
        compute=_rate,
        description="Star ratings with the newest baseline stored at or before the year: how"
        " ratios were adjusted to the baseline, each measure's score, and the rating. Without a"
        " baseline no facility is rated, and the reason is stored.",
        dependencies=(
            _PUBLISHED,
            _DIRECTORY,
            _NATIONAL,
            _RESULTS,
            Dependency(program.STAR_BASELINE, years_before(first=LONGEST_STAR_LOOKBACK)),
            Dependency(measured.BASELINE_SCORED),
        ),
    ),
)
_STANDARDS = (
    TableAsset(
        tables=(program.QIP_STANDARD,),
        compute=_standards,
        description="Achievement threshold, performance standard and benchmark of each clinical"
        " measure: as supplied in the year's folder, else from CMS's own table, else from the"
        " baseline year of the payment year's rules. Where there is none the measure has no"
        " standard, and the reason is stored.",
        dependencies=(
            Dependency(measured.CONTRACT, years_before(first=longest_lookback("baseline_year"))),
            Dependency(raw.QIP_STANDARD),
        ),
    ),
)
_SCORES = (
    TableAsset(
        tables=(program.QIP_MEASURE_SCORE,),
        compute=_score_measures,
        description="Every measure's score with its inputs: rate, adjustment, standards,"
        " achievement, improvement, which applied, weights as applied. Improvement needs the rate"
        " of the year before: computed, where both years' are, else published in this year's file,"
        " else stored; without it achievement decides.",
        dependencies=(
            Dependency(measured.CONTRACT, years_before(first=longest_lookback("improvement_year"))),
            Dependency(facility.PUBLISHED_IMPROVEMENT),
            Dependency(program.QIP_STANDARD),
            _DIRECTORY,
            Dependency(raw.ECE_GRANT, years_before(first=1)),
            Dependency(linkage.PROVIDER_NUMBER),
            _RESULTS,
        ),
    ),
    TableAsset(
        tables=(program.QIP_DOMAIN_SCORE,),
        compute=_score_domains,
        description="Domain scores with their weights as applied and the sum written out.",
        dependencies=(Dependency(program.QIP_MEASURE_SCORE),),
    ),
    TableAsset(
        tables=(program.QIP_TPS,),
        compute=_score_tps,
        description="Total Performance Score and payment reduction of every facility, summed from"
        " the measures' scores with exact weights.",
        dependencies=(Dependency(program.QIP_MEASURE_SCORE), _DIRECTORY),
    ),
)

_BASELINE = TableAsset(
    tables=(program.STAR_BASELINE,),
    compute=_build_star_baseline,
    description="Baseline of the star ratings. Made by an operator for a year, with the"
    " jobs `reset_star_baseline` and `rebaseline_stars`; never by a refresh. Later years"
    " read the newest one stored.",
    dependencies=(_PUBLISHED, _DIRECTORY, _NATIONAL, _RESULTS),
)

ASSETS = (
    make_multi_asset("program_flags_and_stars", _FLAGS_AND_STARS),
    # Separate steps, because they read different earlier years of the same table.
    make_multi_asset("program_qip_standard", _STANDARDS),
    make_multi_asset("program_qip_scores", _SCORES),
    # A step of its own: no run makes a baseline together with other tables; only it takes options.
    make_multi_asset("program_star_baseline", (_BASELINE,), config=_BaselineConfig),
)
