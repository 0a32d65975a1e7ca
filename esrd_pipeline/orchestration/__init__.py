"""The Dagster layer over the other packages: assets, partitions, jobs, schedules, sensors."""

import warnings

import dagster as dg

# Partitioned asset checks are a preview in Dagster 1.13, and mapping a year to years before the
# first one is a beta: both are used knowingly, and the tests of this package would detect a change.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
