"""Tests of the program package."""
