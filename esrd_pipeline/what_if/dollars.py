"""Dollars of a payment reduction, with what they leave out.

With CMS's provider level impact file of an ESRD PPS rule they are a share of the payment it
estimates for the facility. Without it they are treatments of the year x the base rate.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from esrd_pipeline.tables.what_if import REDUCTION_DOLLARS
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.changes import ScenarioError

_CCN, _PAYMENT = "Provider ID", "Total Payment for Step "


@dataclass(frozen=True, slots=True)
class Payment:
    """A facility's payment of a year in dollars, before any reduction, and its label."""

    dollars: float
    label: str

    def reduce(self, percent: float) -> float:
        """Return what a payment reduction in percent takes."""
        return self.dollars * percent / 100


def read_impact(path: Path, ccn: str) -> Payment:
    """Read a facility's payment from an impact file saved as CSV: of its last step, the rule's own.

    Raises:
        ScenarioError: the file has not the columns, or no row of the facility, or no amount.
    """
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as no:
        raise ScenarioError(f"{path.name}: cannot be read as CSV: {no}") from no
    rows.columns = [" ".join(str(name).split()) for name in rows.columns]
    steps = [name for name in rows.columns if name.startswith(_PAYMENT) and name[-1].isdigit()]
    if _CCN not in rows.columns or not steps:
        raise ScenarioError(f"{path.name}: it needs the columns '{_CCN}' and '{_PAYMENT}1', 2 ...")
    column = max(steps, key=lambda name: int(name.removeprefix(_PAYMENT)))
    mine = rows.loc[rows[_CCN].str.strip().str.zfill(6) == ccn, column]
    if len(mine) != 1:
        raise ScenarioError(f"{path.name}: it has {len(mine)} rows of {ccn}, where one is needed")
    text = mine.iloc[0].replace(",", "").replace("$", "").strip()
    try:
        dollars = float(text)
    except ValueError:
        raise ScenarioError(
            f"{path.name}, row of {ccn}, column '{column}': '{text}' is no amount"
        ) from None
    return Payment(
        dollars,
        f"shares of the {dollars:,.0f} dollars that {path.name} estimates for the year of its rule"
        f" ({column}), without acute kidney injury and Medicare Advantage",
    )


def estimate_payment(warehouse: Warehouse, performance_year: int, ccn: str) -> Payment | None:
    """Return a facility's payment by `report.reduction_dollars`: treatments x the base rate.

    None where the year's table is not stored, or has no row of the facility.
    """
    if not warehouse.has(REDUCTION_DOLLARS, performance_year):
        return None
    rows = warehouse.read(REDUCTION_DOLLARS, performance_year, where={"ccn": ccn})
    if rows.empty:
        return None
    row = rows.iloc[0]
    treatments, rate = int(row["treatments"]), float(row["base_rate"])
    return Payment(
        treatments * rate,
        f"an upper-level estimate, shares of {treatments:,} hemodialysis treatments of"
        f" {performance_year}, of all payers, x {rate:,.2f} dollars, the base rate of"
        f" {row['rate_year']}, without case mix, wages, add-ons and peritoneal dialysis",
    )
