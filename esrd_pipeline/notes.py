"""Names of the notes in the metadata of stored files, apart from what reads and writes them."""

MADE_BY = "esrd.made_by"
"""Note in a file's metadata: table -> its digests, `code parameters`, of every year read."""
MADE_FROM = "esrd.made_from"
"""The tables of the same year that it was made from, without what these were made from."""
RECORDS = ".made_of"
"""Folder of the warehouse with `<table>/<year>.json`: what each stored file was made of."""
