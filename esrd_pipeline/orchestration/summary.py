"""The short table of a year's results that ends a command."""

from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import facility, program
from esrd_pipeline.warehouse import Warehouse


def summarise(settings: Settings, year: int) -> list[tuple[str, str, str]]:
    """Lines of (what, how many facilities, result) from the stored tables."""
    warehouse = Warehouse(settings.warehouse_dir)
    directory = warehouse.read(facility.DIRECTORY, year)
    lines = [("facilities", f"{len(directory):,}", "")]
    tps = warehouse.read(program.QIP_TPS, year)
    scored = tps.loc[tps["tps"].notna()]
    if scored.empty:
        lines.append(("Total Performance Score", "0", str(tps["reason"].iloc[0])))
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
        lines.append(("stars", "0", str(stars["reason"].iloc[0])))
    else:
        counts = rated["rating"].astype(int).value_counts().sort_index()
        spread = "  ".join(
            f"{'★' * int(str(rating))} {count:,}" for rating, count in counts.items()
        )
        lines.append(("stars", f"{len(rated):,}", spread))
    flags = warehouse.read(program.FLAGS, year)
    for category in ("better", "worse"):
        flagged = int((flags["category"] == category).sum())
        lines.append((f"flags: {category} than expected", f"{flagged:,}", "facility-measures"))
    return lines
