"""Tests of the releases package."""
