"""Tests of explanations: worked facilities whose numbers a reader can multiply and add up."""
