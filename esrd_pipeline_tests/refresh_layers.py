"""Refresh years from raw files to histories in this process, as `esrd refresh` does.

python -m esrd_pipeline_tests.refresh_layers --years 2022 2023
"""

import argparse

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.settings import load_settings
from esrd_pipeline_tests.faults import LAYERS


def main() -> None:
    """Run the job for each year in order, and stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, nargs="+", required=True)
    options = parser.parse_args()
    prepare_dagster_home(load_settings().dagster_home)
    for year in options.years:
        try:
            run_job(defs, "refresh", year, tags={}, run_config={}, layers=LAYERS)
        except LaunchError as failed:
            raise SystemExit(str(failed)) from None


if __name__ == "__main__":
    main()
