"""A failure names the section of the runbook that says what to do about it."""

import errno
import re
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.orchestration.failures import (
    EXPECTATIONS_SECTION,
    INTAKE_SECTION,
    REQUEST_SECTION,
    SECTIONS,
    WHAT_TO_DO,
    as_failure,
    find_broken_section,
    name_section,
)
from esrd_pipeline.tables.emergency import EFFECT
from esrd_pipeline.tables.matching import BENEFICIARY
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.report import INTAKE

_RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


def test_every_section_is_a_heading_of_the_runbook() -> None:
    headings = re.findall(r"^## (.+)$", _RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    # As GitHub makes anchors of them.
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert {*SECTIONS.values(), EXPECTATIONS_SECTION, REQUEST_SECTION} <= anchors


@pytest.mark.parametrize(
    ("table", "section"),
    [
        # Incomplete files break the intake's rules; that is no error in the code.
        (INTAKE, INTAKE_SECTION),
        (BENEFICIARY, INTAKE_SECTION),
        (EFFECT, EXPECTATIONS_SECTION),
    ],
)
def test_a_table_that_breaks_its_rules_leads_to_files_or_to_the_code(
    table: Table, section: str
) -> None:
    broken = dg.Failure("broken", metadata=name_section(find_broken_section([table])))
    failure = as_failure(broken, [table])
    assert failure is not None
    assert failure.metadata[WHAT_TO_DO].value == f"docs/runbook.md#{section}"


def test_a_full_disk_is_no_error_in_the_code() -> None:
    full = as_failure(OSError(errno.ENOSPC, "Error writing bytes to file"), [EFFECT])
    assert full is not None
    assert full.metadata[WHAT_TO_DO].value == "docs/runbook.md#memory-or-disk-runs-out"
    assert as_failure(OSError(errno.EBADF, "Bad file descriptor"), [EFFECT]) is None


def test_a_request_that_is_refused_is_no_broken_table() -> None:
    failure = as_failure(dg.Failure("day: 2023-01-01 is not in the partition 2024"), [EFFECT])
    assert failure is not None
    assert failure.metadata[WHAT_TO_DO].value == "docs/runbook.md#a-request-is-refused"
