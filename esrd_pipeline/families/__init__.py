"""From frames to measures: each family brings its measures into the facility contract.

Flags, scores and stars are made of the contract by `program`, not here.
"""
