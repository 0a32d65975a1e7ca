"""The synthetic nation: raw files of EQRS, Medicare and the registers, with known ground truth.

The unit of generation is a market: about ten neighbouring facilities with their patients. Each
market has its own random streams, so that the result does not depend on the number of workers.
"""
