"""From raw files: known effects are recovered, no patient is lost, a plain recomputation agrees."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit

from esrd_pipeline.tables.recurrent_events import NOT_AT_RISK
from esrd_pipeline_tests.acceptance import recovered
from esrd_pipeline_tests.acceptance.plain_pppw import SPLINE, list_pieces, recompute_months
from esrd_pipeline_tests.acceptance.plain_records import Files
from esrd_pipeline_tests.acceptance.plain_shr import Shr, recompute_shr
from esrd_pipeline_tests.acceptance.plain_smr import Fit, recompute_smr
from esrd_pipeline_tests.acceptance.plain_strr import recompute
from esrd_pipeline_tests.acceptance.shr_nation import (
    DAYS_PER_YEAR,
    YEAR,
    MeasuredNation,
    compare_days,
    reconcile,
)
from esrd_pipeline_tests.acceptance.true_months import (
    Compared,
    compare_calcium,
    compare_catheters,
    compare_fistulas,
    compare_ktv,
    compare_reconciliations,
    list_months,
)

PROGRAMS = ("dfc", "qip")
_EVENTS = (
    ("strr", "history.transfusion", "transfusion_date"),
    ("sedr", "history.emergency_encounter", "start_date"),
)


def _list_facilities(nation: MeasuredNation) -> pd.DataFrame:
    """Return DFC's reported facilities with their planted effects."""
    rows = nation.table("facility.shr", "dfc").set_index("ccn")
    rows = rows[rows["reportable"].astype(bool)]
    return rows.assign(
        planted=nation.planted.reindex(rows.index),
        is_outlier=nation.outliers.reindex(rows.index),
    ).dropna(subset=["planted"])


def test_planted_coefficients_are_recovered(nation: MeasuredNation) -> None:
    planted = nation.truth("coefficient")
    planted = planted[planted["outcome"] == "admission"].set_index("term")["value"]
    fit = nation.table("fit.shr", "dfc")
    fit = fit[fit["element"] == "coefficient"].set_index("term")
    rows = fit.loc[list(recovered.ADJUSTERS), ["estimate", "standard_error"]]
    rows = rows.assign(planted=planted.loc[list(recovered.ADJUSTERS.values())].to_numpy())
    # Readmissions after the first stay with COVID-19 come on top of what its stages plant.
    rows = rows.drop(index=[f"is_covid_{stage}" for stage in (1, 2, 3)])
    rows["z"] = (rows["estimate"] - rows["planted"]) / rows["standard_error"]
    assert rows["z"].abs().max() < 3.5, rows.to_string()
    # One beyond 3.5 is an adjuster of another sign, or read from another column. Seven z-scores:
    # their sum of squares is above 24.3 once in 1,000 times, or if errors are a third too small.
    assert (rows["z"] ** 2).sum() < 24.3, rows.to_string()


def test_conditions_on_the_forms_raise_admissions_as_planted_on_average(
    nation: MeasuredNation,
) -> None:
    planted = nation.truth("coefficient")
    boxes = planted[(planted["outcome"] == "admission") & planted["term"].str.startswith("box_")]
    boxes = boxes.assign(term="has_" + boxes["term"].str.removeprefix("box_"))
    fit = nation.table("fit.shr", "dfc")
    rows = fit[fit["element"] == "coefficient"].merge(boxes, on="term")
    weight = 1 / rows["standard_error"] ** 2
    estimate = np.average(rows["estimate"], weights=weight)
    expected = np.average(rows["value"], weights=weight)
    assert len(rows) >= 10
    # The box is planted beside the condition it stands for, part of which it shows in its place.
    assert expected - 0.05 < estimate < expected + 0.10, rows.to_string()


def test_planted_facility_effects_are_recovered(nation: MeasuredNation) -> None:
    rows = _list_facilities(nation)
    rows = rows[(rows["unit_count"] > 30) & (rows["numerator"] > 0)]
    weight = rows["denominator"].to_numpy()
    shr = np.log((rows["numerator"] / rows["denominator"]).to_numpy())
    # SHR is 1 for the nation: effects are told against the nation's average rate.
    planted = rows["planted"] - np.log(np.average(np.exp(rows["planted"]), weights=weight))
    matrix = np.cov(planted, shr, aweights=weight)
    correlation = matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1])
    slope = matrix[0, 1] / matrix[0, 0]
    bias = np.average(shr - planted, weights=weight)
    parts = {
        name: np.polyfit(planted, np.log(rows[name] / rows["unit_count"]), 1, w=np.sqrt(weight))[0]
        for name in ("numerator", "denominator")
    }
    text = f"{len(rows)} facilities: {correlation=:.3f}, {slope=:.3f}, {bias=:.3f}; slopes {parts}"
    assert len(rows) > 80, text
    # Results under other facilities' CCNs have none.
    assert correlation > 0.75, text
    # Expected stays that do not add up to those observed.
    assert abs(bias) < 0.05, text
    # Stays of other facilities' patients lower it by their share; stays counted twice raise it.
    assert 0.85 < parts["numerator"] < 1.15, text
    # The expected count rises with the effect, which pulls the ratio's slope below 1: a facility
    # whose patients are admitted more has more of their conditions seen, since these are read from
    # inpatient claims of the year before (2.13.13).
    assert 0 < parts["denominator"] < 0.3, text
    assert 0.7 < slope < 1.05, text


@pytest.mark.parametrize(("measure", "outcome"), [("strr", "transfusion"), ("sedr", "emergency")])
def test_ratios_of_rare_events_rise_with_the_planted_effects(
    nation: MeasuredNation, measure: str, outcome: str
) -> None:
    """A Poisson model of observed on expected events: of few events a logarithm is biased.

    Of nations of 40 and 60 facilities the slopes are 0.71 and 0.92 (STrR), 0.77 and 0.92 (SEDR),
    each with an error of 0.1.
    """
    rows = nation.table(f"facility.{measure}", "dfc").set_index("ccn")
    rows = rows[rows["denominator"] > 0]
    rows = rows.assign(planted=nation.effects(outcome)["effect"]).dropna(subset=["planted"])
    design = sm.add_constant(rows["planted"])
    model = sm.GLM(
        rows["numerator"],
        design,
        family=sm.families.Poisson(),
        offset=np.log(rows["denominator"].astype(float)),
    )
    fit = model.fit(scale="X2")
    slope, error = float(fit.params["planted"]), float(fit.bse["planted"])
    assert 0.6 < slope < 1.3, (slope, error)
    assert slope > 5 * error, (slope, error)


def test_planted_outliers_are_found(nation: MeasuredNation) -> None:
    """Planted at 0.5 and 0.8, up and down, at facilities of 40 patient-years and more.

    Seen: the ratio differs from 1 by its own standard error. Found: it also differs from what the
    empirical null takes for common variation, which holds the others' effects with their spread of
    0.2, and in quartiles of 30 facilities the outliers themselves. So most are seen and fewer are
    found: of three drawn nations of this size 9 of 12, 10 of 10 and 8 of 11 seen, 4 of 12, 4 of 10
    and 6 of 11 found; of one with 150 facilities 11 of 11 and 8 of 11.
    """
    rows = _list_facilities(nation)
    rows["found"] = np.select([rows["category"] == "worse", rows["category"] == "better"], [1, -1])
    rows["seen"] = np.where(rows["z"].abs() > 1.96, np.sign(rows["z"]), 0)
    is_outlier = rows["is_outlier"].astype(bool)
    outliers, others = rows[is_outlier & (rows["unit_count"] >= 40)], rows[~is_outlier]
    side = np.sign(outliers["planted"])
    size = outliers["planted"].abs()
    sensitivity = pd.DataFrame(
        {
            "outliers": size.groupby(size).size(),
            "seen": (outliers["seen"] == side).groupby(size).mean(),
            "found": (outliers["found"] == side).groupby(size).mean(),
        }
    )
    flagged = float((others["found"] != 0).mean())
    columns = ["unit_count", "planted", "value", "z", "category"]
    text = f"{sensitivity}\n{flagged=:.3f} of {len(others)} others\n{outliers[columns]}"
    assert len(outliers) >= 10, text
    assert (outliers["seen"] == side).mean() >= 0.65, text
    assert (outliers["found"] == side).mean() >= 0.3, text
    assert not (outliers["found"] == -side).any(), text
    # Others have effects, too: those flagged are the far ones among them.
    assert flagged <= 0.15, text


@pytest.mark.parametrize("measure", recovered.BOUNDS)
def test_planted_effects_come_back_in_every_modelled_measure(
    nation: MeasuredNation, measure: str
) -> None:
    facilities, correlation, (least, most), covered = recovered.BOUNDS[measure]
    found = recovered.summarise(recovered.list_recovered(nation, measure))
    text = f"{measure}: {found}"
    assert found.facilities >= facilities, text
    # The log of a few events lies below that of their mean. Beyond this, expected events do not
    # add up to those observed.
    assert abs(found.bias) < 0.3, text
    assert found.correlation > correlation, text
    assert least < found.slope < most, text
    assert found.covered >= covered, text


def test_switches_of_modality_stand_at_the_facilities_of_their_patients(
    nation: MeasuredNation,
) -> None:
    """SMoSR has too few facilities for its correlation to tell them apart."""
    patients = nation.table("cohort.smosr", "dfc")
    events = patients[patients["reason"].isna()].groupby("ccn")["is_event"].sum()
    found = nation.table("facility.smosr", "dfc").set_index("ccn")["numerator"].dropna()
    assert (found == events.reindex(found.index, fill_value=0)).all()
    assert (found > 0).sum() > 40


@pytest.mark.parametrize("measure", recovered.BOUNDS)
def test_outliers_of_hospitalisation_alone_are_as_expected_in_other_measures(
    nation: MeasuredNation, measure: str
) -> None:
    outliers = nation.outliers
    rows = recovered.list_recovered(nation, measure)
    is_mine = rows.index.isin(outliers.index[outliers])
    mine, others = rows[is_mine], rows[~is_mine]
    # SMoSR reports few facilities; of five, a second flagged one is too many.
    assert len(mine) >= 5
    # Their other effects are as other facilities': as many of them have a far one.
    usual = max(float((others["flag"] != 0).mean()), 0.05)
    most = usual + 2.5 * np.sqrt(usual * (1 - usual) / len(mine))
    assert (mine["flag"] != 0).mean() <= most, (most, mine.to_string())


@pytest.mark.parametrize("program", PROGRAMS)
def test_nobody_is_lost_between_the_registers_and_the_facilities(
    nation: MeasuredNation, program: str
) -> None:
    table = reconcile(nation, program)
    flows = table.pivot_table(
        index=["stage", "unit"], columns="flow", values="count", aggfunc="sum", fill_value=0
    )
    lost = flows["in"] - flows["left out"] - flows["out"]
    assert (lost == 0).all(), table.to_string()
    assert (flows["in"] > 0).all(), table.to_string()
    assert "lost" not in set(table["reason"].dropna()), table.to_string()


@pytest.mark.parametrize("program", PROGRAMS)
def test_planted_spells_are_found_day_by_day(nation: MeasuredNation, program: str) -> None:
    """Whose day it was and how it was spent, through every planted trouble of the registers."""
    table = compare_days(nation, program)
    days = table.groupby(["planted", "state"])["days"].sum()
    text = table.to_string()
    for state, total in table.groupby("planted")["days"].sum().items():
        # Of those lost to follow-up the first year is untreated, by reading 27.
        found = days[state, state] + (days.get(("lost", "untreated"), 0) if state == "lost" else 0)
        # Without the OPTN the QIP does not know all who were transplanted before any dialysis.
        assert found >= (0.99 if state == "transplant" else 0.9999) * total, text
    dialysis = table[table["planted"] == "dialysis"]
    is_same = (dialysis["is_same_facility"] & dialysis["is_same_modality"]).astype(bool)
    agreeing = dialysis.loc[is_same, "days"]
    assert agreeing.sum() >= 0.9999 * dialysis["days"].sum() > 2_000_000, text


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_day_from_first_service_to_death_is_in_one_stretch(
    nation: MeasuredNation, program: str
) -> None:
    first = nation.table("linkage.first_service", program).set_index("patient_id")
    death = nation.table("linkage.death", program).set_index("patient_id")["death_date"]
    days = nation.table("cohort.shr_days", program).sort_values(["patient_id", "start_date"])
    total = days.groupby("patient_id")["days"].sum()
    year = pd.Timestamp(YEAR, 1, 1), pd.Timestamp(YEAR, 12, 31)
    start = first["first_service_date"].loc[total.index].clip(lower=year[0])
    end = death.reindex(total.index).fillna(year[1]).clip(upper=year[1])
    assert (total == (end - start).dt.days + 1).all()
    same = days["patient_id"].to_numpy()[1:] == days["patient_id"].to_numpy()[:-1]
    gaps = days["start_date"].to_numpy()[1:] - days["end_date"].to_numpy()[:-1]
    assert (gaps[same] == np.timedelta64(1, "D")).all()


@pytest.mark.parametrize(("measure", "event", "day"), _EVENTS)
def test_every_measure_has_the_same_days_and_every_event_of_theirs_once(
    nation: MeasuredNation, measure: str, event: str, day: str
) -> None:
    days = nation.table(f"cohort.{measure}_days", "dfc")
    same = nation.table("cohort.days", "dfc")
    # A measure cuts them further where what it alone looks at changes.
    mine, all_days = (
        frame.groupby("patient_id").agg(first=("start_date", "min"), last=("end_date", "max"))
        for frame in (days, same)
    )
    assert mine.equals(all_days)
    assert len(days) >= len(same)
    inside = nation.table(event).merge(
        same[["patient_id", "start_date", "end_date"]], on="patient_id", suffixes=("", "_of_days")
    )
    first = inside["start_date_of_days"] if day == "start_date" else inside["start_date"]
    last = inside["end_date_of_days"] if day == "start_date" else inside["end_date"]
    assert int(days["events"].sum()) == int(((inside[day] >= first) & (inside[day] <= last)).sum())
    counted = days.loc[days["reason"].isna(), "events"].sum()
    assert 0 < counted == nation.cohort("dfc", measure)["event_count"].sum()
    facilities = nation.table(f"facility.{measure}", "dfc")
    assert counted == facilities["numerator"].sum()
    assert set(days["reason"].dropna()) <= set(NOT_AT_RISK[measure])


@pytest.mark.manual("2.12.12", "2.12.14", "2.13.10.1", "2.13.11", "2.13.14", "2.25.13", "2.25.15")
@pytest.mark.parametrize(
    ("measure", "program"),
    [("shr", "dfc"), ("shr", "qip"), ("strr", "dfc"), ("strr", "qip"), ("sedr", "dfc")],
)
def test_a_plain_recomputation_of_one_facility_agrees_to_the_last_digit(
    nation: MeasuredNation, measure: str, program: str
) -> None:
    row = _choose_facility(nation, measure, program)
    plain = _recompute(nation, measure, program, str(row["ccn"]))
    assert plain.observed == row["numerator"]
    assert plain.days == pytest.approx(row["unit_count"] * DAYS_PER_YEAR, rel=1e-15)
    assert plain.days / DAYS_PER_YEAR == row["unit_count"]
    assert plain.expected == pytest.approx(row["denominator"], rel=1e-12)
    ratio = plain.observed / plain.expected
    national = _find_national_rate(nation, measure, program)
    assert row["rate"] == pytest.approx(ratio * national, rel=1e-12)
    # DFC's value is the ratio, the QIP's the rate (reading 10).
    assert row["value"] == pytest.approx(ratio if program == "dfc" else row["rate"], rel=1e-12)
    assert plain.patients >= 20


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_plain_recomputation_of_one_facility_s_waitlist_agrees(
    nation: MeasuredNation, program: str
) -> None:
    row = _choose_facility(nation, "pppw", program)
    months = recompute_months(Files(nation.folder, YEAR), program, str(row["ccn"]))
    assert len({month.patient for month in months}) == row["unit_count"] >= 20
    fit = nation.table("fit.pppw", program)
    fit = fit[(fit["element"] == "coefficient") & (fit["stage"] == 1)].set_index("term")["estimate"]
    terms = [name for name in SPLINE if name in fit]
    spline = pd.DataFrame([month.spline for month in months], columns=list(SPLINE))
    cohort = nation.table("cohort.pppw", program)
    cohort = cohort[cohort["reason"].isna()]
    sizes = cohort.groupby("ccn")["patient_id"].nunique()
    age = cohort.loc[cohort["ccn"].map(sizes) >= 11, "age"]
    others = pd.DataFrame([list_pieces(one) for one in age], columns=list(SPLINE))
    # The facility's own equation by another library; the nation by its rows.
    alone = sm.GEE(
        np.array([month.is_listed for month in months], dtype=float),
        np.ones(len(months)),
        groups=np.array([month.patient for month in months]),
        offset=(spline[terms] @ fit[terms]).to_numpy(),
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    ).fit(maxiter=500, ctol=1e-10, ddof_scale=0)
    assert alone is not None
    value = expit(alone.params[0] + others[terms].to_numpy() @ fit[terms].to_numpy()).mean()
    if program == "dfc":
        assert sum(month.is_listed for month in months) == row["numerator"]
        assert len(months) == row["denominator"]
        assert row["value"] == pytest.approx(100 * value, rel=1e-5)
    else:
        assert row["value"] == pytest.approx(value, rel=1e-5)
        assert row["numerator"] == pytest.approx(value * len(others), rel=1e-5)
        assert row["denominator"] == len(others)


@pytest.mark.manual("2.14.10.4", "2.14.11", "2.14.13")
def test_a_plain_recomputation_of_one_facilitys_smr_agrees_to_the_last_digit(
    nation: MeasuredNation,
) -> None:
    ccn = str(_choose_facility(nation, "shr", "dfc")["ccn"])
    row = nation.table("facility.smr").set_index("ccn").loc[ccn]
    fit = nation.table("fit.smr").sort_values("position")
    terms = fit[fit["element"] == "coefficient"]
    first, second = (
        terms[terms["stage"] == stage].set_index("term")["estimate"] for stage in (1, 2)
    )
    steps = fit[fit["element"] == "baseline"]
    stored = Fit(
        first.to_dict(), float(second.iloc[0]), steps["at"].tolist(), steps["estimate"].tolist()
    )
    plain = recompute_smr([Files(nation.folder, YEAR)], ccn, stored)
    assert plain.observed == row["numerator"]
    assert plain.days == pytest.approx(row["unit_count"] * DAYS_PER_YEAR, rel=1e-12)
    assert plain.expected == pytest.approx(row["denominator"], rel=1e-12)
    assert plain.patients >= 20


def _find_national_rate(nation: MeasuredNation, measure: str, program: str) -> float:
    """Return events per 100 patient-years of the whole cohort, from its own rows."""
    cohort = nation.cohort(program, measure)
    years = cohort["days_at_risk"].sum() / DAYS_PER_YEAR
    return float(100 * cohort["event_count"].sum() / years)


def _choose_facility(nation: MeasuredNation, measure: str, program: str) -> pd.Series:
    """Return the reported facility of median size among those that never changed owner or CCN.

    None of which anything particular is remarked.
    """
    history = nation.raw("eqrs_ccn_history")
    steady = history.groupby("facilityid").filter(lambda spans: len(spans) == 1)["provnum"]
    rows = nation.table(f"facility.{measure}", program)
    rows = rows[rows["reportable"].astype(bool) & rows["ccn"].isin(steady)]
    rows = rows[rows["note"].isna()]
    rows = rows.sort_values(["unit_count", "ccn"], ignore_index=True)
    return rows.iloc[len(rows) // 2]


def _recompute(nation: MeasuredNation, measure: str, program: str, ccn: str) -> Shr:
    fit = nation.table(f"fit.{measure}", program)
    coefficients = fit[fit["element"] == "coefficient"].set_index("term")["estimate"]
    baseline = fit[fit["element"] == "baseline"].sort_values("position")["estimate"]
    files, terms = Files(nation.folder, YEAR), coefficients.to_dict()
    if measure == "shr":
        return recompute_shr(files, program, ccn, terms, baseline.tolist())
    return recompute(
        measure, files, program=program, ccn=ccn, coefficients=terms, baseline=baseline.tolist()
    )


@pytest.fixture(scope="module")
def months(nation: MeasuredNation) -> pd.DataFrame:
    """The planted months."""
    return list_months(nation)


@pytest.mark.parametrize(
    "compare",
    [compare_ktv, compare_catheters, compare_fistulas, compare_calcium, compare_reconciliations],
)
def test_measured_months_are_the_planted_ones_trouble_resolved(
    nation: MeasuredNation,
    months: pd.DataFrame,
    compare: Callable[[MeasuredNation, pd.DataFrame], Compared],
) -> None:
    compared = compare(nation, months)
    assert compared.different == 0, compared
    assert compared.months > 40_000
    assert compared.defective > 400
