"""Summary table at the end of a command: a year's results."""

import pandas as pd

from esrd_pipeline.parameters.reasons import describe_reason, describe_rows
from esrd_pipeline.program.qip_rule_sets import describe_stored
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import facility, measured, program, report
from esrd_pipeline.warehouse import Warehouse, open_warehouse


def summarise(settings: Settings, year: int) -> list[tuple[str, str, str]]:
    """Return lines of (item, number of facilities, result) from the stored tables."""
    warehouse = open_warehouse(settings)
    lines = [*_summarise_intake(warehouse, year), *_summarise_measures(warehouse, year)]
    if not warehouse.has(program.QIP_TPS, year):
        return lines
    directory = warehouse.read(facility.DIRECTORY, year)
    lines.append(("facilities", f"{len(directory):,}", ""))
    tps = warehouse.read(program.QIP_TPS, year)
    lines += [("QIP rules", "", text) for text in describe_stored(tps)]
    scored = tps.loc[tps["tps"].notna()]
    if scored.empty:
        lines.append(("Total Performance Score", "0", _find_reason(tps, "no_facility_of_qip")))
    else:
        mean = float(scored["tps"].astype(float).mean())
        minimum = int(scored["minimum_tps"].iloc[0])
        lines.append(
            ("Total Performance Score", f"{len(scored):,}", f"mean {mean:.1f}, minimum {minimum}")
        )
        for share, count in scored["payment_reduction"].value_counts().sort_index().items():
            lines.append((f"payment reduction {share}%", f"{count:,}", ""))
    stars = warehouse.read(program.STARS, year)
    rated = stars.loc[stars["rating"].notna()]
    if rated.empty:
        lines.append(("stars", "0", _find_reason(stars, "no_facility_of_dfc")))
    else:
        counts = rated["rating"].astype(int).value_counts().sort_index()
        spread = "  ".join(
            f"{'★' * int(str(rating))} {count:,}" for rating, count in counts.items()
        )
        lines.append(("stars", f"{len(rated):,}", spread))
    flags = warehouse.read(program.FLAGS, year)
    if flags.empty:
        lines.append(("flags", "0", describe_reason("no_facility_of_dfc")))
        return lines
    for category in ("better", "worse"):
        flagged = int((flags["category"] == category).sum())
        lines.append((f"flags: {category} than expected", f"{flagged:,}", "facility-measures"))
    return lines


def _find_reason(rows: pd.DataFrame, reason_of_no_row: str) -> str:
    """Return the reason of the first row; of a table without rows, why it has none."""
    if rows.empty:
        return describe_reason(reason_of_no_row)
    return str(describe_rows(rows.head(1))[0])


def _summarise_intake(warehouse: Warehouse, year: int) -> list[tuple[str, str, str]]:
    """Return a line for the answers of the year's raw tables that are worth a look."""
    if not warehouse.has(report.INTAKE, year):
        return []
    answers = warehouse.read(report.INTAKE, year)
    warned = answers[answers["outcome"] == "warns"]
    places = sorted(set(warned["kind"] + " in " + warned["table_name"]))
    text = f"{len(warned):,} of {len(answers):,} answers warn"
    return [("intake of raw files", "", f"{text}: {', '.join(places)}" if places else text)]


def _summarise_measures(warehouse: Warehouse, year: int) -> list[tuple[str, str, str]]:
    """Return lines for the measures that a model computed from patient-level files."""
    lines = []
    for measure, tables in measured.MODELLED.items():
        if not warehouse.has(tables.facility, year):
            continue
        rows = warehouse.read(tables.facility, year)
        reported = rows[(rows["program"] == "dfc") & rows["reportable"].astype(bool)]
        counts = reported["category"].value_counts()
        text = ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("better", "as", "worse"))
        lines.append((f"{measure.upper()} from raw files", f"{len(reported):,}", text))
    return lines
