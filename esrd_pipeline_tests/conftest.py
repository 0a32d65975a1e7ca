"""What holds for every test."""

import os

# Two workers share two cores: a second BLAS thread in each would only stand in the other's way.
# Read when NumPy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
