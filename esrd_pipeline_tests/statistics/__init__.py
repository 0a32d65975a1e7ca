"""Tests of the package `statistics`."""
