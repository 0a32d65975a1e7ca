"""The embedded default: published facility files that a fresh machine can start from.

What is here writes input files; whatever CMS would compute from them (scores, Total Performance
Scores, payment reductions, stars) is left to the pipeline.
"""
