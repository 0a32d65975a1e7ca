"""Steps that read a folder of extracts: its list of files, and a raw table of each kind of file."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pandas as pd

from esrd_pipeline.cutoffs import read_cutoff, write_cutoff
from esrd_pipeline.orchestration.context import SqlOutput, StepContext, StepResult
from esrd_pipeline.orchestration.made_of import digest_file
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import EXTRACT

FindFolder = Callable[[StepContext], Path]


def make_raw_assets(
    listing: Table,
    tables: Sequence[Table],
    find_folder: FindFolder,
    prepare: Callable[[StepContext], None],
    description: str,
) -> tuple[TableAsset, ...]:
    """Return the computations of a folder's list of files and of its raw tables.

    Args:
        listing: the table that lists the files.
        tables: the raw tables; one that another refers to comes before it.
        find_folder: the folder of a step's year.
        prepare: what is done before the files are listed: it may refuse the year, or write the
            embedded default.
        description: of the list.
    """
    by_name = {table.name: table for table in tables}
    return (
        TableAsset(
            tables=(listing,),
            compute=partial(
                _list_files,
                listing=listing,
                tables=tuple(tables),
                find_folder=find_folder,
                prepare=prepare,
            ),
            description=description,
            kinds=frozenset({"file", "parquet"}),
            outside=partial(
                _list_outside, tables=tuple(tables), find_folder=find_folder, has_all=True
            ),
        ),
        *(
            TableAsset(
                tables=(table,),
                compute=partial(
                    _read_extract,
                    table=table,
                    listing=listing,
                    find_folder=find_folder,
                    referenced=tuple(by_name[name] for name in _list_referenced(table, by_name)),
                ),
                description=f"{table.source}: typed, every row kept.",
                dependencies=(
                    Dependency(listing),
                    *(Dependency(by_name[name]) for name in _list_referenced(table, by_name)),
                ),
                kinds=frozenset({"file", "duckdb", "parquet"}),
                outside=partial(_list_outside, tables=(table,), find_folder=find_folder),
                listed_in=listing,
            )
            for table in tables
        ),
    )


def _list_referenced(table: Table, among: Mapping[str, Table]) -> list[str]:
    """Return the raw tables of the same folder that a table refers to, each once."""
    return list(dict.fromkeys(one.table for one in table.references if one.table in among))


def _list_files(
    step: StepContext,
    *,
    listing: Table,
    tables: Sequence[Table],
    find_folder: FindFolder,
    prepare: Callable[[StepContext], None],
) -> StepResult:
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.extract_files import list_extracts, list_unread
    from esrd_pipeline.sources.extract_releases import name_below
    from esrd_pipeline.sources.files import IGNORE_FILE

    prepare(step)
    folder, cutoff = find_folder(step), step.cutoff
    unread = list_unread(folder, tables, cutoff)
    if unread:
        raise SourceError(
            file=", ".join(unread),
            rule=f"no table takes a file of this name: rename it, or name it in {IGNORE_FILE}",
        )
    rows = [
        {
            "performance_year": step.performance_year,
            "table_name": table.name,
            "file_name": name_below(folder, extract.path),
            "size_bytes": extract.path.stat().st_size,
            "sha256": digest_file(extract.path),
        }
        for table in tables
        for extract in list_extracts(folder, table, cutoff)
    ]
    frame = pd.DataFrame(rows, columns=listing.column_names)
    return StepResult(
        (frame,),
        notes={
            "data cut-off": cutoff.isoformat() if cutoff else "none",
            "files": len(frame),
            "bytes": int(frame["size_bytes"].sum()),
        },
        written=write_cutoff(cutoff),
    )


def _list_outside(
    step: StepContext, *, tables: Sequence[Table], find_folder: FindFolder, has_all: bool = False
) -> Mapping[str, str]:
    """Return the digests of the files of raw tables; if of all, those too that no table takes."""
    from esrd_pipeline.sources.extract_files import list_extracts, list_unread
    from esrd_pipeline.sources.extract_releases import name_below

    folder, cutoff = find_folder(step), step.cutoff
    found = {
        f"file {name_below(folder, extract.path)}": digest_file(extract.path)
        for table in tables
        for extract in list_extracts(folder, table, cutoff)
    }
    if has_all:
        found |= {f"file {name}": "not read" for name in list_unread(folder, tables, cutoff)}
        found["data cut-off"] = str(cutoff)
    return found


def _read_extract(
    step: StepContext,
    *,
    table: Table,
    listing: Table,
    find_folder: FindFolder,
    referenced: Sequence[Table],
) -> StepResult:
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.extract import (
        check_extracts,
        check_header,
        make_select,
        make_strict_select,
        unpack,
    )
    from esrd_pipeline.sources.extract_files import find_extracts
    from esrd_pipeline.sources.extract_releases import name_below
    from esrd_pipeline.sources.extract_year import check_year
    from esrd_pipeline.sources.first_row import find_first_rows
    from esrd_pipeline.sources.sas import SCRATCH, open_scratch

    # The cut-off of the list, so that a run of a single table reads the same files.
    cutoff = read_cutoff(step.warehouse, listing, step.performance_year)
    source = find_folder(step)
    extracts = find_extracts(source, table, cutoff)
    known = step.read(listing)
    mine = known[known["table_name"] == table.name]
    found = {name_below(source, extract.path): extract.path.stat().st_size for extract in extracts}
    if found != dict(zip(mine["file_name"], mine["size_bytes"].astype(int), strict=True)):
        raise SourceError(
            file=table.path[1],
            rule=f"its files are not those of {listing.name}: materialise {listing.name} again",
        )
    with ExitStack() as held:
        if any(extract.is_sas for extract in extracts):
            # The step holds the partition's lock, so the folder is its own.
            folder = step.warehouse.root / SCRATCH / f"{table.name}-{step.performance_year}"
            extracts = unpack(table, extracts, held.enter_context(open_scratch(folder)))
        for extract in extracts:
            check_header(table, extract)
        if listing.name == EXTRACT.name:  # a Network's files are of all years
            check_year(table, extracts, step.warehouse.query, step.performance_year)
        select = make_strict_select(table, extracts)
        # What was unpacked is read when the table is stored.
        release = held.pop_all().close

    def look_again() -> tuple[Select, Mapping[str, int]]:
        checked, rewritten = check_extracts(table, extracts, step.warehouse.query)
        notes = {f"brought into form: {name}": count for name, count in rewritten.items()}
        return make_select(table, checked), notes

    return StepResult(
        (SqlOutput(select, look_again=look_again),),
        notes={"files": select.path},
        release=release,
        locate=partial(
            find_first_rows,
            table,
            extracts,
            performance_year=step.performance_year,
            referenced={
                other.name: step.warehouse.partition_path(other, step.performance_year)
                for other in referenced
            },
        ),
    )
