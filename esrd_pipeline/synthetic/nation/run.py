"""Writes the nation: workers compute blocks of markets, and one process writes them in order.

The rows depend only on the seed, not on the number of workers.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.synthetic.nation import truth, truth_tables
from esrd_pipeline.synthetic.nation.activities import Planted, enrol, plant
from esrd_pipeline.synthetic.nation.block import Block, Span, compute_block
from esrd_pipeline.synthetic.nation.columns import schema_of, to_arrow
from esrd_pipeline.synthetic.nation.directory import list_grants
from esrd_pipeline.synthetic.nation.emergency_files import list_hurricane_rows
from esrd_pipeline.synthetic.nation.facilities import Market, draw_nation, split_markets
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.files import FileSet, Format, year_schemas
from esrd_pipeline.synthetic.nation.hurricanes import Hurricane, list_struck, strike
from esrd_pipeline.synthetic.nation.months import edges_of
from esrd_pipeline.synthetic.nation.network_files import NETWORK_FOLDER, list_rows, write_rows
from esrd_pipeline.synthetic.nation.places import list_ruca, list_vulnerability
from esrd_pipeline.tables.register import RUCA_ZIP, SVI_ZCTA

TRUTH_FOLDER = "truth"
MARKETS_IN_BLOCK = 5
"""Markets computed and written together: a row group."""
FIRST_YEAR = 2008


@dataclass(frozen=True, slots=True)
class Order:
    """A request: number of facilities, years, seed, format, folder, workers, what is planted."""

    facilities: int
    span: Span
    folder: Path
    kind: Format = "parquet"
    workers: int = 2
    activities: tuple[Planted, ...] = ()
    hurricanes: tuple[Hurricane, ...] = ()


def synthesize_nation(order: Order, report: Callable[[int, int], None] | None = None) -> None:
    """Write the nation's raw files, `<folder>/<year>/<file>`.

    Args:
        order: the request.
        report: called after each block with the number of blocks done and their total.

    Raises:
        ValueError: the years or the number of facilities are out of range, or an activity or a
            hurricane cannot be planted.
    """
    _check(order)
    nation = draw_nation(order.facilities, order.span.seed)
    if order.hurricanes:
        nation = strike(nation, order.span, order.hurricanes)
        _write_hurricanes(order, nation)
    enrolled = enrol(nation, order.span, order.activities)
    if order.activities:
        nation = plant(nation, enrolled)
        _write_activities(order, nation, enrolled)
    markets = split_markets(nation)
    blocks = [
        markets[first : first + MARKETS_IN_BLOCK]
        for first in range(0, len(markets), MARKETS_IN_BLOCK)
    ]
    with ExitStack() as stack:
        files = {
            year: stack.enter_context(
                FileSet(order.folder / str(year), year_schemas(), kind=order.kind)
            )
            for year in order.span.years
        }
        truth_files = stack.enter_context(
            FileSet(
                order.folder / TRUTH_FOLDER,
                {name: schema_of(table) for name, table in truth_tables.TABLES.items()},
                kind="parquet",
            )
        )
        for done, block in enumerate(_compute(order, blocks), start=1):
            for year, tables in block.years.items():
                for name, rows in tables.items():
                    files[year].append(name, rows)
            for name, rows in block.truth.items():
                truth_files.append(name, rows)
            if report:
                report(done, len(blocks))
        _finish(order, nation, files, truth_files)


def _finish(
    order: Order, nation: pd.DataFrame, files: Mapping[int, FileSet], truth_files: FileSet
) -> None:
    """Write the nation-wide files: ZIP codes, facilities' truth, coefficients, exceptions."""
    places = (
        (RUCA_ZIP, list_ruca(nation, order.span.seed)),
        (SVI_ZCTA, list_vulnerability(nation, order.span.seed)),
    )
    for table, rows in places:
        for of_year in files.values():
            of_year.append(table.path[1], to_arrow(table, rows))
    until = int(edges_of(order.span.last_year)[-1]) - 1
    labels = truth.label_facilities(nation, until)
    truth_files.append("data_defects", to_arrow(truth_tables.TABLES["data_defects"], labels))
    folder = order.folder / TRUTH_FOLDER
    pq.write_table(truth.tabulate_effects(nation), folder / "facility_effect.parquet")
    pq.write_table(truth.tabulate_coefficients(), folder / "coefficient.parquet")
    for year in order.span.years:
        grants = list_grants(nation, order.span.seed, year)
        grants.to_csv(order.folder / str(year) / "ece_grant.csv", index=False)


def _write_activities(order: Order, nation: pd.DataFrame, enrolled: pd.DataFrame) -> None:
    """Write the Networks' files of planted activities, and their truth."""
    rows = list_rows(nation, enrolled, order.activities, order.span)
    write_rows(order.folder / NETWORK_FOLDER, rows)
    folder = order.folder / TRUTH_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(truth.tabulate_activities(enrolled), folder / "activity.parquet")


def _write_hurricanes(order: Order, nation: pd.DataFrame) -> None:
    """Write the Networks' files of planted hurricanes, and their truth."""
    struck = list_struck(nation)
    write_rows(order.folder / NETWORK_FOLDER, list_hurricane_rows(struck))
    folder = order.folder / TRUTH_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(struck, preserve_index=False), folder / "hurricane.parquet")


def _check(order: Order) -> None:
    span, last = order.span, int(load_figures()["last_year"])
    if not FIRST_YEAR <= span.first_year <= span.last_year <= last:
        raise ValueError(
            f"the years must lie between {FIRST_YEAR} and {last},"
            f" not {span.first_year} to {span.last_year}"
        )


def _compute(order: Order, blocks: list[list[Market]]) -> Generator[Block]:
    """Yield the blocks in order; at most one per worker is computed ahead."""
    if order.workers <= 1:
        for block in blocks:
            yield compute_block(order.span, block)
        return
    context = multiprocessing.get_context("forkserver")
    waiting: deque[Future[Block]] = deque()
    with ProcessPoolExecutor(order.workers, mp_context=context) as pool:
        for block in blocks:
            if len(waiting) > order.workers:
                yield waiting.popleft().result()
            waiting.append(pool.submit(compute_block, order.span, block))
        while waiting:
            yield waiting.popleft().result()
