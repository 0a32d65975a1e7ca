"""The synthetic nation: raw files of EQRS, Medicare and the registers, with planted truth.

The unit of generation is a market, about ten neighbouring facilities with their patients. Each
market has random streams of its own, so that nothing depends on how the work is shared out.
"""
