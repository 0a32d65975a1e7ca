"""The state of a year's releases: what waits for its approval, what is out, what was replaced."""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

STATES = ("refused", "candidate", "released", "replaced")

QUARTER_RELEASE = Table(
    name="report.release",
    grain="one release of a quarter, or the candidate for it",
    source="the ledger of the year's releases, and their folders",
    key=("quarter", "name"),
    is_compared=False,
    columns=(
        Column("quarter", "text", "Calendar quarter, e.g. 2026Q3", required=True),
        Column("name", "text", "Name of the release, and of its folder", required=True),
        YEAR,
        Column(
            "state",
            "text",
            "refused by the gate, candidate, released, or replaced by a correction",
            required=True,
            allowed=STATES,
        ),
        Column("data_cutoff", "date", "Files released by this day were read", required=True),
        Column("made_by", "text", "Who asked for it", required=True),
        Column("made_account", "text", "Account they are known by", required=True),
        Column("made_at", "text", "When, in UTC", required=True),
        Column("approved_by", "text", "Who approved it"),
        Column("approved_account", "text", "Account they are known by"),
        Column("approved_at", "text", "When, in UTC"),
        Column("told_by", "text", "What told the two apart", allowed=("accounts", "names")),
        Column("digest", "text", "SHA-256 of its list of digests; null where nothing was made"),
        Column("replaces", "text", "Release that it corrects"),
        Column("replaced_by", "text", "Correction that took its place"),
        Column("why", "text", "Why it was corrected; where it was refused, what the gate found"),
        Column(
            "fault_count",
            "integer",
            "Files that differ, are missing or were added",
            required=True,
            minimum=0,
        ),
        Column("faults", "text", "These files; null without any"),
    ),
    rules=(
        Rule(
            "what is out was approved",
            "(state IN ('released', 'replaced')) = (approved_by IS NOT NULL)",
        ),
        Rule("two people", "approved_by <> made_by"),
        Rule("what was made has a digest", "(state = 'refused') = (digest IS NULL)"),
        Rule("what was replaced says by what", "(state = 'replaced') = (replaced_by IS NOT NULL)"),
        Rule("a refusal or correction says why", "replaces IS NULL OR why IS NOT NULL"),
    ),
)

TABLES = (QUARTER_RELEASE,)
