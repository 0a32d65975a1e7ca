"""Years and facilities that commands are asked for, checked before anything long is imported."""

from datetime import UTC, datetime
from pathlib import Path

import click

from esrd_pipeline.settings import Settings, check_named_folders

FIRST_YEAR = 2015
"""As FIRST_PUBLISHED_YEAR of the register, which takes long to import."""
_STORED = ("facility", "directory")
_CCN_SIGNS = 6
_SHOWN = 5


def require_files(settings: Settings, year: int) -> None:
    """Refuse a year that cannot be refreshed: before the first, not over, or without any file.

    Raises:
        ClickException: with the years that could be.
        SettingError: a folder of files is named that is not there.
    """
    if year < FIRST_YEAR:
        raise click.ClickException(
            f"{year} is before {FIRST_YEAR}, the first performance year of a published file whose"
            " columns are known"
        )
    last = datetime.now(tz=UTC).year - 1
    if year > last >= FIRST_YEAR:
        raise click.ClickException(
            f"{year} is not a performance year: {FIRST_YEAR} to {last} are known"
        )
    check_named_folders()
    if settings.origin == "embedded":
        return
    folders = (settings.published_dir, settings.agency_dir)
    if any(any((folder / str(year)).glob("*.*")) for folder in folders):
        return
    there = {int(path.name) for folder in folders for path in _list_years(folder)}
    raise click.ClickException(
        f"{settings.published_dir / str(year)}: no file named DFC_FACILITY*.csv or"
        f" *QIP_COMPLETE*.csv, and no patient-level file in {settings.agency_dir / str(year)};"
        f" there are files of {_format_years(there)}"
    )


def require_stored(settings: Settings, year: int) -> None:
    """Refuse a year that is not stored.

    Raises:
        ClickException: with the years that are.
    """
    from esrd_pipeline.stores import open_store
    from esrd_pipeline.stores.store import make_key, read_year

    years = set(map(read_year, open_store(settings).list_keys(make_key(*_STORED, "*"))))
    if year in years:
        return
    raise click.ClickException(
        f"{year} is not stored; stored are {_format_years(years)}. Make it with"
        f" `esrd refresh --year {year}`"
    )


def require_facility(settings: Settings, year: int, ccn: str) -> None:
    """Refuse a number that no facility of the year has; years and tables decide that are stored.

    Raises:
        ClickException: with numbers that are near.
    """
    import pyarrow.parquet as pq

    from esrd_pipeline.stores import open_store
    from esrd_pipeline.stores.store import make_key

    store = open_store(settings)
    if any(store.list_keys(make_key(*_STORED, "*"))):
        require_stored(settings, year)
    if len(ccn) != _CCN_SIGNS or not ccn.isalnum():
        raise click.ClickException(
            f"{ccn!r} is no CCN: it has {_CCN_SIGNS} digits or letters, zeros at its front too"
        )
    found = set[str]()
    for table in ("directory", "contract"):
        path = store.find(make_key("facility", table, year))
        if path.is_file():
            # Not by `read_table`, which imports pandas.
            found |= set(pq.ParquetFile(path).read(columns=["ccn"])["ccn"].to_pylist())
            if ccn in found:
                return
    if not found:
        # Without these tables nothing is known of facilities.
        return
    near = sorted(found, key=lambda one: (_count_differences(one, ccn), one))[:_SHOWN]
    raise click.ClickException(
        f"{ccn} is no facility of {year}: is the CCN right? Nearest are {', '.join(near)}"
    )


def _count_differences(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


def _list_years(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[12][0-9][0-9][0-9]") if any(path.glob("*.*"))]


def _format_years(years: set[int]) -> str:
    return ", ".join(map(str, sorted(years))) or "no year"
