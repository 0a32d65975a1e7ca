"""What is asked of a year's raw tables together: references, codes, dates, rows of the year before.

`questions` says what is asked, `counting` counts the answers with one SELECT a table, `judging`
holds them against the limits of parameters/intake_limit.csv.
"""
