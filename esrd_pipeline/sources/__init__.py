"""Readers of the facility files that CMS publishes.

Each reader takes one file and returns one typed table or raises one clear error. The families
interpret the published values.
"""
