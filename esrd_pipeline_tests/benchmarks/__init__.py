"""Benchmarks of time and memory at national size: run as a module, not part of the tests."""
