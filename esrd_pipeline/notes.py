"""Names of the notes in the metadata of stored files, apart from what reads and writes them."""

MADE_BY = "esrd.made_by"
"""Note in a file's metadata: table -> its digests, `code parameters`, of every year read."""
