"""Assets of where facilities stand in their Network's activities, and of change packages."""

from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import make_multi_asset

ASSETS = (
    make_multi_asset(
        "network_standing",
        (
            make_select_asset(
                "network.enrolment_standing",
                description="Where each facility of an activity stands at the year's end: value"
                " beside goal, graduated or left, contacts, level of escalation, mentors.",
            ),
            make_select_asset(
                "network.activity_standing",
                description="Each activity with its facilities counted: in it, graduated, left, at"
                " the goal, escalated, mentored.",
            ),
            make_select_asset(
                "network.goal_standing",
                description="Each Network's goals of the year beside its indicators.",
            ),
        ),
    ),
    # A step of its own: it needs no patient-level file.
    make_multi_asset(
        "change_package",
        (
            make_select_asset(
                "network.change_package",
                description="The ideas of each priority's change package, and whether the facility"
                " they come from is a high performer this year.",
            ),
        ),
    ),
)
