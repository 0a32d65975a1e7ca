"""Identifiers of beneficiaries and claims: SQL for the number that stands for one.

Research extracts identify a beneficiary by text (CHAR(15), encrypted), others by numbers of up to
64 bits without a sign; Medicare's synthetic files count below zero. What a number is made from is
the identifier alone, so that it is the same in every file, year and row order:

* a whole number of up to 18 digits is itself;
* a longer whole number of 64 bits, and a text of 15 or 16 letters and digits, case kept, is
  `TOP - d % SPAN`, where d is the first 16 hexadecimal digits of the identifier's MD5, as a number.

The numbers of the second kind lie where no number of the first kind does, and below those that
`linkage.beneficiary` makes for beneficiaries that EQRS does not know. Two of n identifiers have one
number with a probability of about n² / (2 SPAN): 1.3e-7 for a million beneficiaries, 2e-4 for forty
million claims. A table of which an identifier is the key is searched for such two.
"""

import pyarrow as pa

RULE = "is not a whole number of at most 64 bits, or an identifier of 15 or 16 letters and digits"
FLOAT_RULE = (
    "is not a whole number below 2^53 (2^24 of 32 bits), beyond which a float does not keep every"
    " number"
)
SHARED_RULE = "is an identifier of which another one has the same number"
ITSELF = "0|-?[1-9][0-9]{0,17}"
"""An identifier that is written as the number it has."""
TOP = -5_000_000_000_000_000_000
SPAN = 4_000_000_000_000_000_000

_LONGEST = 10**18 - 1
_EXACT = 2**53
# A tool that knows no missing whole number writes 12.0, and keeps no more than 15 digits of it.
_PLAIN = r"[+-]?0*([0-9]{1,18}|[0-9]{1,15}\.0+)"
_LONG = r"[+-]?0*[0-9]{19,20}"
# Without a point and a sign in it, and so long, a text with one E is no float that a tool writes.
_TEXT = "[A-Za-z0-9]{15,16}"
_BITS = "BETWEEN -9223372036854775808 AND 18446744073709551615"


def convert_identifier(text: str) -> str:
    """Return SQL for the number of an identifier that `find_broken` passed."""
    return (
        f"CASE WHEN regexp_full_match({text}, '{_PLAIN}')"
        f" THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT)"
        f" WHEN regexp_full_match({text}, '{_LONG}')"
        f" THEN {_digest(f'CAST(TRY_CAST({text} AS HUGEINT) AS VARCHAR)')}"
        f" WHEN regexp_full_match({text}, '{_TEXT}') THEN {_digest(text)} END"
    )


def find_exact(kind: pa.DataType) -> int:
    """Return the number below which floats of a type hold every whole number."""
    return {16: 2**11, 32: 2**24}.get(kind.bit_width, _EXACT)


def write_float(value: str, exact: int = _EXACT) -> str:
    """Return SQL for the text of a float, which is a whole number where it can be no other one.

    One of `exact` or more is written with a sign that no number has: 16777216.0 of 32 bits may have
    been 16777217.
    """
    # NaN passes the comparisons where the statistics of a Parquet file, rightly, leave it out
    # (duckdb/duckdb#25521), but not isfinite().
    return (
        f"CASE WHEN isfinite({value}) AND {value} = trunc({value}) AND abs({value}) < {exact}"
        f" THEN CAST(TRY_CAST({value} AS BIGINT) AS VARCHAR)"
        f" WHEN isfinite({value}) AND abs({value}) >= {exact} THEN CAST({value} AS VARCHAR) || '?'"
        f" ELSE CAST({value} AS VARCHAR) END"
    )


def find_lost(value: str, exact: int) -> str:
    """Return SQL that is true of a float that may stand for several whole numbers, or for none."""
    return f"NOT isfinite({value}) OR abs({value}) >= {exact}"


def convert_whole(value: str, kind: pa.DataType) -> str:
    """Return SQL for the number of an identifier in a Parquet column of whole numbers."""
    if kind.bit_width <= 32:  # noqa: PLR2004
        return value
    return (
        f"CASE WHEN {value} BETWEEN -{_LONGEST} AND {_LONGEST} THEN CAST({value} AS BIGINT)"
        f" ELSE {_digest(f'CAST({value} AS VARCHAR)')} END"
    )


def find_broken(text: str) -> str:
    """Return SQL that is true of a text that is no identifier."""
    return (
        f"{text} IS NOT NULL AND NOT (regexp_full_match({text}, '{_PLAIN}|{_TEXT}')"
        f" OR regexp_full_match({text}, '{_LONG}')"
        f" AND coalesce(TRY_CAST({text} AS HUGEINT) {_BITS}, FALSE))"
    )


def find_other(text: str) -> str:
    """Return SQL that is true of an identifier that is not written as the number it has."""
    return f"NOT regexp_full_match({text}, '{ITSELF}')"


def find_other_whole(value: str) -> str:
    """Return SQL that is true of a whole number that another number stands for."""
    return f"({value} NOT BETWEEN -{_LONGEST} AND {_LONGEST})"


def _digest(text: str) -> str:
    number = f"CAST('0x' || left(md5({text}), 16) AS UBIGINT)"
    return f"({TOP} - CAST({number} % CAST({SPAN} AS UBIGINT) AS BIGINT))"
