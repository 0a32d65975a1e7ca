"""Reports on facilities, Networks and the nation, made from the tables of all other layers.

Each module makes the rows of one table; no measure, score or star is computed here.
"""
