"""Assets of the program layer: flags, QIP scores and star ratings."""

from typing import TYPE_CHECKING

import pandas as pd

from esrd_pipeline.orchestration import star_baseline_assets
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.partitions import LONGEST_STAR_LOOKBACK, years_before
from esrd_pipeline.orchestration.rule_set import (
    STEP,
    RuleSetConfig,
    has_rules,
    read_choice,
    read_recorded,
    record,
)
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.parameters.payment_years import find_payment_year, longest_lookback
from esrd_pipeline.parameters.reasons import NOT_PRINTED, describe_reason, find_reason
from esrd_pipeline.program.qip_rule_sets import DEFAULT
from esrd_pipeline.tables import facility, linkage, measured, program, raw

if TYPE_CHECKING:
    from collections.abc import Mapping


_KEY = ("ccn", "program", "measure")
_RATES = (*_KEY, "value", "reportable")
_QIP_RATES = (*_RATES, "is_adjusted")
_RATED = (*_RATES, "denominator")
"""Columns of the facility contract that standards and stars read."""


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


def _no_rules(step: StepContext) -> str:
    return f"there is no rule set for payment year {find_payment_year(step.performance_year)}"


def _standards(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_standards
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_standards import compute_standards
    from esrd_pipeline.scoring_frames import leave_uncounted, read_counted

    chosen = read_choice(step)
    if not has_rules(step) and chosen == DEFAULT:
        empty = pd.DataFrame(columns=program.QIP_STANDARD.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    rules = load_rules(find_payment_year(step.performance_year), chosen)
    baseline_year = rules.baseline_year
    rates = step.read(measured.CONTRACT, columns=_QIP_RATES, program="qip")
    current = leave_uncounted(step, rules, 0, rates)
    frame = compute_standards(
        rules=rules,
        performance_year=step.performance_year,
        baseline=read_counted(step, rules, step.performance_year - baseline_year),
        baseline_year=baseline_year,
        current=current,
        supplied=step.read(raw.QIP_STANDARD),
    )
    without = int(frame["benchmark"].isna().sum())
    sources = sorted(set(frame["standard_source"].dropna()))
    result = StepResult(
        (frame,),
        picture=draw_standards(frame, current),
        notes={
            "standards": "; ".join(sources) or f"none: no partition {baseline_year}",
            "measures without a standard": without,
        },
    )
    return record(result, rules)


def _score_measures(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_measure_scores
    from esrd_pipeline.program.qip_period import list_unplaced
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.scoring_frames import read_frames

    if not has_rules(step):
        empty = pd.DataFrame(columns=program.QIP_MEASURE_SCORE.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    recorded = read_recorded(step, program.QIP_STANDARD)
    rules = load_rules(find_payment_year(step.performance_year), recorded)
    frames = read_frames(step, rules)
    frame = frames.score(rules, step.performance_year)
    applied = frame["applied"].value_counts()
    unplaced = list_unplaced(frames.ece_grants, frame["ccn"], step.performance_year)
    result = StepResult(
        (frame,),
        notes={f"scored by {name}": int(count) for name, count in applied.items()}
        | {"exceptions under numbers of no facility": len(unplaced)},
        picture=draw_measure_scores(frame),
        warning=f"no facility has the numbers with exceptions {', '.join(unplaced)}"
        if unplaced
        else None,
    )
    return record(result, rules)


def _score_domains(step: StepContext) -> StepResult:
    from esrd_pipeline.program.qip_domains import score_domains
    from esrd_pipeline.program.qip_rules import load_rules

    if not has_rules(step):
        empty = pd.DataFrame(columns=program.QIP_DOMAIN_SCORE.column_names)
        return StepResult((empty,), notes={"not computed": _no_rules(step)})
    recorded = read_recorded(step, program.QIP_MEASURE_SCORE)
    rules = load_rules(find_payment_year(step.performance_year), recorded)
    frame = score_domains(
        rules=rules,
        performance_year=step.performance_year,
        measure_scores=step.read(program.QIP_MEASURE_SCORE),
    )
    notes = {"domains scored": int(frame["score"].notna().sum())}
    return record(StepResult((frame,), notes=notes), rules)


def _score_tps(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_tps
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_tps import list_bands, score_tps, unscored

    if not has_rules(step):
        frame = unscored(
            performance_year=step.performance_year,
            directory=step.read(facility.DIRECTORY),
            reason="no_rule_set",
        )
        return StepResult((frame,), notes={"not computed": _no_rules(step)})
    recorded = read_recorded(step, program.QIP_MEASURE_SCORE)
    rules = load_rules(find_payment_year(step.performance_year), recorded)
    frame = score_tps(
        rules=rules,
        performance_year=step.performance_year,
        measure_scores=step.read(program.QIP_MEASURE_SCORE),
    )
    if frame.empty:
        why = find_reason("no_facility_of_qip").text
        return StepResult((frame,), notes={"not computed": why}, warning=why)
    reductions = frame["payment_reduction"].value_counts().sort_index()
    result = StepResult(
        (frame,),
        notes={
            "facilities with a TPS": int(frame["tps"].notna().sum()),
            "facilities with a score in no file": int((frame["reason"] == NOT_PRINTED).sum()),
            **{f"reduced by {share}%": int(n) for share, n in reductions.items()},
        },
        picture=draw_tps(frame, list_bands(rules)),
    )
    return record(result, rules)


def _rate(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_stars
    from esrd_pipeline.program.star_rules import knows_measure_set
    from esrd_pipeline.program.star_scores import score_stars, unrated

    directory = step.read(facility.DIRECTORY)
    results = step.read(facility.PUBLISHED_RESULT, columns=(*_KEY, "score"), program="dfc")
    stored = step.warehouse.years(program.STAR_BASELINE)
    at_hand = [year for year in stored if year <= step.performance_year]
    if not at_hand:
        has_set = knows_measure_set(step.performance_year)
        reason = "no_star_baseline" if has_set else "no_star_measure_set"
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


def list_rates(first: int) -> tuple[Dependency, ...]:
    """Rates of a year and of those before it, and what excludes facilities in each of them.

    A grant of a year's list may run into the next year.
    """
    years = years_before(first=first)
    return (
        Dependency(measured.CONTRACT, years),
        Dependency(facility.DIRECTORY, years),
        Dependency(linkage.PROVIDER_NUMBER, years),
        Dependency(raw.ECE_GRANT, years_before(first=first + 1)),
    )


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
            *list_rates(longest_lookback("baseline_year")),
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
            *list_rates(longest_lookback("improvement_year")),
            Dependency(facility.PUBLISHED_IMPROVEMENT),
            Dependency(program.QIP_STANDARD),
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

ASSETS = (
    make_multi_asset("program_flags_and_stars", _FLAGS_AND_STARS),
    # Separate steps, because they read different earlier years of the same table.
    make_multi_asset(STEP, _STANDARDS, config=RuleSetConfig),
    make_multi_asset("program_qip_scores", _SCORES),
    *star_baseline_assets.ASSETS,
)
