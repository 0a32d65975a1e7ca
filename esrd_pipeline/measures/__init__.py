"""Definitions of the measures as frozen values that follow the manual's chapters."""
