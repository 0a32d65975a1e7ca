"""Worked patients: small tables in, rows out, one rule a test."""
