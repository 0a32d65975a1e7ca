"""Attribution on random histories: reading 27 day by day in plain loops, and invariants.

Many patients are one example and one run of the SQL. Days are few, so that the rules meet often.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from esrd_pipeline_tests.sql.worked import run

pytestmark = pytest.mark.manual("2.13.10")

LAST = date(2024, 12, 31)
Answer = tuple[str | None, str | None]
OFF = ("transplant", "recovered", "withdrawn", "lost", "untreated")
WHY = {
    "transplant": "transplant",
    "recovered": "after_withdrawal_or_recovery",
    "withdrawn": "after_withdrawal_or_recovery",
    "lost": "lost_to_follow_up",
    "untreated": "not_treated_by_any_facility",
    "dialysis": "too_few_days_at_one_facility",
}
FEW_EXAMPLES = settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Rules:
    """The parameters of attribution."""

    treatment_days: int
    follow_days: int
    first_day: int
    transplant_days: int


@dataclass(frozen=True)
class Spell:
    """So many days in one state."""

    state: str
    ccn: str | None
    length: int
    modality: str | None


@dataclass(frozen=True)
class Life:
    """Spells one after the other; `until` days before the year's end the patient died."""

    spells: tuple[Spell, ...]
    until: int
    later_transplant: int | None

    @property
    def days(self) -> int:
        """How many days."""
        return sum(spell.length for spell in self.spells)

    @property
    def first(self) -> date:
        """The first service date."""
        return LAST - timedelta(days=self.until + self.days - 1)

    @property
    def transplants(self) -> list[int]:
        """Days, counted from 0, of the transplants; one may come after the year."""
        found, start = [], 0
        for spell in self.spells:
            if spell.state == "transplant":
                found.append(start)
                if spell.modality:
                    found.append(start + spell.length - 1)
            start += spell.length
        if self.until == 0 and self.later_transplant is not None:
            found.append(self.days + self.later_transplant)
        return sorted(set(found))


SPELLS = st.one_of(
    st.builds(
        Spell,
        st.just("dialysis"),
        st.sampled_from(["A", "A", "B", "B", "C", None]),
        st.integers(1, 25),
        st.sampled_from(["hemodialysis", "peritoneal"]),
    ),
    # A modality marks a transplant that is followed by another on the graft's last day.
    st.builds(
        Spell,
        st.sampled_from(OFF),
        st.none(),
        st.integers(1, 12),
        st.sampled_from([None, "hemodialysis"]),
    ),
)
LIVES = st.builds(
    Life,
    st.lists(SPELLS, min_size=1, max_size=9).map(tuple),
    st.sampled_from([0, 0, 0, 5]),
    st.one_of(st.none(), st.integers(0, 5)),
)
MANY = st.lists(LIVES, min_size=10, max_size=40)
RULES = st.builds(
    Rules, st.integers(1, 12), st.integers(1, 15), st.integers(1, 15), st.integers(0, 4)
)
FOUR_RULES = st.lists(RULES, min_size=4, max_size=4)


def attribute(
    trajectories: Sequence[Life], rules: Sequence[Rules], *, backwards: bool = False
) -> pd.DataFrame:
    """Every patient's days by every one of the rules, which are named by their places."""
    treatment, transplant = [], []
    for patient, life in enumerate(trajectories, start=1):
        whose = {"program": "dfc", "patient_id": patient}
        start = life.first
        for spell in life.spells:
            treatment.append(
                {
                    **whose,
                    "state": spell.state,
                    "ccn": spell.ccn,
                    "modality": spell.modality if spell.state == "dialysis" else None,
                    "source": "eqrs",
                    "start_date": start,
                    "end_date": start + timedelta(days=spell.length - 1),
                }
            )
            start += timedelta(days=spell.length)
        transplant += [
            {**whose, "transplant_date": life.first + timedelta(days=number)}
            for number in life.transplants
        ]
    order = -1 if backwards else 1
    return run(
        "history.attribution",
        tables={
            "history.treatment": treatment[::order],
            "linkage.transplant": transplant[::order],
        },
        value_sets={
            "attribution_rule": pd.DataFrame(
                [
                    {"rule": f"{place}", "program": "dfc", "incident_years": None, **asdict(rule)}
                    for place, rule in enumerate(rules)
                ]
            )
        },
    )


def attribute_days(
    trajectories: Sequence[Life], rules: Sequence[Rules]
) -> list[list[list[Answer]]]:
    """By rule and patient the days as (facility, reason)."""
    rows = attribute(trajectories, rules)
    return [
        list_days(rows[rows["rule"] == f"{place}"], trajectories) for place in range(len(rules))
    ]


def list_days(rows: pd.DataFrame, trajectories: Sequence[Life]) -> list[list[Answer]]:
    """Each patient's days as (facility, reason); the spans must tile them."""
    listed: list[list[Answer]] = [[] for _ in trajectories]
    for row in rows.astype(object).where(rows.notna(), None).itertuples():
        days = listed[row.patient_id - 1]
        first = trajectories[row.patient_id - 1].first
        start, end = pd.Timestamp(row.start_date).date(), pd.Timestamp(row.end_date).date()
        assert start == first + timedelta(days=len(days)), "a gap or an overlap"
        assert start <= end
        answer = (row.ccn, row.reason)
        assert not days or days[-1] != answer, "two spans that are one"
        days += [answer] * ((end - start).days + 1)
    return listed


def judge(life: Life, rules: Rules) -> list[Answer]:
    """Reading 27, one day after the other."""
    place = [spell for spell in life.spells for _ in range(spell.length)]
    judged: list[Answer] = []
    answering: str | None = None
    last_there = 0
    for number, spell in enumerate(place):
        is_near = any(
            0 < transplant - number <= rules.transplant_days for transplant in life.transplants
        )
        before = place[max(number - rules.treatment_days, 0) : number]
        has_treated = (
            len(before) == rules.treatment_days
            and all(day.state == "dialysis" for day in before)
            and len({day.ccn for day in before}) == 1
        )
        if number + 1 < rules.first_day:
            judged.append((None, "first_days_of_esrd"))
        elif is_near:
            answering = None
            judged.append((None, "transplant"))
        elif spell.state in ("transplant", "lost"):
            answering = None
            judged.append((None, WHY[spell.state]))
        else:
            if has_treated and before[-1].ccn is not None:
                answering = before[-1].ccn
                is_there = spell.state == "dialysis" and spell.ccn == answering
                last_there = number if is_there else number - 1
            if answering is not None and number - last_there > rules.follow_days:
                answering = None
            unknown = spell.state == "dialysis" and spell.ccn is None
            why = "facility_unknown" if unknown else WHY[spell.state]
            judged.append((answering, None if answering else why))
    return judged


@settings(FEW_EXAMPLES, max_examples=15)
@given(MANY, FOUR_RULES)
# A second transplant is near on the first one's day.
@example(
    trajectories=[
        Life(
            (
                Spell("dialysis", "A", 1, "hemodialysis"),
                Spell("transplant", None, 1, None),
                Spell("dialysis", "A", 1, "hemodialysis"),
            ),
            until=0,
            later_transplant=0,
        )
    ],
    rules=[Rules(1, 1, 1, 2)],
)
def test_the_spans_are_reading_27_day_by_day(trajectories: list[Life], rules: list[Rules]) -> None:
    for rule, listed in zip(rules, attribute_days(trajectories, rules), strict=True):
        assert listed == [judge(life, rule) for life in trajectories]


@FEW_EXAMPLES
@given(MANY, FOUR_RULES)
def test_every_day_from_first_service_to_the_end_is_one_facilitys_or_says_why_not(
    trajectories: list[Life], rules: list[Rules]
) -> None:
    for listed in attribute_days(trajectories, rules):
        for life, days in zip(trajectories, listed, strict=True):
            assert len(days) == life.days
            assert all((ccn is None) == (reason is not None) for ccn, reason in days)


@settings(FEW_EXAMPLES, max_examples=3)
@given(MANY, FOUR_RULES)
def test_the_order_of_the_rows_changes_nothing(
    trajectories: list[Life], rules: list[Rules]
) -> None:
    pd.testing.assert_frame_equal(
        attribute(trajectories, rules), attribute(trajectories, rules, backwards=True)
    )


@settings(FEW_EXAMPLES, max_examples=3)
@given(MANY, RULES, st.lists(st.integers(1, 20), min_size=3, max_size=3))
def test_a_longer_follow_up_gives_days_to_facilities_and_takes_none(
    trajectories: list[Life], rules: Rules, more: list[int]
) -> None:
    wider = [replace(rules, follow_days=rules.follow_days + longer) for longer in more]
    before, *after = attribute_days(trajectories, [rules, *wider])
    for listed in after:
        for days, widened in zip(before, listed, strict=True):
            assert all(new == old for old, new in zip(days, widened, strict=True) if old[0])


@settings(FEW_EXAMPLES, max_examples=3)
@given(MANY)
def test_no_facility_answers_for_a_patient_whom_it_never_treated(trajectories: list[Life]) -> None:
    rules = Rules(treatment_days=3, follow_days=5, first_day=1, transplant_days=3)
    (listed,) = attribute_days(trajectories, [rules])
    for life, days in zip(trajectories, listed, strict=True):
        assert {ccn for ccn, _ in days} - {None} <= {spell.ccn for spell in life.spells}
