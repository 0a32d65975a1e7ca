"""Tests of the families package."""
