"""Timings and peak memory at national size: run as a module, never part of the tests."""
