"""SRR and ED30 from index discharges to the contract, on a nation with known effects."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal
from scipy.special import expit, ndtr

from esrd_pipeline.families.cohort import Cohort, CohortError, read_cohort
from esrd_pipeline.families.contract import Assessed
from esrd_pipeline.families.cross_check import compare_three_stage_fit
from esrd_pipeline.families.discharges import (
    assess_facilities,
    fit_measure,
    read_fit,
    score_rows,
)
from esrd_pipeline.families.fits import read_element, read_regression
from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.tables.fit import ELEMENTS, FIT_COLUMNS
from esrd_pipeline_tests.families.discharges_nation import (
    COEFFICIENTS,
    ED30,
    HOSPITAL_SD,
    NO_EVENTS,
    ONE_PATIENT,
    ONLY_EVENTS,
    QIP_SRR,
    SMALL,
    SRR,
    Nation,
    make_nation,
)
from esrd_pipeline_tests.families.register_changes import change_entry

YEAR = 2024
NATION = make_nation()
COHORT = NATION.cohort


@cache
def get_read() -> Cohort:
    return read_cohort(SRR, COHORT)


@cache
def get_fit() -> pd.DataFrame:
    return fit_measure(SRR, YEAR, get_read())


@cache
def get_assessed() -> Assessed:
    return assess_facilities(SRR, YEAR, get_fit(), get_read())


@cache
def get_contract() -> pd.DataFrame:
    return get_assessed().contract.set_index("ccn", drop=False)


@cache
def get_large() -> Nation:
    return make_nation(facility_count=400, seed=1, effect_sd=0.3)


@cache
def get_large_fit() -> pd.DataFrame:
    return fit_measure(SRR, YEAR, read_cohort(SRR, get_large().cohort))


def rename(table: pa.Table, name: str, labels: list[object]) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(labels))


def places(nation: Nation) -> np.ndarray:
    return read_cohort(SRR, nation.cohort).facility


def find_true_ratios(nation: Nation) -> np.ndarray:
    """Events expected at the planted effects over those at the planted median, by facility."""
    effects = nation.effects.to_numpy()
    at_home = np.bincount(places(nation), expit(nation.others + effects[places(nation)]))
    return at_home / np.bincount(places(nation), expit(nation.others + np.nanmedian(effects)))


def test_planted_coefficients_and_spreads_are_found() -> None:
    first, second = (
        read_regression(get_large_fit(), stage=1),
        read_regression(get_large_fit(), stage=2),
    )
    z = (first.coefficients - COEFFICIENTS) / first.standard_errors
    assert np.all(np.abs(z) < 2.5)
    assert second.names == ("intercept", "sigma_facility", "sigma_hospital")
    assert second.coefficients[1] == pytest.approx(0.3, abs=0.05)
    assert second.coefficients[2] == pytest.approx(HOSPITAL_SD, abs=0.05)


def test_a_stored_fit_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    assert get_fit().columns.tolist() == [column.name for column in FIT_COLUMNS]
    assert set(get_fit()["element"]) <= set(ELEMENTS)
    get_fit().to_parquet(tmp_path / "fit.parquet")
    again = pd.read_parquet(tmp_path / "fit.parquet")
    first, second = read_fit(get_fit()), read_fit(again)
    assert first.hospitals == second.hospitals == tuple(sorted(set(first.hospitals)))
    assert np.array_equal(first.hospital_effects, second.hospital_effects)
    assert first.median_effect == second.median_effect
    assert first.national_rate == second.national_rate
    assert np.array_equal(
        score_rows(SRR, get_fit(), get_read()),
        score_rows(SRR, again, get_read()),
    )
    for stage in (1, 2):
        one, two = read_regression(get_fit(), stage=stage), read_regression(again, stage=stage)
        assert np.array_equal(one.coefficients, two.coefficients)
        assert np.array_equal(one.model_covariance, two.model_covariance)
        assert one.dropped == two.dropped


@pytest.mark.manual("2.10.12", "2.11.14", "2.26.13")
def test_the_norm_is_the_median_of_the_stored_facility_effects() -> None:
    effects = read_element(get_fit(), "facility_effect", stage=3).set_index("term")
    assert effects.index.tolist() == sorted(NATION.effects.index)
    median = effects["estimate"].median()
    assert read_fit(get_fit()).median_effect == pytest.approx(median, rel=1e-12)
    bounded = effects[effects["note"].notna()]
    assert bounded["note"].to_dict() == {
        NO_EVENTS: "no events: bounded 10 below the median",
        ONLY_EVENTS: "only events: bounded 10 above the median",
        SMALL: "no events: bounded 10 below the median",
    }
    assert bounded["estimate"].to_numpy() == pytest.approx(median + np.array([-10, 10, -10]))


@pytest.mark.manual("2.10.12", "2.11.12", "2.11.14", "2.26.13")
def test_the_contract_has_a_row_for_every_facility_and_its_own_arithmetic() -> None:
    assert get_contract().index.tolist() == sorted(NATION.effects.index)
    ccn = "030005"
    mine = COHORT.filter(pc.field("ccn") == ccn).to_pandas()
    term = get_fit()[get_fit()["element"] == "coefficient"].set_index(["stage", "term"])["estimate"]
    hospital = get_fit()[get_fit()["element"] == "hospital_effect"].set_index("term")["estimate"]
    reached = sum(term[1, name] * mine[name] for name in SRR.adjusters)
    reached += mine["hospital_ccn"].map(hospital) + read_fit(get_fit()).median_effect
    row = get_contract().loc[ccn]
    assert row["unit_count"] == len(mine)
    assert row["numerator"] == mine["is_event"].sum()
    assert row["denominator"] == pytest.approx(expit(reached).sum(), rel=1e-7)
    assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
    crude = 100 * COHORT["is_event"].to_numpy().sum() / COHORT.num_rows
    assert row["rate"] == pytest.approx(row["value"] * crude)


def test_a_stored_fit_scores_other_rows_without_being_fitted_again() -> None:
    whole = score_rows(SRR, get_fit(), get_read())
    part = score_rows(SRR, get_fit(), read_cohort(SRR, COHORT.slice(100, 50)))
    assert part == pytest.approx(whole[100:150], rel=1e-14)


def test_another_years_facilities_and_hospitals_are_held_against_the_fits_norm() -> None:
    later = make_nation(facility_count=130, seed=24).cohort
    known = set(COHORT["hospital_ccn"].to_pylist())
    assessed = assess_facilities(SRR, YEAR + 1, get_fit(), read_cohort(SRR, later))
    frame = later.to_pandas()
    is_new = ~frame["hospital_ccn"].isin(known)
    norm = read_fit(get_fit())
    predictor = frame[list(norm.regression.names)].to_numpy() @ norm.regression.coefficients
    effects = dict(zip(norm.hospitals, norm.hospital_effects, strict=True))
    reached = norm.median_effect + predictor + frame["hospital_ccn"].map(effects).fillna(0)
    expected = expit(reached).groupby(frame["ccn"]).sum()
    contract = assessed.contract.set_index("ccn")
    assert contract["denominator"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-7)
    # The baseline's national rate, too.
    rate = 100 * COHORT["is_event"].to_numpy().mean()
    assert contract["rate"].to_numpy() == pytest.approx(contract["value"].to_numpy() * rate)
    hospitals, discharges = assessed.dropped
    assert hospitals.names == tuple(sorted(set(frame["hospital_ccn"]) - known))
    assert hospitals.count == 2
    assert discharges.count == is_new.sum()
    text = contract["note"].str.contains("hospitals the fit does not know", na=False)
    assert set(contract.index[text]) == set(frame.loc[is_new, "ccn"])


@pytest.mark.manual("2.10.12", "2.26.13")
def test_planted_facility_effects_are_recovered() -> None:
    found = read_element(get_large_fit(), "facility_effect", stage=3).set_index("term")["estimate"]
    planted = get_large().effects[np.bincount(places(get_large())) > 60].dropna()
    assert np.polyfit(planted, found[planted.index], 1)[0] == pytest.approx(1.0, abs=0.1)


def test_limits_cover_planted_ratios_where_hospital_effects_are_known() -> None:
    truth = find_true_ratios(get_large())
    observed = np.bincount(places(get_large()), get_large().cohort["is_event"].to_numpy())
    counts = compare_counts(
        effect=np.nanmedian(get_large().effects),
        offset=get_large().others,
        facility=places(get_large()),
        observed=observed,
    )
    limits = adjust_counts(counts, offset=get_large().others, facility=places(get_large()))
    covered = (limits.lower <= truth) & (truth <= limits.upper)
    assert 0.93 <= covered[~np.isnan(truth)].mean() <= 0.97


def test_the_empirical_null_makes_up_for_hospital_effects_that_are_estimated() -> None:
    # The method takes estimated hospital effects for known: by themselves its limits cover 0.91.
    truth = find_true_ratios(get_large())
    contract = assess_facilities(
        SRR, YEAR, get_large_fit(), read_cohort(SRR, get_large().cohort)
    ).contract
    covered = (contract["lower"] <= truth) & (truth <= contract["upper"])
    assert covered[~np.isnan(truth)].mean() > 0.95


@pytest.mark.manual("2.10.13", "2.26.14")
def test_without_true_outliers_one_in_twenty_is_flagged_by_the_empirical_null() -> None:
    empirical, theoretical = [], []
    for seed in (11, 12, 13):
        nation = make_nation(facility_count=400, seed=seed, effect_sd=0.2)
        fit = fit_measure(SRR, YEAR, read_cohort(SRR, nation.cohort))
        contract = assess_facilities(
            SRR, YEAR, fit, read_cohort(SRR, nation.cohort)
        ).contract.set_index("ccn")
        shown = contract[contract["reportable"] & nation.effects.notna()]
        empirical.append((shown["category"] != "as").mean())
        theoretical.append((shown["z"].abs() > 1.96).mean())
    assert 0.03 < np.mean(empirical) < 0.07
    assert np.mean(theoretical) > 0.12


def test_facilities_without_events_with_only_events_and_of_one_patient_are_assessed() -> None:
    none, only = get_contract().loc[NO_EVENTS], get_contract().loc[ONLY_EVENTS]
    assert (none["value"], none["lower"]) == (0, 0)
    assert 0 < none["upper"] < 1
    assert none["category"] == "better"
    assert none["note"].startswith("no events: ")
    assert only["upper"] == pytest.approx(only["value"], rel=1e-12)
    assert only["lower"] > 1
    assert only["category"] == "worse"
    assert only["note"].startswith("only events: ")
    one = get_contract().loc[ONE_PATIENT]
    assert one[["value", "lower", "upper", "p_value", "z"]].notna().all()
    assert get_contract().drop([NO_EVENTS, ONLY_EVENTS, SMALL])["note"].isna().all()


def test_a_facility_without_events_has_the_exact_tail_for_its_z() -> None:
    mine = pc.equal(COHORT["ccn"], NO_EVENTS).to_numpy()
    none_of_all = np.prod(1 - score_rows(SRR, get_fit(), get_read())[mine])
    # Mid-p: half the probability of what was observed.
    assert ndtr(get_contract().loc[NO_EVENTS, "z"]) == pytest.approx(none_of_all / 2)


@pytest.mark.parametrize("specification", [SRR, QIP_SRR])
def test_a_facility_below_the_size_rule_keeps_its_numbers_and_says_why(
    specification: ThreeStageSpecification,
) -> None:
    contract = assess_facilities(specification, YEAR, get_fit(), get_read()).contract
    assert contract["program"].unique().tolist() == [specification.program]
    small = contract["unit_count"] < 11
    assert SMALL in set(contract.loc[small, "ccn"])
    assert set(describe_rows(contract[small])) == {"fewer than 11 discharges"}
    assert contract.loc[small, "category"].isna().all()
    assert contract.loc[small, "value"].notna().all()
    assert contract.loc[~small, "reportable"].all()
    # Only Dialysis Facility Measures flag (2.10.14); the QIP scores.
    flags = {"better", "as", "worse"} if specification.program == "dfc" else {None}
    assert set(contract.loc[~small, "category"]) == flags


@pytest.mark.manual("2.26.13")
def test_facilities_too_small_to_be_modelled_do_not_move_the_norm() -> None:
    fit = fit_measure(ED30, YEAR, get_read())
    counts = COHORT.to_pandas().groupby("ccn")["ccn"].transform("size")
    small = sorted(set(COHORT["ccn"].to_numpy()[counts < 11]))
    without = fit_measure(ED30, YEAR, read_cohort(ED30, COHORT.filter(pa.array(counts >= 11))))
    norm, same = read_fit(fit), read_fit(without)
    assert norm.median_effect == pytest.approx(same.median_effect, rel=1e-9)
    assert norm.median_effect != pytest.approx(read_fit(get_fit()).median_effect, rel=1e-6)
    effects = read_element(fit, "facility_effect", stage=3).set_index("term").loc[small]
    assert effects["estimate"].isna().all()
    assert effects["note"].unique().tolist() == ["not modelled: too few discharges"]
    assessed = assess_facilities(ED30, YEAR, fit, get_read())
    assert sum(part.count for part in assessed.null.strata) == len(NATION.effects) - len(small)
    assert [aside.count for aside in assessed.dropped] == [len(small)]
    rows = assessed.contract.set_index("ccn").loc[small]
    assert rows[["value", "p_value", "upper"]].notna().all().all()
    assert not rows["reportable"].any()


@pytest.mark.manual("2.10.14", "2.26.15")
def test_a_category_is_what_the_limits_and_the_p_value_say() -> None:
    shown = get_contract()[get_contract()["reportable"].astype(bool)]
    assert ((shown["lower"] > 1) == (shown["category"] == "worse")).all()
    assert ((shown["upper"] < 1) == (shown["category"] == "better")).all()
    assert ((shown["p_value"] < 0.05) == (shown["category"] != "as")).all()


def test_the_order_of_rows_does_not_matter() -> None:
    turned = COHORT.take(np.random.default_rng(1).permutation(COHORT.num_rows))
    again = fit_measure(SRR, YEAR, read_cohort(SRR, turned))
    assert_frame_equal(get_fit(), again, rtol=1e-9, atol=1e-9)
    assert_frame_equal(
        get_assessed().contract,
        assess_facilities(SRR, YEAR, again, read_cohort(SRR, turned)).contract,
        rtol=1e-9,
        atol=1e-9,
    )


def test_labels_do_not_matter() -> None:
    frame = COHORT.to_pandas()
    other = {
        "ccn": [f"X{999999 - int(ccn)}" for ccn in frame["ccn"]],
        "hospital_ccn": [f"{99999 - int(ccn[1:])}" for ccn in frame["hospital_ccn"]],
        "patient_id": [1_000_000 - number for number in frame["patient_id"]],
    }
    renamed = COHORT
    for name, labels in other.items():
        renamed = rename(renamed, name, labels)
    read = read_cohort(SRR, renamed)
    contract = assess_facilities(SRR, YEAR, fit_measure(SRR, YEAR, read), read).contract
    back = contract.assign(ccn=[f"{999999 - int(ccn[1:]):06d}" for ccn in contract["ccn"]])
    assert_frame_equal(
        get_assessed().contract,
        back.sort_values("ccn", ignore_index=True),
        rtol=1e-9,
        atol=1e-9,
    )


@pytest.mark.manual("2.10.13", "2.26.14")
def test_the_null_is_stored_by_quartile_of_discharges() -> None:
    means = get_assessed().null_rows[get_assessed().null_rows["term"] == "mean"]
    assert means["stage"].unique().tolist() == [3]
    assert means["estimate"].tolist() == [part.mean for part in get_assessed().null.strata]
    edges = np.quantile(get_contract()["unit_count"], [0.25, 0.5, 0.75], method="inverted_cdf")
    assert means["at"].tolist()[:-1] == edges.tolist()


def test_another_library_gives_the_same_first_stage_on_a_sample() -> None:
    opinion = compare_three_stage_fit(SRR, YEAR, get_read(), seed=3, facility_count=30)
    assert opinion["facility_count"].unique().tolist() == [30]
    assert opinion["term"].tolist() == list(SRR.adjusters)
    for name in ("estimate", "standard_error"):
        theirs = opinion[f"other_{name}"].to_numpy()
        assert opinion[name].to_numpy() == pytest.approx(theirs, rel=1e-7)


def test_an_adjuster_that_repeats_another_is_set_aside_by_name() -> None:
    doubled = COHORT.append_column("is_diabetic", COHORT["has_diabetes"])
    twice = replace(SRR, terms=(*SRR.terms, Number("is_diabetic")))
    fit = fit_measure(twice, YEAR, read_cohort(twice, doubled))
    aside = fit[(fit["element"] == "dropped") & (fit["note"] != "")]
    assert aside["note"].tolist() == ["is_diabetic"]
    assert score_rows(twice, fit, read_cohort(twice, doubled)) == pytest.approx(
        score_rows(SRR, get_fit(), get_read()), rel=1e-9
    )


def test_what_is_wrong_with_a_cohort_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of srr: column hospital_ccn is missing"):
        fit_measure(SRR, YEAR, read_cohort(SRR, COHORT.drop_columns(["hospital_ccn"])))
    nulls = rename(COHORT, "hospital_ccn", [None] * COHORT.num_rows)
    with pytest.raises(CohortError, match=r"column hospital_ccn has .* nulls"):
        fit_measure(SRR, YEAR, read_cohort(SRR, nulls))
    twos = rename(COHORT, "is_event", [2] * COHORT.num_rows)
    rule = "cohort of srr: column is_event has 9,790 values other than 0 and 1"
    with pytest.raises(CohortError, match=rule):
        fit_measure(SRR, YEAR, read_cohort(SRR, twos))
    with pytest.raises(CohortError, match=rule):
        assess_facilities(SRR, YEAR, get_fit(), read_cohort(SRR, twos))
    with pytest.raises(CohortError, match="no rows"):
        fit_measure(SRR, YEAR, read_cohort(SRR, COHORT.slice(0, 0)))
    few = COHORT.filter(pc.field("ccn") < "030010")
    null = assess_facilities(SRR, YEAR, get_fit(), read_cohort(SRR, few)).null
    rule = "theoretical null, standard normal: fewer than 10 scores that differ"
    assert null.rule == rule
    huge = change_entry(ED30, minimum_modelled=1000)
    with pytest.raises(CohortError, match="cohort of ed30: no facility has 1000 discharges"):
        fit_measure(huge, YEAR, get_read())
