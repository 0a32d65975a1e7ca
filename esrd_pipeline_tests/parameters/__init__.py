"""Tests of the parameter files."""
