"""One facility's number explained: every patient, event, adjuster and exclusion, and their sums.

Read from stored tables alone: rows of the facility and of its patients, and stored fits. Nothing is
computed for the nation again. What is written names patients and is for the facility's authorised
reader (private.py).
"""
