"""Tests of the SQL transformations on worked patients: small input tables, expected rows."""
