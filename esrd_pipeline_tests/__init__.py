"""Tests of esrd_pipeline; the folders mirror its rooms."""
