"""Seeded manglings of a good nation's patient-level files, and what the door makes of each.

    python -m esrd_pipeline_tests.manglings [--count 1000] [--seed 1] [--only KIND]

A small nation of two years is stored once. Then one mangling at a time is put into its last year,
and the raw tables of the files it touches are made again by the functions of the real step, and
after them `report.intake`. Either the stored tables are the same, byte for byte, or a reader, an
expectation or the intake stops the year with a message that names the file or table, and never a
patient; what a stopped step had stored before is untouched.

Left out is what nothing could tell from good data: one plausible value in another's place (two
rows' cells exchanged, one column sorted by itself, an id that is another patient's, a diagnosis cut
to its category, amounts rounded, two columns with the same kind of content in each other's place,
names of people, places and firms that are spelled otherwise), and lines lost where no year lost
them differently: a file cut at a line's end by less than the intake's limit, or one of so few
rows that the intake judges no share of them.
"""
