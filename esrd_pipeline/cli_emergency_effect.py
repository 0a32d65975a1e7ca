"""The command of what an emergency did to patients."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from esrd_pipeline.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("events", "amount", "comparison_events", "comparison_amount", "ratio", "lower", "upper")


@click.command("emergency-effect")
@click.option("--area", required=True, help="FL, N7, DR4828, US, REPORTED.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day.")
def emergency_effect(*, area: str, day: datetime) -> None:
    """Estimate what an emergency did to an area's patients in center.

    Early dialysis, sessions received, treatment elsewhere, and emergency visits, admissions and
    deaths within 30 days, each as a ratio with 95% limits to the same area a year before and to
    states without an emergency (Kelman et al., Am J Kidney Dis 2015;65:109). Reads the stored year
    of the day, with its claims, and the files of ESRD_NETWORK_DIR; starts no run. Counts of 1 to 10
    are not shown. Where the claims of the year before are not stored, that comparison is left out.
    """
    from esrd_pipeline.emergency.area import AreaError
    from esrd_pipeline.emergency.effect import EffectDayError, lacks_year_before, measure_effect
    from esrd_pipeline.emergency.records import StoredRecords
    from esrd_pipeline.reports.suppression import suppress
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.tables.emergency import EFFECT
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    settings = load_settings()
    records = StoredRecords(open_warehouse(settings), day.year, settings.network_dir)
    try:
        effects = measure_effect(area, day.date(), records)
    except (
        *(AreaError, EffectDayError, SourceError),
        *(MissingPartitionError, OutdatedPartitionError),
    ) as refused:
        raise click.ClickException(str(refused)) from refused
    shown = suppress(EFFECT, effects)
    path = settings.emergency_dir / f"effect_{area.strip().upper()}-{day:%Y-%m-%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    shown.to_csv(path, index=False)
    _show(shown)
    if lacks_year_before(effects):
        click.echo(
            f"Not compared with the year before: {day.year - 1} has no claims."
            f" Refresh {day.year - 1} with its files, then {day.year}."
        )
    click.echo(f"Written: {path}")


def _show(effects: "pd.DataFrame") -> None:
    """Print the table; a cell that is not shown is a dash."""
    from rich.console import Console
    from rich.table import Table as RichTable

    table = RichTable(title="Ratios and 95% limits", box=None, padding=(0, 1, 0, 0))
    for name in ("outcome", "comparison"):
        table.add_column(name)
    for name in _SHOWN:
        # Folded and not cut where a terminal is narrow: a cut number is another one.
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for row in effects.to_dict("records"):
        numbers = [write_cell(row[name]) for name in _SHOWN]
        table.add_row(str(row["outcome"]), str(row["comparison"]), *numbers)
    Console().print(table)


def write_cell(number: float) -> str:
    """Write a count whole, an amount or a ratio with two decimals; a dash where it is not shown."""
    import pandas as pd

    from esrd_pipeline.reports.rounding import write_rounded

    if pd.isna(number):
        return "-"
    return write_rounded(number, 0 if float(number).is_integer() else 2)
