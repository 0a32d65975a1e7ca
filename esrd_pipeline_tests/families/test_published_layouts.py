"""Computed measures in the layouts CMS publishes, and back through the project's own readers.

The published files of sixty facilities are the base. The contract rendered into them is that of the
same files with every measure's rows permuted among the facilities, so that no number is right only
because it was already there.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.published import (
    build_national,
    publish_contract,
    publish_improvement,
    publish_results,
)
from esrd_pipeline.families.published_layouts import (
    Why,
    list_codes,
    render_dfc,
    render_dfc_national,
    render_qip,
)
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.sources.write import write_table
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline.tables.facility import NATIONAL

YEAR = 2025
FILES = ("dfc_facility", "dfc_national", "qip_complete")
NUMBERS = ["unit_count", "numerator", "denominator", "value", "rate", "lower", "upper"]
TOLD = ["category", "reportable", "reason", "reason_number"]
KEY = ["program", "measure", "ccn"]
EXCEPTION = "footnote_6"
TWO_DOMAINS = "no_value_in_star_domain_1 no_value_in_star_domain_3"


@dataclass(frozen=True)
class Loop:
    """Frames that went out, and the same frames read again."""

    contract: pd.DataFrame
    improvement: pd.DataFrame
    scores: pd.DataFrame
    tps: pd.DataFrame
    stars: pd.DataFrame
    again: dict[str, pd.DataFrame]
    written: dict[str, pd.DataFrame]

    def read_contract(self) -> pd.DataFrame:
        """The contract of what was read again."""
        return _contract(self.again)

    def read_results(self) -> pd.DataFrame:
        """Its printed categories, scores and stars."""
        return publish_results(
            performance_year=YEAR,
            dfc=self.again["dfc_facility"],
            qip=self.again["qip_complete"],
            ich_cahps=None,
        )


def _contract(raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    national = build_national(
        performance_year=YEAR,
        dfc=raw["dfc_facility"],
        dfc_national=raw["dfc_national"],
        qip=raw["qip_complete"],
    )
    return publish_contract(
        performance_year=YEAR,
        dfc=raw["dfc_facility"],
        qip=raw["qip_complete"],
        ich_cahps=None,
        national=national,
    )


def _deal(rows: pd.DataFrame) -> pd.DataFrame:
    """Give every measure's rows to other facilities of the same file.

    The survey's parts share a count and move together. Measures that share one in the DFC file,
    as those of hemoglobin and of phosphorus do, stay as published.
    """
    rng = np.random.default_rng(1)
    rows = rows[~rows["measure"].str.match("hemoglobin|phosphorus")]
    group = rows["measure"].str.replace("ich_cahps_.*", "ich_cahps", regex=True)
    dealt = []
    for _, mine in rows.groupby([rows["program"], group]):
        ccns = np.sort(mine["ccn"].unique())
        others = dict(zip(ccns, rng.permutation(ccns), strict=True))
        dealt.append(mine.assign(ccn=mine["ccn"].map(others)))
    dealt = pd.concat(dealt, ignore_index=True)
    return dealt.assign(patients=np.nan, origin="computed")


def _score(contract: pd.DataFrame) -> pd.DataFrame:
    """A score for every facility and measure; none under an exception, or where there is no rate.

    Every ninth facility has an exception.
    """
    rng = np.random.default_rng(2)
    rows = contract.loc[contract["program"] == "qip", ["ccn", "measure", "reason", "reason_number"]]
    rows = rows.reset_index(drop=True)
    excepted = rows["ccn"].rank(method="dense") % 9 == 0
    reason = rows["reason"].mask(excepted, EXCEPTION)
    score = pd.Series(rng.integers(0, 11, len(rows)).astype(float)).where(reason.isna())
    applied = pd.Series(rng.choice(["achievement", "improvement", "reporting"], len(rows)))
    return rows.assign(
        score=score,
        applied=applied.where(reason.isna(), None),
        reason=reason,
        adjusted_rate=np.nan,
    )


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    folder = tmp_path_factory.mktemp("printed")
    write_published_files(folder, performance_year=YEAR, facility_count=60)
    raw = {source: read_table(find_release(folder, source), source, YEAR) for source in FILES}
    contract = _deal(_contract(raw))
    improvement = _deal(publish_improvement(performance_year=YEAR, qip=raw["qip_complete"]))
    scores = _score(contract)
    ccns = raw["qip_complete"]["ccn"]
    is_small = pd.Series(np.arange(len(ccns)) % 7 == 0)
    why = pd.Series(None, index=ccns.index, dtype=object)
    tps = pd.DataFrame(
        {
            "ccn": ccns,
            "tps": pd.Series(np.arange(len(ccns)) + 20.0).mask(is_small),
            "payment_reduction": pd.Series(np.arange(len(ccns)) % 5 / 2).mask(is_small),
            "reason": why.mask(is_small, "too_few_scored_domains"),
            "reason_number": 2.0,
        }
    )
    stars = pd.DataFrame(
        {
            "ccn": raw["dfc_facility"]["ccn"],
            "rating": (pd.Series(np.arange(len(raw["dfc_facility"]))) % 5 + 1.0).mask(is_small),
        }
    ).assign(reason=lambda rows: np.where(rows["rating"].isna(), TWO_DOMAINS, None))
    facilities = render_dfc(
        performance_year=YEAR, base=raw["dfc_facility"], contract=contract, stars=stars, smallest=11
    )
    written = {
        "dfc_facility": facilities,
        "dfc_national": render_dfc_national(
            performance_year=YEAR,
            base=raw["dfc_national"],
            facilities=facilities,
            contract=contract,
        ),
        "qip_complete": render_qip(
            performance_year=YEAR,
            base=raw["qip_complete"],
            contract=contract,
            earlier=improvement,
            scores=scores,
            tps=tps,
            smallest=11,
        ),
    }
    again = {}
    for source, frame in written.items():
        write_table(folder / f"{source}.csv", source, YEAR, frame)
        again[source] = read_table(folder / f"{source}.csv", source, YEAR)
    return Loop(contract, improvement, scores, tps, stars, again, written)


def test_every_number_category_and_reason_of_the_contract_comes_back(loop: Loop) -> None:
    both = loop.contract.merge(loop.read_contract(), on=KEY, suffixes=("", "_again"))
    assert len(both) == len(loop.contract) > 2000
    is_small = (both["unit"] == "patients") & both["unit_count"].between(1, 10)
    is_told = both["reason"].isna() & ~is_small
    is_silent = ~is_told & (both["measure"] != "ich_cahps")
    values = [f"{name}_again" for name in NUMBERS if name != "unit_count"]
    assert both.loc[is_silent, values].isna().all(axis=None)
    assert is_small.sum() > 30
    assert both.loc[is_small, "unit_count_again"].isna().all()
    for name in NUMBERS:
        np.testing.assert_allclose(
            both.loc[is_told, f"{name}_again"].to_numpy(dtype=float),
            both.loc[is_told, name].to_numpy(dtype=float),
            rtol=1e-9,
            atol=1e-10,
            err_msg=name,
        )
    for name in TOLD:
        found, again = (
            both.loc[~is_small, column].astype(object).fillna("")
            for column in (name, f"{name}_again")
        )
        # A reason that quotes what a file prints, CMS gives no code for.
        is_ours = ~both.loc[~is_small, "reason"].astype(str).str.startswith("printed_") & ~both.loc[
            ~is_small, "reason_again"
        ].eq(EXCEPTION)
        assert is_ours.sum() > 2000
        assert (found == again)[is_ours].all(), name


def test_the_year_before_comes_back_from_its_columns(loop: Loop) -> None:
    again = publish_improvement(performance_year=YEAR, qip=loop.again["qip_complete"])
    both = loop.improvement.merge(again, on=KEY, suffixes=("", "_again"))
    assert len(both) == len(loop.improvement) > 500
    for name in ("value", "numerator", "denominator"):
        np.testing.assert_allclose(both[f"{name}_again"], both[name], rtol=1e-9, atol=1e-10)


def test_scores_footnotes_totals_and_stars_come_back(loop: Loop) -> None:
    results = loop.read_results()
    both = loop.scores.merge(
        results[results["program"] == "qip"], on=["measure", "ccn"], suffixes=("", "_again")
    )
    assert both["measure"].nunique() > 15
    has_score = ~both["measure"].str.startswith("ich_cahps_")
    np.testing.assert_array_equal(both.loc[has_score, "score"], both.loc[has_score, "score_again"])
    silent = (
        both["score"].isna() & has_score & ~both["reason"].fillna("").str.startswith("printed_")
    )
    assert silent.sum() > 200
    assert (both["reason"] == both["reason_again"])[silent].all()
    applied = both[both["applied"].isin(["achievement", "improvement"])]
    printed = applied["score_applied"].notna()
    assert printed.sum() > 200
    assert (applied["applied"] == applied["score_applied"])[printed].all()
    for frame, measure, column in (
        (loop.tps, "tps", "tps"),
        (loop.tps, "payment_reduction", "payment_reduction"),
        (loop.stars, "star_rating", "rating"),
    ):
        mine = results[results["measure"] == measure].set_index("ccn")["score"]
        np.testing.assert_array_equal(mine.reindex(frame["ccn"]), frame[column])


def test_an_average_score_is_that_of_the_facilities_in_whole_numbers(loop: Loop) -> None:
    printed = loop.again["qip_complete"]["ltc_national_score"].unique()
    mean = loop.scores.loc[loop.scores["measure"] == "ltc", "score"].mean()
    assert printed.tolist() == [np.floor(mean + 0.5)]


def test_the_national_file_counts_the_categories_of_the_contract(loop: Loop) -> None:
    shr = loop.contract[(loop.contract["program"] == "dfc") & (loop.contract["measure"] == "shr")]
    (row,) = loop.again["dfc_national"].to_dict("records")
    for category in ("better", "as", "worse"):
        assert row[f"shr_{category}_count"] == (shr["category"] == category).sum()
    level = (shr["rate"] / shr["value"]).median()
    assert row["shr_rate"] == pytest.approx(level, abs=1e-10)


def test_what_was_written_is_what_is_read(loop: Loop) -> None:
    for source, frame in loop.written.items():
        again = loop.again[source]
        found = [[dict(missing) for missing in rows["missing"]] for rows in (again, frame)]
        assert found[0] == found[1]
        pd.testing.assert_frame_equal(
            again.drop(columns="missing"),
            frame.drop(columns="missing"),
            check_dtype=False,
            obj=source,
        )


def one(program: str, measure: str, ccns: list[str], **fields: object) -> pd.DataFrame:
    given = (
        dict.fromkeys([*NUMBERS, "patients", "category", "reason", "reason_number", "unit"])
        | fields
    )
    return pd.DataFrame({"ccn": ccns, "program": program, "measure": measure, **given})


def base(loop: Loop, source: str) -> pd.DataFrame:
    return loop.written[source].head(2).reset_index(drop=True)


def test_a_row_with_a_reason_prints_a_code_and_no_number(loop: Loop) -> None:
    rows = base(loop, "dfc_facility")
    ccns = rows["ccn"].tolist()
    contract = one(
        "dfc",
        "ltc",
        ccns,
        unit="patients",
        unit_count=[7.0, 40.0],
        value=[30.0, 12.5],
        denominator=[50.0, 400.0],
        reason=["below_minimum_units", None],
        reason_number=[11.0, np.nan],
    )
    printed = render_dfc(
        performance_year=YEAR, base=rows, contract=contract, stars=loop.stars, smallest=11
    )
    assert printed["ltc_code"].tolist() == ["199", "001"]
    assert printed["ltc_rate"].tolist()[1] == 12.5
    assert printed[["ltc_rate", "ltc_patient_count"]].isna().all(axis=1).tolist() == [True, False]


def test_who_has_the_patients_and_not_the_reports_prints_the_patients(loop: Loop) -> None:
    rows = base(loop, "qip_complete")
    contract = one(
        "qip",
        "nhsn_bsi",
        rows["ccn"].tolist(),
        unit="patients",
        unit_count=[40.0, np.nan],
        reason=["not_every_month_accurate", "below_minimum_units"],
        reason_number=[np.nan, 11.0],
    )
    printed = render_qip(
        performance_year=YEAR,
        base=rows,
        contract=contract,
        earlier=contract.iloc[:0],
        scores=loop.scores,
        tps=loop.tps,
        smallest=11,
    )
    counts = printed["nhsn_bsi_achievement_patient_count"]
    assert (counts[0], pd.isna(counts[1])) == (40, True)
    assert dict(printed["missing"][1])["nhsn_bsi_achievement_patient_count"] == "<11"


def test_the_rate_of_a_small_facility_is_printed_adjusted(loop: Loop) -> None:
    rows = base(loop, "qip_complete")
    ccns = rows["ccn"].tolist()
    contract = one(
        "qip", "ltc", ccns, unit="patients", unit_count=[11.0, 40.0], value=[0.25, 0.123456]
    )
    scores = pd.DataFrame(
        {
            "ccn": ccns,
            "measure": "ltc",
            "score": [7.0, 6.0],
            "applied": ["improvement", "achievement"],
            "adjusted_rate": [0.1519, np.nan],
            "reason": None,
        }
    )
    printed = render_qip(
        performance_year=YEAR,
        base=rows,
        contract=contract,
        earlier=contract.assign(value=[0.3, 0.2]),
        scores=scores,
        tps=loop.tps,
        smallest=11,
    )
    assert printed["ltc_achievement_rate"].tolist() == [0.1519, 0.123456]
    assert printed["ltc_improvement_rate"].tolist() == [0.3, 0.2]
    again = publish_contract(
        performance_year=YEAR,
        dfc=None,
        qip=printed,
        ich_cahps=None,
        national=pd.DataFrame(columns=NATIONAL.column_names),
    )
    ltc = again[again["measure"] == "ltc"].set_index("ccn")
    assert ltc.loc[ccns, "value"].tolist() == [0.1519, 0.123456]
    assert ltc["is_adjusted"].all()


def test_small_counts_of_published_measures_are_hidden_too(loop: Loop) -> None:
    rows = base(loop, "dfc_facility").assign(smr_patient_count=[7, 11], smr_code=["199", "001"])
    nobody = one("dfc", "ltc", [], unit="patients")
    printed = render_dfc(
        performance_year=YEAR, base=rows, contract=nobody, stars=loop.stars.iloc[:0], smallest=11
    )
    assert printed["smr_patient_count"].isna().tolist() == [True, False]
    assert dict(printed["missing"][0])["smr_patient_count"] == "199"
    assert printed["five_star"].equals(rows["five_star"])


def test_a_facility_without_a_row_has_not_reported(loop: Loop) -> None:
    rows = base(loop, "dfc_facility")
    contract = one(
        "dfc", "ltc", rows["ccn"].tolist()[:1], unit="patients", unit_count=40.0, value=12.5
    )
    printed = render_dfc(
        performance_year=YEAR, base=rows, contract=contract, stars=loop.stars, smallest=11
    )
    assert printed["ltc_code"].tolist() == ["001", "201"]


def test_hospitalisation_prints_patients_not_their_years_and_rates_not_ratios(loop: Loop) -> None:
    rows = base(loop, "dfc_facility")
    contract = one(
        "dfc",
        "shr",
        rows["ccn"].tolist(),
        unit="patient_years",
        unit_count=[30.5, 60.5],
        patients=[44.0, 80.0],
        value=[0.5, 2.0],
        rate=[75.0, 300.0],
        lower=[0.25, 1.0],
        upper=[1.0, 4.0],
        category=["as", "worse"],
    )
    printed = render_dfc(
        performance_year=YEAR, base=rows, contract=contract, stars=loop.stars, smallest=11
    )
    assert printed["shr_patient_count"].tolist() == [44, 80]
    assert printed["shr_rate"].tolist() == [75, 300]
    assert printed["shr_lower"].tolist() == [37.5, 150]
    assert printed["shr_upper"].tolist() == [150, 600]


def test_one_survey_of_two_is_told_though_too_few_answered(loop: Loop) -> None:
    rows = base(loop, "qip_complete")
    contract = one(
        "qip",
        "ich_cahps",
        rows["ccn"].tolist(),
        unit="surveys",
        unit_count=[20.0, 40.0],
        numerator=[1.0, 2.0],
        value=[0.5, 1.0],
        reason=["below_minimum_units", None],
        reason_number=[30.0, np.nan],
    )
    printed = render_qip(
        performance_year=YEAR,
        base=rows,
        contract=contract,
        earlier=contract.iloc[:0],
        scores=loop.scores,
        tps=loop.tps,
        smallest=11,
    )
    assert printed["ich_cahps_achievement_numerator"].tolist() == [1, 2]
    assert printed["ich_cahps_achievement_survey_count"].isna().tolist() == [True, False]


def test_a_count_that_is_not_whole_does_not_fit_its_column(loop: Loop) -> None:
    rows = base(loop, "dfc_facility")
    contract = one("dfc", "ltc", rows["ccn"].tolist(), unit="patients", unit_count=11.5, value=1.0)
    with pytest.raises(ValueError, match="2 values are not whole numbers"):
        render_dfc(
            performance_year=YEAR, base=rows, contract=contract, stars=loop.stars, smallest=11
        )


def test_a_measure_that_is_not_computed_stays_as_published(loop: Loop) -> None:
    rows = base(loop, "dfc_facility")
    contract = one("dfc", "ltc", rows["ccn"].tolist(), unit="patients", unit_count=40.0, value=1.0)
    printed = render_dfc(
        performance_year=YEAR, base=rows, contract=contract, stars=loop.stars, smallest=11
    )
    same = [name for name in rows if not name.startswith(("ltc_", "five_star", "missing"))]
    pd.testing.assert_frame_equal(printed[same], rows[same], check_dtype=False)


@pytest.mark.parametrize(
    ("measure", "reason", "number", "codes"),
    [
        ("ltc", "below_minimum_units", 11, ["3"]),
        ("clinical_depression", "below_minimum_units", 11, ["1"]),
        ("shr", "below_minimum_units", 5, ["13"]),
        # Another number is the same reason, and keeps its footnote.
        ("shr", "below_minimum_units", 6, ["13"]),
        ("shr", "below_minimum_units", 50, ["13"]),
        ("srr", "certified_too_late", 20250401, ["2"]),
        ("srr", "certified_too_late", 20241001, ["9"]),
        ("ich_cahps", "below_minimum_units", 30, ["4"]),
        ("ich_cahps", "footnote_6 footnote_15", np.nan, ["6", "15"]),
        ("nhsn_bsi", "no_infections_predicted", np.nan, []),
    ],
)
def test_a_reason_has_the_footnote_that_says_it(
    measure: str, reason: str, number: float, codes: list[str]
) -> None:
    assert list_codes("qip_complete", measure, Why(reason, number)) == codes


def test_a_reason_without_a_code_is_an_error_where_a_code_must_stand() -> None:
    with pytest.raises(LookupError, match="no code of dfc_facility for no_infections_predicted"):
        list_codes("dfc_facility", "ltc", Why("no_infections_predicted", np.nan))
