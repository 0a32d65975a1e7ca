"""Asset of the patients whom the measures leave out."""

from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import make_multi_asset

_EXCLUSION = make_select_asset(
    "report.exclusion",
    description="How many patients of each facility each measure leaves out, by reason.",
)

# A step of its own: it is made from patients, and stops nothing.
ASSETS = (make_multi_asset("exclusion", (_EXCLUSION,)),)
