"""Assets of the report layer: summaries for readers."""

import pandas as pd

from esrd_pipeline.catalog_database import write_catalog
from esrd_pipeline.orchestration import (
    release_assets,
    reports_assets_change,
    reports_assets_exclusion,
    reports_assets_network,
    reports_assets_sources,
    reports_assets_trend,
    site_assets,
    what_if_assets,
)
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.made_of import MISSING, STORED
from esrd_pipeline.orchestration.rule_set import has_rules, read_recorded
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.parameters.reasons import describe_reason
from esrd_pipeline.tables import facility, measured, network, program, raw, report
from esrd_pipeline.tables.catalog import CATALOG, PATIENT_TABLES, TABLES
from esrd_pipeline.tables.dictionary import list_columns
from esrd_pipeline.tables.model import Table


def _measure_set(stars: pd.DataFrame) -> str | None:
    """Return the measure set of the year's ratings; None where no facility could be rated."""
    known = stars["measure_set"].dropna()
    return None if known.empty else str(known.iloc[0])


def _profile(step: StepContext) -> StepResult:
    from esrd_pipeline.program.star_reports import profile

    stars = step.read(program.STARS)
    measure_set = _measure_set(stars)
    if measure_set is None:
        return _unrated(report.STAR_PROFILE)
    frame = profile(
        performance_year=step.performance_year,
        measure_set=measure_set,
        stars=stars,
        measure_scores=step.read(program.STAR_MEASURE_SCORE),
    )
    return StepResult((frame,), notes={"measure set": measure_set})


def _factors(step: StepContext) -> StepResult:
    from esrd_pipeline.program.star_reports import factor_loadings

    measure_set = _measure_set(step.read(program.STARS))
    if measure_set is None:
        return _unrated(report.STAR_FACTOR)
    frame = factor_loadings(
        performance_year=step.performance_year,
        measure_set=measure_set,
        measure_scores=step.read(program.STAR_MEASURE_SCORE),
    )
    largest = frame.loc[frame["is_largest"].astype(bool)]
    return StepResult(
        (frame,),
        notes={
            "measure set": measure_set,
            "largest loadings": "; ".join(
                f"{row.measure} (domain {row.domain}): factor {row.factor}, {row.loading:.2f}"
                for row in largest.itertuples()
            )
            or "too few facilities with every measure to identify the factors",
        },
    )


def _unrated(table: Table) -> StepResult:
    empty = pd.DataFrame(columns=table.column_names)
    return StepResult((empty,), notes={"not computed": "no facility is rated"})


def _agreement(step: StepContext) -> StepResult:
    from esrd_pipeline.program.agreement import Ours, compare_with_published

    periods = ("ccn", "five_star_period", "claims_period", "eqrs_period")
    published_results = step.read(facility.PUBLISHED_RESULT)
    measure_scores = step.read(program.QIP_MEASURE_SCORE)
    agreement = compare_with_published(
        performance_year=step.performance_year,
        published_results=published_results,
        ours=Ours(
            flags=step.read(program.FLAGS),
            measure_scores=measure_scores,
            zeros=_find_zeros(step, measure_scores, published_results),
            domain_scores=step.read(program.QIP_DOMAIN_SCORE),
            tps=step.read(program.QIP_TPS),
            stars=step.read(program.STARS),
            levels=step.read(facility.LEVEL),
            standards=step.read(program.QIP_STANDARD),
            origins=step.read(measured.CONTRACT, columns=("program", "measure", "origin")),
            star_periods=step.read(raw.DFC_FACILITY, columns=periods)
            if step.warehouse.has(raw.DFC_FACILITY, step.performance_year)
            else None,
        ),
    )
    counts, differences = agreement.counts, agreement.differences
    is_of_both = differences["ours"].notna() & differences["theirs"].notna()
    causes = differences.loc[is_of_both, "reason"].value_counts()
    return StepResult(
        (counts, differences),
        notes={
            "results compared": int(counts["compared_count"].sum()),
            "results equal": int(counts["equal_count"].sum()),
            **{f"differ: {describe_reason(str(code))}": int(n) for code, n in causes.items()},
        },
    )


def _find_zeros(
    step: StepContext, measure_scores: pd.DataFrame, published_results: pd.DataFrame
) -> frozenset[str]:
    from esrd_pipeline.program.agreement_zeros import find_zeros
    from esrd_pipeline.program.qip_rules import load_rules

    if not has_rules(step):
        return frozenset()
    recorded = read_recorded(step, program.QIP_MEASURE_SCORE)
    rules = load_rules(find_payment_year(step.performance_year), recorded)
    return find_zeros(rules, measure_scores, published_results)


def _correlate(step: StepContext) -> StepResult:
    from esrd_pipeline.families.validity import correlate_with_shr

    columns = ("ccn", "program", "measure", "value", "reportable")
    contract = step.read(measured.CONTRACT, columns=columns, program="dfc")
    frame = correlate_with_shr(step.performance_year, contract)
    known = frame[frame["rho"].notna()]
    return StepResult(
        (frame,),
        notes={str(row.measure): f"{row.rho:.2f}" for row in known.itertuples()},
    )


def _readings(step: StepContext) -> StepResult:
    from esrd_pipeline.parameters.readings import load_readings

    del step  # the same in every year
    rows = [
        {
            "number": reading.number,
            "topic": reading.topic,
            "section": reading.section,
            "title": reading.title,
            "reading": reading.reading,
            "why": reading.why,
            "files": " ".join(reading.files) or None,
            "citation": reading.citation,
        }
        for reading in load_readings()
    ]
    frame = pd.DataFrame(rows, columns=report.READING.column_names)
    return StepResult((frame,), notes={"readings": len(rows)})


def _find_database(step: StepContext) -> dict[str, str]:
    """Return whether the database, which is replaced with the catalog, is there, and its views.

    A view reads whatever years are stored, so a year more makes it no other.
    """
    database = step.settings.catalog_path
    views = {
        f"the view of {table.name}": STORED for table in TABLES if step.unrecorded.years(table)
    }
    return {database.name: STORED if database.exists() else MISSING, **views}


def _catalog(step: StepContext) -> StepResult:
    rows = list_columns((*TABLES, *PATIENT_TABLES), PATIENT_TABLES)
    frame = pd.DataFrame(rows, columns=CATALOG.column_names)
    # It looks at every table, and reads the contract alone.
    made = write_catalog(step.unrecorded, TABLES, step.settings.catalog_path, dictionary=frame)
    outdated = len(made.left_out)
    return StepResult(
        (frame,),
        notes={
            "tables": frame["table_name"].nunique(),
            "views": made.views,
            "views of measures": made.measures,
            "stored years left out": outdated,
        },
        warning=(
            f"{outdated} stored years do not fit their tables' definitions and are left out of the"
            f" views (table esrd_left_out): {made.left_out[0]}"
            if outdated
            else None
        ),
    )


_TABLES = (
    TableAsset(
        tables=(report.STAR_PROFILE,),
        compute=_profile,
        description="Mean measure values by star, as in the manual's Table 29.",
        dependencies=(Dependency(program.STARS), Dependency(program.STAR_MEASURE_SCORE)),
    ),
    TableAsset(
        tables=(report.STAR_FACTOR,),
        compute=_factors,
        description="Factor analysis of the star measures: does it find the four domains?",
        dependencies=(Dependency(program.STARS), Dependency(program.STAR_MEASURE_SCORE)),
    ),
    TableAsset(
        tables=(report.PUBLISHED_AGREEMENT, report.AGREEMENT_DIFFERENCE),
        compute=_agreement,
        description="Our flags, scores, reductions and stars compared with those CMS published:"
        " counts, and every difference with its likely cause.",
        dependencies=(
            Dependency(facility.PUBLISHED_RESULT),
            Dependency(program.FLAGS),
            Dependency(program.QIP_MEASURE_SCORE),
            Dependency(program.QIP_DOMAIN_SCORE),
            Dependency(program.QIP_TPS),
            Dependency(program.QIP_STANDARD),
            Dependency(program.STARS),
            Dependency(facility.LEVEL),
            Dependency(measured.CONTRACT),
            Dependency(raw.DFC_FACILITY),
        ),
    ),
    TableAsset(
        tables=(report.SHR_VALIDITY,),
        compute=_correlate,
        description="SHR's correlation with other measures over facilities, compared with its 2025"
        " submission.",
        dependencies=(Dependency(measured.CONTRACT),),
    ),
    TableAsset(
        tables=(report.READING,),
        compute=_readings,
        description="How each place of the manual that is unclear is read, and why. The same every"
        " year; stored with each, so that results and readings stay together.",
    ),
    TableAsset(
        tables=(CATALOG,),
        compute=_catalog,
        description="The data dictionary: every column of every stored table, with its unit, the"
        " values it may hold and its rules. Its step also replaces `esrd.duckdb`, the database of"
        " views that people query, which has the dictionary as a table, once, and as comments.",
        dependencies=(
            Dependency(report.STAR_PROFILE),
            Dependency(report.STAR_FACTOR),
            Dependency(report.PUBLISHED_AGREEMENT),
            Dependency(report.AGREEMENT_DIFFERENCE),
            Dependency(program.QIP_TPS),
            Dependency(network.CANDIDATE),
            Dependency(network.PEER),
            Dependency(measured.CONTRACT),
        ),
        outside=_find_database,
    ),
)

_COVERAGE = make_select_asset(
    "report.value_set_coverage",
    description="How many codes of each value set are on claims of the year, and how many codes on"
    " claims are in none of its groups: the coverage of the code lists.",
)


def _warn_of_months(account: pd.DataFrame) -> str | None:
    from esrd_pipeline.families.unusual_months import describe_unusual_months

    return describe_unusual_months(account)


_ACCOUNT = (
    make_select_asset(
        "cohort.followed_event",
        description="Every death, waitlisting and arrival at home of the histories, and why it does"
        " not count in SMR, SWR or SMoSR.",
    ),
    make_select_asset(
        "cohort.return_event",
        description="Every hospital stay and emergency encounter 4 to 30 days after a discharge,"
        " and why it is no event of SRR or ED30.",
    ),
    make_select_asset(
        "report.event_account",
        description="What became of every admission, discharge, readmission, transfusion, emergency"
        " encounter, death, waitlisting and switch to home dialysis, by month and measure: counted,"
        " or why not. Not stored unless the sums agree; warns of months with unusually many or"
        " few events.",
        find_warning=_warn_of_months,
    ),
)

ASSETS = (
    *reports_assets_network.ASSETS,
    make_multi_asset("report", _TABLES),
    # A step of its own: the others can be made from published files alone.
    make_multi_asset("value_set_coverage", (_COVERAGE,)),
    # A step of its own: an account that does not close stops no measure.
    make_multi_asset("event_account", _ACCOUNT),
    *reports_assets_trend.ASSETS,
    *reports_assets_exclusion.ASSETS,
    *what_if_assets.ASSETS,
    *site_assets.ASSETS,
    *reports_assets_sources.ASSETS,
    *reports_assets_change.ASSETS,
    *release_assets.ASSETS,
)
