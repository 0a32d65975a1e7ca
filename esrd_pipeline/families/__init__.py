"""Families of models, each of which turns cohorts into rows of the facility contract.

`program` computes flags, scores and stars from the contract.
"""
