"""Tests of what runs the SELECTs."""
