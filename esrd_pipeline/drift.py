"""Differences of a staged partition from the years stored before that a person should look at.

Each is beyond three bounds at once: what chance moves in a table of this size (a rate of eleven
rows more than one of ten thousand), what the column moved between the years stored so far, and a
least that is worth a look. What is judged: the number of rows; of each number column the mean and
the share of nulls; of each yes/no column and each column of a list of texts the share of every
value, and whether one is gone; the months of the year; each facility's rows beside its own of the
year before and beside how the other facilities moved. Sentences contain counts, shares and names of
columns, values of closed lists, facilities and months, never a patient's value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path

import pandas as pd

from esrd_pipeline.duckdb_text import AS_STORED, match_exactly, quote_text
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query

CHANCE = 5.0
"""Standard errors: a year has some ten thousand comparisons."""
LEARNED = 2.0
"""Times the largest step between the earlier years."""
LEAST_ROWS = 0.25
LEAST_MEAN = 0.25
"""Of the mean and of the standard deviation: both must be exceeded."""
FEW = 10
LEAST_MEAN_OF_FEW = 0.5
"""Of the mean of so few rows that their spread says little."""
LEAST_SHARE = 0.1
LEAST_GONE = 50
"""Rows with a value, whose chance to be all gone is nil."""
MOST_VALUES = 20
BOOLEAN = ("true", "false")
MONTH_LOST = 0.5
MONTH_ROWS = 200
FACILITY_RATIO = 1.7
FACILITY_PATIENTS = 30
FACILITY_CHANCE = 4.0
MOST_YEARS = 3
MANY_ROWS = 5_000_000
"""A larger table is compared with the year before alone: each more is a scan."""
_TIMES = ("month", "clm_thru_dt", "last_date", "thru_date", "assessment_date", "screening_date")
_BY_RULES = frozenset(
    {
        *("applied", "direction", "factor_source", "method", "operation", "origin"),
        *("reason", "source", "third_source"),
    }
)
"""Columns that say by which rule or from which file a row is: they change with the rules."""
_STORED = f"read_parquet($path, {AS_STORED})"


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference from the year before; `size` is how often its bound it is."""

    column: str
    measure: str | None
    what: str
    before: float
    now: float
    size: float = 1.0

    @property
    def sentence(self) -> str:
        """Say what moved, from what to what."""
        whose = f"{self.measure}: " if self.measure else ""
        place = self.what if self.column == "(rows)" else f"{self.column}: {self.what}"
        return f"{whose}{place} was {self.before:,.4g} and is {self.now:,.4g}"


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of one measure in one year, and what each column has."""

    rows: float
    means: Mapping[str, tuple[float, float, float]]
    """By number column: mean, standard deviation and rows with a value."""
    shares: Mapping[tuple[str, str], float]
    """By column and value of one that has few: rows."""


def find_drift(
    *,
    table: Table,
    staged: Path,
    earlier: Sequence[Path],
    year: int,
    query: Query,
    is_alike: bool = True,
) -> list[Drift]:
    """Return differences of a staged partition from those of the years before, largest first.

    Args:
        table: their definition; within each measure if it has measures.
        staged: the partition of `year`.
        earlier: those of up to four years before, the newest first; at least one.
        year: the performance year.
        query: runs a SELECT.
        is_alike: the year and the one before are made of as many years of files. If not, amounts
            are not compared: what looks back a year has twice the rows in the second year.
    """
    now, *before = (_describe(table, path, query) for path in (staged, *earlier[:MOST_YEARS]))
    drifts: list[Drift] = []
    for measure, group in now.items():
        history = [year_before[measure] for year_before in before if measure in year_before]
        # A measure that is new, or no longer there, is a change of rules; `report.change` tells it.
        if before and measure in before[0] and before[0][measure].rows:
            drifts += _compare(table, measure, group, history, is_alike=is_alike)
    if not now and any(group.rows >= LEAST_GONE for group in before[0].values()):
        drifts.append(Drift("(rows)", None, "number of rows", _count(before[0]), 0.0, 1e3))
    drifts += _compare_months(table, (staged, earlier[0]), year, query)
    drifts += _compare_facilities(table, (staged, earlier[0]), query)
    return sorted(drifts, key=lambda drift: (-drift.size, drift.column, str(drift.measure)))


def _count(year: Mapping[str | None, _Group]) -> float:
    return sum(group.rows for group in year.values())


def _describe(table: Table, path: Path, query: Query) -> dict[str | None, _Group]:
    """Return rows, means and shares of a partition by measure, in one scan."""
    numbers = [column.name for column in table.columns if column.type == "number"]
    values = [(c.name, value) for c in table.columns for value in _list_values(c)]
    measure = "measure" if "measure" in table.column_names else "NULL::VARCHAR"
    metrics = ["count(*) AS row_count"]
    for at, name in enumerate(numbers):
        finite = f'CASE WHEN isfinite("{name}") THEN "{name}" END'
        metrics += [
            f"avg({finite}) AS m{at}",
            f"stddev_pop({finite}) AS s{at}",
            f'count("{name}") AS c{at}',
        ]
    metrics += [
        f"count_if({_is_value(name, value)}) AS v{at}" for at, (name, value) in enumerate(values)
    ]
    described = query(
        f"SELECT {measure} AS measure, {', '.join(metrics)} FROM {_STORED} GROUP BY 1",
        path=match_exactly(path),
    )
    groups: dict[str | None, _Group] = {}
    for row in described.to_dict("records"):
        name = None if pd.isna(row["measure"]) else str(row["measure"])
        groups[name] = _Group(
            rows=float(row["row_count"]),
            means={
                column: (float(row[f"m{at}"]), float(row[f"s{at}"]), float(row[f"c{at}"]))
                for at, column in enumerate(numbers)
            },
            shares={value: float(row[f"v{at}"]) for at, value in enumerate(values)},
        )
    return groups


def _list_values(column: Column) -> Sequence[str]:
    """Return the values of a column that has few; not of one on how a row was made."""
    if column.type == "boolean":
        return BOOLEAN
    if column.allowed is None or len(column.allowed) > MOST_VALUES or column.name in _BY_RULES:
        return ()
    return column.allowed


def _is_value(column: str, value: str) -> str:
    if value in BOOLEAN:
        return f'"{column}"' if value == "true" else f'NOT "{column}"'
    return f'"{column}" = {quote_text(value)}'


def _compare(
    table: Table,
    measure: str | None,
    now: _Group,
    history: Sequence[_Group],
    *,
    is_alike: bool,
) -> Iterator[Drift]:
    before = history[0]
    if is_alike:
        yield from _compare_rows(measure, now, history)
        for name in now.means:
            yield from _compare_mean(measure, name, now, history)
    is_file_of_cms = table.schema == "raw" and "ccn" in table.column_names
    for name, (_, _, there) in now.means.items():
        if is_file_of_cms and 0 in (there, before.means[name][2]):
            # A file's columns depend on the payment year; its reader tells of those it lacks.
            continue
        nulls = [group.rows - group.means[name][2] for group in (now, *history)]
        yield from _compare_share(measure, name, "", nulls, (now, *history), is_alike=is_alike)
    for name, value in sorted({*now.shares, *before.shares}):
        rows = [group.shares.get((name, value), 0.0) for group in (now, *history)]
        yield from _compare_share(measure, name, value, rows, (now, *history), is_alike=is_alike)


def _learn(values: Sequence[float]) -> float:
    """Return the largest step between consecutive earlier years, or 0 where there is but one."""
    return max(map(abs, map(float.__sub__, values[1:], values[:-1])), default=0.0)


def _compare_rows(measure: str | None, now: _Group, history: Sequence[_Group]) -> Iterator[Drift]:
    before = history[0].rows
    learned = _learn([log(max(group.rows, 1.0)) for group in history])
    allowed = max(CHANCE * sqrt(before + now.rows), before * max(LEAST_ROWS, LEARNED * learned))
    moved = abs(now.rows - before)
    if moved > allowed:
        yield Drift("(rows)", measure, "number of rows", before, now.rows, moved / allowed)


def _compare_mean(
    measure: str | None, name: str, now: _Group, history: Sequence[_Group]
) -> Iterator[Drift]:
    mean, deviation, count = now.means[name]
    means = [group.means[name][0] for group in history if group.means[name][2]]
    before, spread, rows = history[0].means[name]
    if not count or not rows:
        return
    chance = CHANCE * sqrt(spread**2 / rows + deviation**2 / count)
    share = LEAST_MEAN if min(count, rows) >= FEW else LEAST_MEAN_OF_FEW
    least = max(share * abs(before), LEAST_MEAN * spread)
    allowed = max(chance, least, LEARNED * _learn(means))
    moved = abs(mean - before)
    if moved > allowed > 0:
        yield Drift(name, measure, "mean", before, mean, moved / allowed)


def _compare_share(
    measure: str | None,
    name: str,
    value: str,
    rows: Sequence[float],
    groups: Sequence[_Group],
    *,
    is_alike: bool,
) -> Iterator[Drift]:
    """Compare the share of rows with a value (or null), this year's first."""
    shares = [part / group.rows for part, group in zip(rows, groups, strict=True)]
    now, before = shares[:2]
    what = f"share of rows that are {value}" if value else "share of nulls"
    if value and not rows[0] and rows[1] >= LEAST_GONE and groups[0].rows >= LEAST_GONE:
        yield Drift(name, measure, what, before, 0.0, rows[1] / LEAST_GONE)
        return
    if not is_alike:
        return
    pooled = (rows[0] + rows[1]) / (groups[0].rows + groups[1].rows)
    chance = CHANCE * sqrt(pooled * (1 - pooled) * (1 / groups[0].rows + 1 / groups[1].rows))
    allowed = max(chance, LEAST_SHARE, LEARNED * _learn(shares[1:]))
    if abs(now - before) > allowed:
        yield Drift(name, measure, what, before, now, abs(now - before) / allowed)


def _compare_months(
    table: Table, paths: tuple[Path, Path], year: int, query: Query
) -> Iterator[Drift]:
    """Compare the rows of each month of the year, as a share of the other months' mean."""
    column = next((name for name in _TIMES if name in table.column_names), None)
    if column is None or not any(c.name == column and c.type == "date" for c in table.columns):
        return
    profiles = [
        _count_months(path, column, of, query)
        for path, of in zip(paths, (year, year - 1), strict=True)
    ]
    for month in range(1, 13):
        shares, counts = [], []
        for profile in profiles:
            others = sum(profile.values()) - profile.get(month, 0.0)
            counts.append(profile.get(month, 0.0))
            shares.append(counts[-1] / (others / 11) if others else 0.0)
        now, before = shares
        if counts[1] >= MONTH_ROWS and sum(profiles[0].values()) and now < MONTH_LOST * before:
            what = f"rows of month {month} beside the mean of the others"
            yield Drift(column, None, what, before, now, 10 * (1 - now / before))


def _count_months(path: Path, column: str, year: int, query: Query) -> dict[int, float]:
    rows = query(
        f'SELECT month("{column}") AS month, count(*) AS n FROM {_STORED}'
        f' WHERE year("{column}") = $year GROUP BY 1',
        path=match_exactly(path),
        year=year,
    )
    return {int(row["month"]): float(row["n"]) for row in rows.to_dict("records")}


def _compare_facilities(table: Table, paths: tuple[Path, Path], query: Query) -> Iterator[Drift]:
    """Compare each facility's rows with its own of the year before, beside the median facility."""
    if not {"ccn", "patient_id"} <= set(table.column_names) or "measure" in table.column_names:
        return
    now, before = (_count_facilities(path, query) for path in paths)
    both = before.add_suffix("_before").join(now.add_suffix("_now"), how="inner")
    both = both[both["patients_before"] >= FACILITY_PATIENTS]
    ratio = both["n_now"] / both["n_before"]
    usual = float(ratio.median()) if len(both) else 1.0
    moved = (ratio / usual).map(log).abs()
    # A facility's rows come and go with its patients.
    allowed = FACILITY_CHANCE * (1 / both["patients_before"] + 1 / both["patients_now"]).map(sqrt)
    allowed = allowed.clip(lower=log(FACILITY_RATIO))
    for row in both.assign(size=moved / allowed)[moved > allowed].itertuples():
        what = f"rows of facility {row.Index}"
        yield Drift("ccn", None, what, float(row.n_before), float(row.n_now), float(row.size))


def _count_facilities(path: Path, query: Query) -> pd.DataFrame:
    return query(
        f"SELECT ccn, count(*)::DOUBLE AS n, approx_count_distinct(patient_id)::DOUBLE AS patients"
        f" FROM {_STORED} WHERE ccn IS NOT NULL GROUP BY ccn",
        path=match_exactly(path),
    ).set_index("ccn")
