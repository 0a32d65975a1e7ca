"""The CMS ESRD quality measures, computed from raw files: see README.md and docs/."""

import gc
import os

# Imports and definitions create hundreds of thousands of permanent objects: garbage collection at
# Python's default frequency costs a quarter of loading the definitions, a tenth of a refresh.
gc.set_threshold(200_000, 50, 100)

# One thread for NumPy's matrices, most of which are small: threads that wait for one another take
# ten times the processor's time where another process computes too, and the last digits of a sum
# depend on their number. Read when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
