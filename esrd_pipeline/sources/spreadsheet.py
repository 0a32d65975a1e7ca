"""Texts that a spreadsheet would take for a formula, made harmless in exported files.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is run as a formula when the
file is opened in a spreadsheet. An apostrophe in front makes it a text; `read_plain` takes exactly
that apostrophe away again. Numbers are not texts and stay as they are.
"""

import re

FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def make_harmless(text: str) -> str:
    """Return the text with an apostrophe in front, if a spreadsheet would run it.

    So that every text can be read back, one that has apostrophes there already gets one more.
    """
    return f"'{text}" if FORMULA.match(text) else text


def read_plain(text: str) -> str:
    """Return the text that `make_harmless` was given."""
    return text[1:] if _GUARDED.match(text) else text
