"""The embedded default: synthetic published files, so that a fresh machine can start without data.

This package only writes input files; the pipeline computes what CMS would compute from them
(scores, Total Performance Scores, payment reductions, stars).
"""
