"""All that `esrd refresh` imports, imported once: processes are forked from this one.

Imports are half of what a process of the command takes. None of them may start a thread, which a
fork would lose; no database is open and no folder chosen yet.
"""

import gc
import threading
import warnings
from pathlib import Path

import alembic.config
import great_expectations
import matplotlib.figure
import scipy.stats
from dagster._core.storage.event_log import sqlite

import esrd_pipeline.cli
import esrd_pipeline.definitions
from esrd_pipeline.orchestration import summary

IMPORTED = (alembic, great_expectations, matplotlib, scipy, sqlite, esrd_pipeline, summary)

warnings.simplefilter("ignore")  # as in the environment of the command's other processes
# Arrow's allocator has a thread, which it starts again in a fork.
THREADS = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
if len(THREADS) - THREADS.count("jemalloc_bg_thd") != 1 or threading.active_count() != 1:
    raise RuntimeError(f"nothing can be forked from a process with these threads: {THREADS}")
# What is permanent stays out of the collector's way, and shared.
gc.collect()
gc.freeze()
