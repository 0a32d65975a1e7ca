"""Tests of the embedded default: the generator of published facility files."""
