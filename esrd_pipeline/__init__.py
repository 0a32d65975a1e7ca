"""The CMS ESRD quality measures, computed from raw files: see README.md and docs/."""

import gc

# Imports and definitions create hundreds of thousands of permanent objects: garbage collection at
# Python's default frequency costs a quarter of loading the definitions, a tenth of a refresh.
gc.set_threshold(200_000, 50, 100)
