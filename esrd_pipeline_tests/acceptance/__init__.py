"""Tests against real published CMS files; each skips with its reason where the files are absent."""
