"""Columns of a stored fit: one long table, as easy to read in R as in Python."""

from esrd_pipeline.tables.facility import MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.model import Column

ELEMENTS = (
    "coefficient",
    "model_covariance",
    "robust_covariance",
    "baseline",
    "facility_effect",
    "hospital_effect",
    "null",
    "distribution",
    "group",
    "summary",
    "dropped",
)

FIT_COLUMNS: tuple[Column, ...] = (
    YEAR,
    PROGRAM,
    MEASURE,
    Column("stage", "integer", "Stage of the model, from 1", required=True, minimum=1, maximum=3),
    Column(
        "element",
        "text",
        "coefficient of a term; covariance of two, lower triangle row by row; baseline by"
        " interval, or cumulative hazard by day; effect of a facility or hospital, log-odds; null"
        " by stratum of size; distribution of x'b in bins; group: one random group's coefficients,"
        " working correlation and dispersion; summary of convergence; dropped: how many rows,"
        " facilities or columns were not used, by rule",
        required=True,
        allowed=ELEMENTS,
    ),
    Column("position", "integer", "Order within stage and element", required=True, minimum=0),
    Column("term", "text", "Column of the cohort, statistic, rule or CCN", required=True),
    Column(
        "at",
        "number",
        "Day of a hazard's step; largest size of a null's stratum, none in the last; centre of a"
        " bin of x'b; number of a random group, from 1",
    ),
    Column("estimate", "number", "Estimate, count or statistic"),
    Column("standard_error", "number", "Standard error: robust where there is one", minimum=0),
    Column("note", "text", "Names of what was dropped; why an effect is not a plain estimate"),
)
FIT_KEY = ("program", "measure", "stage", "element", "position")

CROSS_CHECK_COLUMNS: tuple[Column, ...] = (
    YEAR,
    PROGRAM,
    MEASURE,
    Column("term", "text", "Column of the model", required=True),
    Column("estimate", "number", "Ours, on the sample", required=True),
    Column("other_estimate", "number", "The library's, on the same sample", required=True),
    Column(
        "standard_error", "number", "Ours: the model's; a GEE's is robust", required=True, minimum=0
    ),
    Column("other_standard_error", "number", "The library's", required=True, minimum=0),
    Column("library", "text", "Library of the cross-check", required=True),
    Column("facility_count", "integer", "Facilities in the sample", required=True, minimum=1),
)
