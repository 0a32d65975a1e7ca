"""Summary tables at the end of a command: a year's results, a facility's explanation."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from esrd_pipeline.families.explanation import (
    add_up,
    add_up_adjusters,
    add_up_discharges,
    add_up_months,
    add_up_patients,
    add_up_reports,
    describe_reasons,
)
from esrd_pipeline.measures.reporting import REPORTED_MEASURES
from esrd_pipeline.parameters.reasons import describe_reason, describe_rows
from esrd_pipeline.private import make_private_folder, write_private
from esrd_pipeline.program.qip_rule_sets import describe_stored
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import access, explain, facility, measured, program, report
from esrd_pipeline.tables.discharges import DISCHARGE_MEASURES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.patient_months import MONTHLY_MEASURES, YEARLY_MEASURES
from esrd_pipeline.tables.survival import MEASURES as TIMES_MEASURES
from esrd_pipeline.warehouse import Warehouse


def summarise(settings: Settings, year: int) -> list[tuple[str, str, str]]:
    """Return lines of (item, number of facilities, result) from the stored tables."""
    warehouse = Warehouse(settings.warehouse_dir)
    lines = [*_summarise_intake(warehouse, year), *_summarise_measures(warehouse, year)]
    if not warehouse.has(program.QIP_TPS, year):
        return lines
    directory = warehouse.read(facility.DIRECTORY, year)
    lines.append(("facilities", f"{len(directory):,}", ""))
    tps = warehouse.read(program.QIP_TPS, year)
    lines += [("QIP rules", "", text) for text in describe_stored(tps)]
    scored = tps.loc[tps["tps"].notna()]
    if scored.empty:
        lines.append(("Total Performance Score", "0", _say_why(tps, "no_facility_of_qip")))
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
        lines.append(("stars", "0", _say_why(stars, "no_facility_of_dfc")))
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


def _say_why(rows: pd.DataFrame, reason_of_no_row: str) -> str:
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


def write_explanation(
    settings: Settings, *, kind: str, measure: str, ccn: str, year: int
) -> tuple[Path, list[Sequence[str]]]:
    """Write a stored explanation as CSV; return its path and the lines of its totals.

    The file and its folder are readable by their owner alone.

    Raises:
        LookupError: no patient was treated by or attributed to the facility in the year.
    """
    warehouse = Warehouse(settings.warehouse_dir)
    told, tell = _KINDS[kind]
    rows = warehouse.read(told, year)
    if rows.empty:
        raise LookupError(f"there are no rows of {ccn} in {year}: is the CCN right?")
    if "reason" in rows:
        rows = describe_reasons(rows)
    suffix = f"_{kind}" if kind in ("reported", "adjusters") else ""
    name = f"{measure}_{ccn}{suffix}.csv"
    path = make_private_folder(settings.explanations_dir, str(year)) / name
    with write_private(path) as file:
        rows.to_csv(file, index=False, lineterminator="\n")
    lines = tell(rows)
    if kind == "adjusters":
        return path, lines
    contract = warehouse.read(_find_contract(kind, measure), year)
    mine = contract[(contract["ccn"] == ccn) & (contract["measure"] == measure)]
    for row, text in zip(mine.to_dict("records"), describe_rows(mine), strict=True):
        result = f"{_name_value(row)} {row['value']:.4f}" if row["reportable"] else str(text)
        lines.append((str(row["program"]), result, *[""] * (len(lines[0]) - 2)))
    return path, lines


def _format_days(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [
        ("program", "reason", "patients", "days", "observed", "expected", "not counted")
    ]
    return lines + [
        (
            str(row["program"]),
            str(row["reason"]),
            f"{row['patients']:,}",
            f"{row['days']:,}",
            f"{row['observed']:,}",
            f"{row['expected']:,.4f}" if row["reason"] == "counted" else "",
            f"{row['uncounted']:,}",
        )
        for row in add_up(rows).to_dict("records")
    ]


def _format_months(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [("program", "reason", "patients", "months", "numerator")]
    return lines + [
        (
            str(row["program"]),
            str(row["reason"]),
            f"{row['patients']:,}",
            f"{row['months']:,}",
            f"{row['numerator']:,}" if row["reason"] == "counted" else "",
        )
        for row in add_up_months(rows).to_dict("records")
    ]


def _format_patients(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [("program", "reason", "patients", "numerator")]
    return lines + [
        (
            str(row["program"]),
            str(row["reason"]),
            f"{row['patients']:,}",
            f"{row['numerator']:,}" if row["reason"] == "counted" else "",
        )
        for row in add_up_patients(rows).to_dict("records")
    ]


def _format_discharges(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [
        ("program", "reason", "patients", "discharges", "observed", "expected")
    ]
    return lines + [
        (
            str(row["program"]),
            str(row["reason"]),
            f"{row['patients']:,}",
            f"{row['discharges']:,}",
            f"{row['observed']:,}" if row["reason"] == "counted" else "",
            f"{row['expected']:,.4f}" if row["reason"] == "counted" else "",
        )
        for row in add_up_discharges(rows).to_dict("records")
    ]


def _format_reports(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [
        ("program", "item", "reason", "detail", "numerator", "denominator")
    ]
    told = add_up_reports(rows).fillna({"detail": "", "reason": ""})
    return lines + [
        (
            str(row["program"]),
            str(row["item"]),
            str(row["reason"]),
            str(row["detail"]),
            *("" if pd.isna(row[n]) else f"{row[n]:,.7g}" for n in ("numerator", "denominator")),
        )
        for row in told.to_dict("records")
    ]


def _format_adjusters(rows: pd.DataFrame) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [("program", "adjuster", "patients", "mean", "coefficient")]
    return lines + [
        (
            str(row["program"]),
            str(row["term"]),
            f"{row['patients']:,}",
            f"{row['mean']:.4g}",
            "" if pd.isna(row["coefficient"]) else f"{row['coefficient']:.4f}",
        )
        for row in add_up_adjusters(rows).to_dict("records")
    ]


def _find_contract(kind: str, measure: str) -> Table:
    if measure in measured.MODELLED:
        return measured.MODELLED[measure].facility
    return measured.MONTHLY if kind == "patient_months" else measured.REPORTING


def _name_value(row: dict[Hashable, Any]) -> str:
    """Name the value: ratio, in the QIP rate where the measure is one, or else value."""
    if pd.isna(row["rate"]):
        return "value"
    return "ratio" if row["program"] == "dfc" else "rate"


_KINDS: dict[str, tuple[Table, Callable[[pd.DataFrame], list[Sequence[str]]]]] = {
    "recurrent_events": (explain.RECURRENT_EVENTS, _format_days),
    "adjusters": (explain.ADJUSTERS, _format_adjusters),
    "patient_months": (explain.PATIENT_MONTHS, _format_months),
    "yearly": (explain.YEARLY, _format_patients),
    "reported": (explain.REPORTED, _format_reports),
    "discharges": (explain.DISCHARGES, _format_discharges),
    "access": (explain.ACCESS, _format_months),
    "survival": (explain.SURVIVAL, _format_days),
}
"""By kind: the explanation's table and the function that formats it."""


def list_kinds(measure: str) -> list[str]:
    """Return the explanations a measure has: of its patients, of its reports, or of both."""
    kinds = {
        "patient_months": MONTHLY_MEASURES,
        "yearly": YEARLY_MEASURES,
        "reported": REPORTED_MEASURES,
        "discharges": DISCHARGE_MEASURES,
        "access": access.MEASURES,
        "survival": TIMES_MEASURES,
    }
    own = [kind for kind, measures in kinds.items() if measure in measures] or ["recurrent_events"]
    return [*own, "adjusters"] if measure in measured.MODELLED else own
