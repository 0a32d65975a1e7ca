"""Forms of codes and numbers in raw tables: how a value is written, whatever its file wrote.

Spreadsheets take zeros from the front of codes, exports put points and dashes into them. A file's
value is stored in its column's form, or refused.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """The normal form of a text column.

    A value is stored in capitals without the characters `removed`. One of `least` digits or more
    that is shorter than `width` gets the zeros back that it lost; `.0` at its end, by which a code
    was read as a number, goes first. A code that may also have `longer` digits can have lost as
    many zeros of them. What then does not match the regular expression `pattern` as a
    whole is refused. Of identifiers of which linkage judges each one and keeps the reason, only
    those are that stand in quotes or hold signs no identifier has; what does not match `usual` is
    shown by `report.intake`.

    `kept` matches values that are stored as they stand: nearly all, so that looking at them once is
    enough. Whatever it matches meets the rest; what it does not match may meet it, too.
    """

    name: str
    kept: str
    removed: str = ""
    width: int | None = None
    least: int = 1
    pattern: str | None = None
    usual: str | None = None
    longer: int | None = None


NO_VALUE = ("NULL", "NA", "N/A", "#N/A", "<NA>", "NAN", "NAT", "NONE", ".")
"""How tools write that there is no value: never a code."""
_PLAIN = r"[ !#-&(-_a-~]*"
"""Without quotes, signs that are not seen and letters that no code has."""
# ICD-10-CM, or ICD-9-CM, whose codes are digits or begin with E or V. Not 5E100, which is what a
# spreadsheet makes of a number.
DIAGNOSIS = Form(
    "a diagnosis code of 3 to 7 letters and digits",
    "[A-Z][0-9][A-Z0-9]{1,5}",
    ".",
    pattern="[A-Z][0-9][A-Z0-9]{1,5}|[0-9]{3,5}",
)
# ICD-10-PCS, or ICD-9-CM.
PROCEDURE = Form(
    "a procedure code of 7 letters and digits, or of 3 or 4 digits",
    "[A-Z0-9]{7}",
    ".",
    pattern="[A-Z0-9]{7}|[0-9]{3,4}",
)
# Five, but for the made-up M55 of the sample files of RIF. HIPPS codes are any five.
HCPCS = Form("a HCPCS code of letters and digits", "[A-Z0-9]{5}", width=5, pattern="[A-Z0-9]{3,5}")
CODE = Form("a code of letters, digits and signs", "[A-Z]?[0-9]+|[A-Z]", pattern=r"[!#-&(-,/-_-]*")
MODIFIER = Form(
    "a modifier of up to five letters or digits",
    "[A-Z0-9][0-9]|[A-MO-Z][A-Z]",
    pattern="[A-Z0-9]{1,5}",
)
ONE = Form("one letter or digit", "[A-Z0-9]", width=1, pattern="[A-Z0-9]")
TWO = Form("two letters or digits", "[0-9A-MO-Z][A-Z0-9]", width=2, pattern="[A-Z0-9]{2}")
REVENUE_CENTER = Form("a revenue center of four digits", "[0-9]{4}", width=4, pattern="[0-9]{4}")
# A CCN begins with the number of a state, 01 to 99: it can lose one zero.
CCN = Form(
    "a CCN of six letters and digits", "[A-Z0-9]{6}", "-", width=6, least=5, pattern="[A-Z0-9]{6}"
)
# Letters alone, such as TOTALS, are no facility's number.
FACILITY_CCN = Form(
    "a facility's CCN of six letters and digits",
    "[0-9]{6}",
    "-",
    width=6,
    least=5,
    pattern="[A-Z0-9]{2}[0-9]{3}[A-Z0-9]",
)
ANY_CCN = Form(
    "a CCN without quotes", "[A-Z0-9]{6}", "-", 6, 5, pattern=_PLAIN, usual="[A-Z0-9]{6}"
)
# Digits and letters in the order of CMS's own description of the MBI.
_MBI = "[1-9][A-Z][A-Z0-9][0-9][A-Z][A-Z0-9][0-9][A-Z]{2}[0-9]{2}"
MBI = Form(
    "an MBI without quotes",
    _MBI,
    "- ",
    pattern=_PLAIN,
    usual=_MBI,
)
HICN = Form("a HICN without quotes", "[0-9]{9}[A-Z][0-9]?", "- ", pattern=_PLAIN)
# The area of a Social Security number is 001 or more: it can lose two zeros.
SSN = Form(
    "a Social Security number without quotes",
    "[0-9]{9}",
    "- ",
    9,
    7,
    pattern=_PLAIN,
    usual="[0-9]{9}",
)
# The Postal Service's area is 005 or more: it can lose two zeros.
POSTAL_CODE = Form(
    "a postal code without quotes",
    "[0-9]{5}",
    width=5,
    least=3,
    pattern=_PLAIN,
    usual="[0-9]{5}(-?[0-9]{4})?",
    longer=9,
)
# USDA's file of 2010 writes ''00501''.
ZIP = Form("a ZIP code of five digits", "[0-9]{5}", "'", width=5, least=3, pattern="[0-9]{5}")
TWO_DIGITS = Form(
    "a code of two or more digits or letters",
    "[0-9][A-Z0-9]{1,2}",
    width=2,
    pattern="[A-Z0-9]{2,}",
)
THREE_DIGITS = Form("a code of three digits", "[0-9]{3}", width=3, pattern="[0-9]{3}")
REMOVAL = Form("a code of removal of digits or letters", "[0-9]+", pattern="[A-Z0-9]+")
FIPS_STATE = Form("a FIPS code of a state: two digits", "[0-9]{2}", width=2, pattern="[0-9]{2}")
FIPS_COUNTY = Form(
    "a FIPS code of a county: three digits, 000 for the whole state",
    "[0-9]{3}",
    width=3,
    pattern="[0-9]{3}",
)
STATE = Form("a state's two letters", "[A-MO-Z][A-Z]|N[B-Z]", pattern="[A-Z]{2}")
# A day and minute of which texts sort as times do.
MOMENT = Form(
    "a time in UTC, as 2024-09-26T18:30Z",
    "[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]Z",
    pattern="[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]Z",
)
