"""Differences between years: healthy years of a small nation tell none, planted shifts are told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.drift import Drift, find_drift
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Warehouse

YEARS = range(2021, 2026)
LAST = YEARS[-1]
FACILITIES = 60
DOUBLED = "000007"

MONTHS = Table(
    name="history.example_month",
    grain="one patient and month",
    source="this test",
    key=("patient_id", "month"),
    columns=(
        Column("patient_id", "integer", "Patient", required=True),
        Column("month", "date", "First day of the month", required=True),
        Column("ccn", "text", "Facility", required=True),
        Column("calcium", "number", "Serum calcium", unit="mg/dl"),
        Column("has_diabetes", "boolean", "By a list of codes"),
        Column("modality", "text", "Modality", allowed=("hd", "pd", "other")),
    ),
)
RATES = Table(
    name="facility.example_rate",
    grain="one facility and measure",
    source="this test",
    key=("ccn", "measure"),
    columns=(
        Column("ccn", "text", "CCN", required=True),
        Column("measure", "text", "Measure", required=True, allowed=("shr", "pediatric")),
        Column("value", "number", "Rate"),
    ),
)


def make_months(year: int, seed: int) -> pd.DataFrame:
    """A year of a nation in which facilities grow and shrink, and patients come and go."""
    draw = np.random.default_rng([seed, year])
    fixed = np.random.default_rng(seed)
    size = fixed.integers(40, 120, FACILITIES) * np.exp(draw.normal(0.0, 0.08, FACILITIES))
    facility = np.repeat(np.arange(FACILITIES), size.astype(int))
    patients = pd.DataFrame(
        {
            "patient_id": np.arange(facility.size) + 1,
            "ccn": [f"{number:06d}" for number in facility],
            "has_diabetes": draw.random(facility.size) < 0.4 + draw.normal(0, 0.01),
            "modality": draw.choice(["hd", "pd", "other"], facility.size, p=[0.86, 0.12, 0.02]),
        }
    )
    months = patients.merge(
        pd.DataFrame({"month": pd.date_range(f"{year}-01-01", periods=12, freq="MS")}), how="cross"
    )
    months = months[draw.random(len(months)) < 0.9]
    months["calcium"] = draw.normal(9.1 + draw.normal(0, 0.05), 0.7, len(months))
    months.loc[draw.random(len(months)) < 0.07, "calcium"] = np.nan
    months["month"] = months["month"].dt.date
    return months.reset_index(drop=True)


def make_rates(year: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng([seed, year, 1])
    ccns = [f"{number:06d}" for number in range(FACILITIES)]
    many = pd.DataFrame({"ccn": ccns, "measure": "shr", "value": draw.gamma(40, 2.5, FACILITIES)})
    # Of eleven patients a rate goes anywhere.
    few = pd.DataFrame({"ccn": ccns[:4], "measure": "pediatric", "value": draw.gamma(3, 10, 4)})
    return pd.concat([many, few], ignore_index=True)


def find(folder: Path, table: Table, frames: dict[int, pd.DataFrame]) -> list[Drift]:
    """The differences of the last year."""
    warehouse = Warehouse(folder)
    for year, frame in frames.items():
        warehouse.publish(warehouse.stage(table, year, frame))
    paths = [warehouse.find(table, year) for year in sorted(frames, reverse=True)]
    return find_drift(
        table=table, staged=paths[0], earlier=paths[1:], year=LAST, query=warehouse.query
    )


@pytest.mark.parametrize("seed", range(5))
def test_healthy_years_tell_nothing(tmp_path: Path, seed: int) -> None:
    assert find(tmp_path, MONTHS, {year: make_months(year, seed) for year in YEARS}) == []
    assert find(tmp_path, RATES, {year: make_rates(year, seed) for year in YEARS}) == []


def lose_a_month(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[[month.month != 5 for month in frame["month"]]]


def empty_a_code_list(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(has_diabetes=False)


def lose_a_value(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(modality=frame["modality"].replace("other", "hd"))


def double_a_facility(frame: pd.DataFrame) -> pd.DataFrame:
    again = frame[frame["ccn"] == DOUBLED]
    return pd.concat([frame, again.assign(patient_id=again["patient_id"] + 10**6)])


def change_the_unit(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(calcium=frame["calcium"] / 4)


def lose_reports(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(calcium=frame["calcium"].where(frame.index % 3 > 0))


def lose_a_third(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["ccn"] > "000020"]


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lose_a_month, "month: rows of month 5 beside the mean of the others was 0.99"),
        (empty_a_code_list, "has_diabetes: share of rows that are true was 0.3"),
        (lose_a_value, "modality: share of rows that are other was 0.0"),
        (double_a_facility, f"ccn: rows of facility {DOUBLED} was "),
        (change_the_unit, "calcium: mean was 9."),
        (lose_reports, "calcium: share of nulls was 0.0"),
        (lose_a_third, "number of rows was "),
    ],
)
def test_planted_shifts_are_told_with_the_numbers(
    tmp_path: Path, plant: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    frames = {year: make_months(year, 1) for year in YEARS}
    frames[LAST] = plant(frames[LAST])
    sentences = [drift.sentence for drift in find(tmp_path, MONTHS, frames)]
    assert [text for text in sentences if message[: message.rindex(" was ")] in text], sentences
    assert all(" and is " in text for text in sentences)
    assert len(sentences) <= 2


def test_what_moved_before_may_move_again(tmp_path: Path) -> None:
    """A rate that changes by half each year is told in the first such year only."""
    factors = dict(zip(YEARS, (1.0, 1.5, 1.0, 1.5, 1.0), strict=True))
    frames = {
        year: make_rates(year, 3).assign(value=lambda f, k=factors[year]: f["value"] * k)
        for year in YEARS
    }
    assert find(tmp_path, RATES, frames) == []
    steady = {year: make_rates(year, 3) for year in YEARS}
    steady[LAST] = steady[LAST].assign(value=steady[LAST]["value"] * 1.5)
    (drift,) = find(tmp_path, RATES, steady)
    assert (drift.measure, drift.column, drift.what) == ("shr", "value", "mean")


def test_few_rows_may_move_more_than_many(tmp_path: Path) -> None:
    frames = {year: make_rates(year, 4) for year in YEARS}
    frames[LAST] = frames[LAST].assign(value=frames[LAST]["value"] * 1.4)
    assert {drift.measure for drift in find(tmp_path, RATES, frames)} == {"shr"}
