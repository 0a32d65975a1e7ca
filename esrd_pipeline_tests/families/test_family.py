"""Functions shared by all modelled measures: families, and terms without an estimate."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families import recurrent_events
from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.family import find_family, fit_estimable, group_by_risk
from esrd_pipeline.families.fits import read_element
from esrd_pipeline.measures import pppw, smr
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.statistics.fit import SeparationError
from esrd_pipeline_tests.families.recurrent_events_nation import SHR, make_cohort

YEAR = 2024
COHORT, _ = make_cohort(facility_count=40)


@cache
def get_read() -> Cohort:
    return read_cohort(SHR, COHORT)


@cache
def get_fit() -> pd.DataFrame:
    return recurrent_events.fit_measure(SHR, YEAR, get_read())


def separate(cohort: pa.Table) -> pa.Table:
    """Add a term that every event has: only the first rows without any have it not."""
    eventless = np.flatnonzero(cohort.column(recurrent_events.EVENTS).to_numpy() == 0)
    values = np.ones(cohort.num_rows)
    values[eventless[:200]] = 0.0
    return cohort.append_column("has_every_event", pa.array(values))


def test_a_measures_specification_says_its_family() -> None:
    units = [find_family(one).unit for one in (SHR, smr.specify(YEAR), pppw.specify("dfc", YEAR))]
    assert units == ["patient-year", "patient-year", "patient-month"]


def test_a_term_without_a_finite_estimate_is_left_out_by_name_and_the_others_stay() -> None:
    cohort = separate(COHORT)
    specification = replace(SHR, terms=(*SHR.terms, Number("has_every_event")))
    with pytest.raises(SeparationError) as refused:
        recurrent_events.fit_measure(specification, YEAR, read_cohort(specification, cohort))
    assert refused.value.terms == ("has_every_event",)
    fit = fit_estimable(specification, YEAR, read_cohort(specification, cohort))
    found = read_element(fit, "dropped", stage=1).set_index("term")
    row = found.loc["terms without a finite estimate beside the others"]
    assert row["note"] == "has_every_event"
    assert row["estimate"] == 1
    pd.testing.assert_frame_equal(
        read_element(fit, "coefficient", stage=1), read_element(get_fit(), "coefficient", stage=1)
    )
    # The stored fit scores the rows as though the term were not there.
    expected = recurrent_events.compute_expected_events(
        specification, fit, read_cohort(specification, cohort)
    )
    np.testing.assert_allclose(
        expected, recurrent_events.compute_expected_events(SHR, get_fit(), get_read())
    )


def test_terms_that_the_cohort_was_prepared_without_are_listed_by_name() -> None:
    gone = SHR.adjusters[-2:]
    fit = fit_estimable(SHR, YEAR, get_read().drop(gone))
    assert not set(gone) & set(read_element(fit, "coefficient", stage=1)["term"])
    found = read_element(fit, "dropped", stage=1).set_index("term")
    row = found.loc["terms that too few rows have, or lack, to be estimated"]
    assert (row["note"], row["estimate"]) == (", ".join(gone), len(gone))


def test_a_fit_that_needs_nothing_left_out_is_as_it_was() -> None:
    pd.testing.assert_frame_equal(fit_estimable(SHR, YEAR, get_read()), get_fit())


def test_groups_of_risk_add_up_to_the_nation() -> None:
    groups = group_by_risk(SHR, get_fit(), get_read(), groups=4)
    events = (groups["observed"] * groups["exposure"]).sum()
    assert groups["group"].tolist() == [1, 2, 3, 4]
    assert events == pytest.approx(COHORT.column(recurrent_events.EVENTS).to_numpy().sum())
    assert groups["expected"].is_monotonic_increasing
