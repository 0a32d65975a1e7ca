"""What if: the scoring of a payment year on rows that are not the stored ones.

A scenario is a small overlay of rows on the stored contract, standards or rules. It is scored by
the code that scores the year; nothing is stored. Every question about one facility is asked of
copies of it that differ in one number, because scoring takes all facilities at once.
"""
