"""Assets of what a Network keeps itself: its activities, and what it needs in an emergency."""

from pathlib import Path

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.extract_steps import make_raw_assets
from esrd_pipeline.orchestration.table_asset import make_steps
from esrd_pipeline.tables.network_inputs import INPUTS, NETWORK_EXTRACT


def _find_folder(step: StepContext) -> Path:
    return step.settings.network_dir


def _prepare(step: StepContext) -> None:
    """Write the embedded default's files where they are missing, and check what no reader can.

    That is that every file has the layout's columns, and no other.
    """
    if step.settings.origin == "embedded" and step.settings.own_network_dir is None:
        from esrd_pipeline.synthetic.nation.network_files import write_embedded_network

        write_embedded_network(_find_folder(step))
    from esrd_pipeline.sources.network_layout import check_layouts

    check_layouts(_find_folder(step), step.cutoff)


ASSETS = make_steps(
    make_raw_assets(
        NETWORK_EXTRACT,
        INPUTS,
        _find_folder,
        _prepare,
        "The files of the Network's own folder, with their digests. Without a file its table has no"
        " rows.",
    )
)
