"""Releases of a quarter: candidate, approval, correction, and what can be verified afterwards.

A candidate is made of stored tables that passed the gate. A second person approves it; then it is a
release: a folder that is not changed any more, with the digest of every file. The ledger of a year
(`ledger`) says who did what and when, and has the digest of every release.
"""
