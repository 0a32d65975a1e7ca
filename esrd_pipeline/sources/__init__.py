"""Readers of the facility files CMS publishes: a file in, one typed table or one clear error out.

What the published values mean for a measure is the families' business, not this room's.
"""
