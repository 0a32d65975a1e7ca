"""Tests of what measures say of themselves."""
