"""The assets that compare sources: of a patient's events, and of a facility month by month."""

from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import make_multi_asset

ASSETS = (
    # A step of its own: no measure waits for it.
    make_multi_asset(
        "source_agreement",
        (
            make_select_asset(
                "history.source_event",
                description="Deaths, transplants and first services of the year, with the facility"
                " each belongs to and the sources that have it.",
            ),
            make_select_asset(
                "report.source_agreement",
                description="Patients, sessions, Kt/V, vascular access, deaths, transplants and"
                " first services of each facility and month: in EQRS, in Medicare's claims, in"
                " both, and in which of them they say the same. NHSN tells whether the facility"
                " reported.",
            ),
        ),
    ),
)
