"""A block of markets in all years: the unit of work of one worker."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from esrd_pipeline.synthetic.nation import (
    directory,
    enrollment,
    forms,
    other_registers,
    registers,
    truth,
)
from esrd_pipeline.synthetic.nation.admissions import choose_admissions
from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.claims_acute import bill_acute, report_acute
from esrd_pipeline.synthetic.nation.claims_dialysis import bill_dialysis
from esrd_pipeline.synthetic.nation.claims_inpatient import bill_admissions
from esrd_pipeline.synthetic.nation.claims_other import (
    bill_after_stays,
    bill_hospice,
    bill_physicians,
)
from esrd_pipeline.synthetic.nation.claims_visits import bill_visits
from esrd_pipeline.synthetic.nation.clinical import report_months
from esrd_pipeline.synthetic.nation.columns import Rows, stack, to_arrow
from esrd_pipeline.synthetic.nation.coverage import Coverage, draw_coverage
from esrd_pipeline.synthetic.nation.data_defects import DataDefects, draw_defects
from esrd_pipeline.synthetic.nation.effects import draw_hospital_effects
from esrd_pipeline.synthetic.nation.episodes import Episodes, draw_episodes
from esrd_pipeline.synthetic.nation.events import Events, draw_events
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.files import list_files
from esrd_pipeline.synthetic.nation.identifiers import Identifiers, identify
from esrd_pipeline.synthetic.nation.months import Months, cut_months, edges_of
from esrd_pipeline.synthetic.nation.people import People, draw_people
from esrd_pipeline.synthetic.nation.prevented import prevent_stays
from esrd_pipeline.synthetic.nation.reports import report_facilities
from esrd_pipeline.synthetic.nation.run_out import add_run_out
from esrd_pipeline.synthetic.nation.screenings import report_screenings
from esrd_pipeline.synthetic.nation.status import (
    Habits,
    Status,
    draw_habits,
    draw_status,
    list_months,
)
from esrd_pipeline.synthetic.nation.stays import (
    Stays,
    add_grafts,
    draw_harmed_stays,
    draw_stays,
    settle_stays,
)
from esrd_pipeline.synthetic.nation.tally import tally_year
from esrd_pipeline.synthetic.nation.trajectories import Trajectories, draw_trajectories
from esrd_pipeline.synthetic.nation.truth_tables import TABLES as TRUTH
from esrd_pipeline.tables.model import Table

MEMORY_YEARS = 3
"""Registers include patients who died within this many years before the first year."""
_PATHS, _STAYS, _SETTLE, _CLAIMS, _HABITS, _CLINICAL, _STATUS, _SCREENINGS, _REPORTS = range(9)
_MORE_PEOPLE, _MORE_PATHS, _MORE_EVENTS, _MORE_DEFECTS, _MORE_STAYS, _MORE_CLAIMS = range(9, 15)
_PREVENTED, _HARMED = 20, 21


@dataclass(frozen=True, slots=True)
class Span:
    """The seed and the requested years."""

    seed: int
    first_year: int
    last_year: int

    @property
    def years(self) -> range:
        """The years, ascending."""
        return range(self.first_year, self.last_year + 1)

    @property
    def year_after(self) -> int | None:
        """The year after the last one, of which the claims are drawn for the run-out.

        None if the generator does not draw it.
        """
        is_lived = self.last_year < int(load_figures()["last_year"])
        return self.last_year + 1 if is_lived else None


@dataclass(frozen=True, slots=True)
class MarketHistory:
    """A market's people with their trajectories, events and stays."""

    market: Market
    people: People
    trajectories: Trajectories
    coverage: Coverage
    events: Events
    identifiers: Identifiers
    defects: DataDefects
    months: Mapping[int, Months]
    stays: Stays
    habits: Habits


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a block's markets: year to file to rows, and the truth's tables."""

    years: Mapping[int, Mapping[str, pa.Table]]
    truth: Mapping[str, pa.Table]


def compute_block(span: Span, markets: list[Market]) -> Block:
    """Compute the rows of a block's markets."""
    years: dict[int, dict[str, list[pa.Table]]] = {year: {} for year in span.years}
    truth_rows: dict[str, list[Rows]] = {}
    for market in markets:
        history = draw_history(span, market)
        for name, rows in _record_truth(span, history).items():
            truth_rows.setdefault(name, []).append(rows)
        for year, tables in _write_market(span, history, truth_rows).items():
            for name, table in tables.items():
                years[year].setdefault(name, []).append(table)
    return Block(
        {
            year: {name: pa.concat_tables(parts) for name, parts in tables.items()}
            for year, tables in years.items()
        },
        _to_tables(TRUTH, truth_rows),
    )


def _write_market(
    span: Span, history: MarketHistory, truth_rows: dict[str, list[Rows]]
) -> dict[int, dict[str, pa.Table]]:
    """Return a market's files of every year, and add to the truth."""
    files, made = list_files(), {}
    for year in _drawn_years(span):
        parts: dict[str, list[Rows]] = {}
        if year in span.years:
            for name, rows in _write_year(span, history, year):
                kept = truth_rows if name in TRUTH else parts
                kept.setdefault(name, []).append(rows)
        else:
            for billed in _bill_year(span, history, year, _draw_status(span, history, year)):
                for name, rows in billed.items():
                    if name not in TRUTH:
                        parts.setdefault(name, []).append(rows)
        made[year] = _to_tables(files, parts)
    return {
        year: add_run_out(made[year], made[year + 1], year) if year + 1 in made else made[year]
        for year in span.years
    }


def _drawn_years(span: Span) -> range:
    """Return the years of which claims are drawn."""
    return range(span.first_year, (span.year_after or span.last_year) + 1)


def tally_market(span: Span, market: Market) -> Rows:
    """Return the tally of a market's years, without writing its claims."""
    history = draw_history(span, market)
    tallies: list[Rows] = []
    for year in span.years:
        here, episodes, status = draw_year(span, history, year)
        tallies.append(tally_year(here, episodes, history.defects, status))
    return stack(tallies)


def draw_year(span: Span, history: MarketHistory, year: int) -> tuple[MarketYear, Episodes, Status]:
    """Return the ground truth of a year, from which its claims and registers are made."""
    here = _look(history, year)
    episodes = draw_episodes(here, _stream(span, history.market, year, _CLAIMS))
    return here, episodes, _draw_status(span, history, year)


def _draw_status(span: Span, history: MarketHistory, year: int) -> Status:
    here = _look(history, year)
    return draw_status(here, history.habits, _stream(span, history.market, year, _STATUS))


def _to_tables(tables: Mapping[str, Table], parts: Mapping[str, list[Rows]]) -> dict[str, pa.Table]:
    return {name: to_arrow(tables[name], stack(rows)) for name, rows in parts.items()}


def draw_history(span: Span, market: Market) -> MarketHistory:
    """Draw a market's people, their trajectories and their hospital stays."""
    rng = _stream(span, market, 0, _PATHS)
    people = draw_people(market, rng, _stream(span, market, 0, _MORE_PEOPLE))
    trajectories = draw_trajectories(market, people, rng, _stream(span, market, 0, _MORE_PATHS))
    coverage = draw_coverage(people, rng)
    events = draw_events(people, trajectories, rng, _stream(span, market, 0, _MORE_EVENTS))
    identifiers = identify(people, rng)
    more = _stream(span, market, 0, _MORE_DEFECTS)
    defects = draw_defects(market, people, trajectories, events, rng=rng, more=more)
    years = range(span.first_year - 1, _drawn_years(span).stop)
    months = {year: cut_months(trajectories, coverage, year) for year in years}
    hospital_effect = draw_hospital_effects(market.number, len(market.hospitals), span.seed)
    drawn = [
        draw_stays(
            market,
            people,
            events,
            months[year],
            hospital_effect=hospital_effect,
            rng=_stream(span, market, year, _STAYS),
            more=_stream(span, market, year, _MORE_STAYS),
        )
        for year in years
    ]
    harmed = [
        draw_harmed_stays(
            market, people, events, months[year], _stream(span, market, year, _HARMED)
        )
        for year in years
    ]
    settled = settle_stays(drawn, harmed, people, trajectories, _stream(span, market, 0, _SETTLE))
    stays = add_grafts(
        settled,
        trajectories,
        first=int(edges_of(years[0])[0]),
        last=int(edges_of(years[-1])[-1]) - 1,
    )
    stays = prevent_stays(stays, market, _stream(span, market, 0, _PREVENTED))
    habits = draw_habits(people, _stream(span, market, 0, _HABITS))
    return MarketHistory(
        market, people, trajectories, coverage, events, identifiers, defects, months, stays, habits
    )


def _record_truth(span: Span, history: MarketHistory) -> dict[str, Rows]:
    """Return a market's ground truth as of the end of the last year."""
    known = _know(span, history, span.last_year)
    return {
        "patient": truth.list_people(known, history.coverage),
        "spell": truth.list_spells(known),
        "stay": truth.list_stays(known, history.stays),
        "hospital": truth.list_hospitals(history.market, span.seed),
        "data_defects": truth.label_people(known),
    }


def _know(span: Span, history: MarketHistory, year: int) -> registers.Known:
    return registers.Known(
        market=history.market,
        people=history.people,
        trajectories=history.trajectories,
        events=history.events,
        identifiers=history.identifiers,
        defects=history.defects,
        since=int(edges_of(span.first_year - MEMORY_YEARS)[0]),
        until=int(edges_of(year)[-1]) - 1,
    )


def _write_year(span: Span, history: MarketHistory, year: int) -> Generator[tuple[str, Rows]]:
    """Yield a market's rows of every file of a year; a file may have several parts."""
    until = int(edges_of(year)[-1]) - 1
    known = _know(span, history, year)
    registered = {
        "eqrs_patient": registers.list_patients(known),
        "eqrs_identifier": registers.list_identifiers(known),
        "eqrs_facility": directory.list_facilities(history.market, until),
        "eqrs_facility_service": directory.list_services(history.market, until),
        "eqrs_ccn_history": directory.list_ccn_history(history.market, until),
        "eqrs_admission": registers.list_admissions(known),
        "eqrs_treatment": registers.list_treatments(known),
        "cms_2728": forms.list_forms(known),
        "cms_2746": registers.list_death_forms(known),
        "optn_transplant": other_registers.list_transplants(known),
        "optn_waitlist": other_registers.list_waitlist(known),
        "mds_stay": enrollment.list_nursing_homes(known, history.coverage, history.events),
        "ssa_death": other_registers.list_social_security(known),
        "provider_of_services": directory.list_providers(history.market, until),
        "medicare_enrollment": enrollment.list_enrollment(known, history.coverage, year),
    }
    yield from registered.items()
    here = _look(history, year)
    status = _draw_status(span, history, year)
    yield "month", list_months(here, status)
    yield from report_months(here, status, _stream(span, history.market, year, _CLINICAL)).items()
    yield from report_acute(here, history.defects.acute).items()
    yield from report_screenings(here, _stream(span, history.market, year, _SCREENINGS)).items()
    yield from report_facilities(here, _stream(span, history.market, year, _REPORTS)).items()
    for billed in _bill_year(span, history, year, status):
        yield from billed.items()


def _bill_year(
    span: Span, history: MarketHistory, year: int, status: Status
) -> Generator[dict[str, Rows]]:
    here = _look(history, year)
    rng = _stream(span, history.market, year, _CLAIMS)
    more = _stream(span, history.market, year, _MORE_CLAIMS)
    episodes = draw_episodes(here, rng)
    admissions = choose_admissions(here, rng, more)
    yield bill_admissions(here, admissions, episodes, rng=rng, more=more)
    yield bill_dialysis(here, status, rng)
    yield bill_acute(here, history.defects.acute)
    yield bill_visits(here, episodes, rng=rng, more=more)
    yield bill_after_stays(here, admissions, rng)
    yield bill_hospice(here, history.defects)
    yield bill_physicians(here, rng)
    yield {"tally": tally_year(here, episodes, history.defects, status)}


def _look(history: MarketHistory, year: int) -> MarketYear:
    return MarketYear(
        history.market,
        history.people,
        history.trajectories,
        history.coverage,
        history.events,
        history.months[year],
        history.stays,
    )


def _stream(span: Span, market: Market, year: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([span.seed, market.number, year, purpose])
