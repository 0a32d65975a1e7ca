"""All assets, module by module in the order data flows."""

from esrd_pipeline.orchestration import (
    access_assets,
    activity_assets,
    adjusters_assets,
    discharges_assets,
    emergency_assets,
    emergency_effect_assets,
    facility_assets,
    measure_assets,
    monitor_assets,
    network_input_assets,
    patient_assets,
    patient_months_assets,
    program_assets,
    raw_assets,
    report_assets,
    standing_assets,
)
from esrd_pipeline.orchestration.table_asset import keep_derived

ASSETS = [
    *raw_assets.ASSETS,
    *patient_assets.ASSETS,
    *network_input_assets.ASSETS,
    *facility_assets.ASSETS,
    *measure_assets.ASSETS,
    *discharges_assets.ASSETS,
    *patient_months_assets.ASSETS,
    *access_assets.ASSETS,
    *adjusters_assets.ASSETS,
    *program_assets.ASSETS,
    *monitor_assets.ASSETS,
    *activity_assets.ASSETS,
    *standing_assets.ASSETS,
    *report_assets.ASSETS,
    *emergency_assets.ASSETS,
    *emergency_effect_assets.ASSETS,
]

# The next process of this state of the files, as each run that the UI launches, loads faster.
keep_derived()
