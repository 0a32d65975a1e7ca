"""What moved the results of facilities between two years, or two releases of one."""

from esrd_pipeline.tables.facility import CCN, MEASURE, OF_FEW, PROGRAM, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

BASES = ("year", "release")
KINDS = ("value", "flag", "score", "tps", "reduction", "star")
_OF_FEW = ("patients_before", "patients_after", *OF_FEW)


def _number(name: str, description: str) -> Column:
    return Column(name, "number", description, suppressed_with=_OF_FEW)


def _moved(name: str, description: str) -> Column:
    return Column(f"moved_{name}", "boolean", f"{description}; null where that is not known")


CHANGE = Table(
    name="report.change",
    grain="one result of a facility that is not what it was before",
    source="facility.contract and the program tables of both; the notes in their files, which tell"
    " what made them",
    key=("basis", "program", "measure", "kind", "ccn"),
    is_compared=False,
    columns=(
        Column(
            "basis",
            "text",
            "What is compared with: the year before, or the newest release of the year",
            required=True,
            allowed=BASES,
        ),
        CCN,
        YEAR,
        PROGRAM,
        MEASURE,
        Column("kind", "text", "Kind of result", required=True, allowed=KINDS),
        _number("before", "Result before; of a flag 1 better, 0 as, -1 worse"),
        _number("after", "Result now"),
        Column("before_text", "text", "Category, or reason for no result, before"),
        Column("after_text", "text", "Category, or reason for no result, now"),
        _number("change", "After minus before"),
        _number("size", "Size of the change in standard deviations of today's facilities"),
        Column(
            "rank",
            "integer",
            "Place among the changes of this result, largest first; null without a change",
            minimum=1,
            suppressed_with=_OF_FEW,
        ),
        *(
            Column(
                f"patients_{when}",
                "number",
                f"Patients {text}",
                minimum=0,
                counts="patients",
                suppressed_with=_OF_FEW,
            )
            for when, text in (("before", "before"), ("after", "now"))
        ),
        *(
            _number(f"{part}_{when}", f"{part.capitalize()} {text}")
            for part in ("numerator", "denominator")
            for when, text in (("before", "before"), ("after", "now"))
        ),
        _number("by_numerator", "Part of a value's change that the numerator made"),
        _number("by_denominator", "Part of it that the denominator made"),
        _moved("cohort", "Whether numerator, denominator or patients are others"),
        _moved("data", "Whether the files read are others"),
        _moved("parameters", "Whether standards, levels, rule sets or parameter files are others"),
        _moved("code", "Whether the code that made it is other"),
    ),
    rules=(
        Rule(
            "something is not what it was",
            "before IS DISTINCT FROM after OR before_text IS DISTINCT FROM after_text",
        ),
        Rule(
            "the parts of a change add up to it",
            "abs(by_numerator + by_denominator - change) <= 1e-6 * (1 + abs(change))",
        ),
        Rule("a change has a rank", "(change IS NULL) = (rank IS NULL)"),
    ),
)

TABLES = (CHANGE,)
