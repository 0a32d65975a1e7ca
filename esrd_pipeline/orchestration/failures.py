"""A step's failure as the UI shows it: a sentence, where it is, and what to do about it.

Dagster shows a `dg.Failure` by its description and metadata, every other error by its stack frames.
Only an error that this package raises for a person becomes one; an error in the code keeps its
frames.
"""

import errno
from collections.abc import Iterable, Sequence
from types import MappingProxyType

import dagster as dg

from esrd_pipeline.sources.errors import MOST_FAULTS, SourceError
from esrd_pipeline.tables.matching import BENEFICIARY
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.report import INTAKE

PACKAGE = "esrd_pipeline."
RUNBOOK = "docs/runbook.md"
SECTIONS = MappingProxyType(
    {
        "SourceError": "a-file-is-refused",
        "IntakeError": "a-year-is-not-taken-in",
        "MissingPartitionError": "a-table-is-missing",
        "OutdatedPartitionError": "a-table-is-outdated",
        "PartitionBusyError": "another-run-writes-the-same-table",
        "NotEnoughMemoryError": "memory-or-disk-runs-out",
        "FitError": "a-model-cannot-be-fitted",
        "CohortError": "a-model-cannot-be-fitted",
        "OtherOriginError": "files-of-another-origin",
        "SchemaError": "a-table-breaks-its-definition",
        "EngineError": "the-engine-cannot-be-used",
        "SettingError": "the-engine-cannot-be-used",
        "StoreError": "the-object-store-does-not-answer",
        "LookupError": "a-name-is-unknown",
    }
)
"""The section of the runbook for each error, by its class's name: most are imported late."""
EXPECTATIONS_SECTION = "a-table-breaks-its-definition"
INTAKE_SECTION = SECTIONS["IntakeError"]
_JUDGES_OF_FILES = frozenset({INTAKE, BENEFICIARY})
"""Tables whose rules are broken by raw files that, taken together, cannot be a year."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Of a full disk, or a full share of one: Arrow and Python say so where they write a table."""
REQUEST_SECTION = "a-request-is-refused"
"""Of what a job was asked for: a day, an area, a star baseline, a release."""
WHAT_TO_DO = "what to do"


def find_section(error: BaseException) -> str | None:
    """Return the section of the runbook for an error a person can mend, or None."""
    kinds = [kind for kind in type(error).__mro__ if kind.__module__.startswith(PACKAGE)]
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return SECTIONS["NotEnoughMemoryError"]
    if type(error) is LookupError:
        # Raised for a name that the tables of parameters do not have; its subclasses are Python's.
        kinds = [LookupError]
    return next((SECTIONS[kind.__name__] for kind in kinds if kind.__name__ in SECTIONS), None)


def as_failure(error: Exception, tables: Sequence[Table]) -> dg.Failure | None:
    """Return the failure of a step for an error a person can mend, or None for one in the code."""
    if isinstance(error, dg.Failure):
        # A table's own failure names its section; every other one is of what the job was asked for.
        metadata = _place(tables, REQUEST_SECTION) | dict(error.metadata)
        return dg.Failure(error.description, metadata=metadata, allow_retries=False)
    section = find_section(error)
    if section is None:
        return None
    metadata = {"kind": dg.MetadataValue.text(type(error).__name__), **_place(tables, section)}
    if isinstance(error, SourceError):
        metadata |= _describe_faults(error)
    return dg.Failure(str(error), metadata=metadata, allow_retries=False)


def find_broken_section(tables: Sequence[Table]) -> str:
    """Return the section of the runbook for tables one of which breaks its expectations."""
    return EXPECTATIONS_SECTION if _JUDGES_OF_FILES.isdisjoint(tables) else INTAKE_SECTION


def name_section(section: str) -> dict[str, dg.MetadataValue]:
    """Return the metadata that leads from a failure to its section of the runbook."""
    return {WHAT_TO_DO: dg.MetadataValue.text(f"{RUNBOOK}#{section}")}


def list_sections(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """Return the sections of the runbook that failed steps name, each once."""
    raised = [event.step_failure_data.user_failure_data for event in events]
    named = [one.metadata[WHAT_TO_DO].value for one in raised if one and WHAT_TO_DO in one.metadata]
    return list(dict.fromkeys(map(str, named)))


def _place(tables: Sequence[Table], section: str) -> dict[str, dg.MetadataValue]:
    names = ", ".join(table.name for table in tables)
    return {"table": dg.MetadataValue.text(names), **name_section(section)}


def _describe_faults(error: SourceError) -> dict[str, dg.MetadataValue]:
    """Return file, row, column and rule: of the first fault, and of all in a table."""
    metadata: dict[str, dg.MetadataValue] = {
        "file": dg.MetadataValue.text(error.file),
        "rule": dg.MetadataValue.text(error.rule),
    }
    if error.row is not None:
        metadata["row"] = dg.MetadataValue.int(error.row)
    if error.column is not None:
        metadata["column"] = dg.MetadataValue.text(error.column)
    if len(error.faults) > 1:
        metadata["faults"] = dg.MetadataValue.int(len(error.faults))
        metadata["all faults"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "row": fault.rows[0] if fault.rows else 0,
                        "column": fault.column or "",
                        "rule": fault.rule,
                        "rows": fault.count or len(fault.rows),
                    }
                )
                for fault in error.faults[: MOST_FAULTS * 10]
            ]
        )
    return metadata


def format_failure(event: dg.DagsterEvent) -> str:
    """Return the error that a failed step's computation raised, without Dagster's error around it.

    The error it was raised from is left out: its own message covers it.
    """
    failure = event.step_failure_data
    raised_by_us = failure.user_failure_data
    if raised_by_us is not None and "table" in raised_by_us.metadata:
        kind = raised_by_us.metadata.get("kind")
        sentence = f"{kind.value if kind else 'Failure'}: {raised_by_us.description}"
        return f"{raised_by_us.metadata['table'].value}: {sentence}"
    raised = failure.error.cause or failure.error if failure.error else None
    return short_message(raised.message if raised else "no message", event.step_key)


def format_error(error: BaseException, tables: Sequence[Table]) -> str:
    """Return what `format_failure` returns of the event of this error."""
    failure = as_failure(error, tables) if isinstance(error, Exception) else None
    kind = "Failure" if isinstance(error, dg.Failure) else type(error).__name__
    sentence = failure.description if failure is not None else str(error)
    return f"{', '.join(table.name for table in tables)}: {kind}: {sentence}"


def short_message(message: str, step: str | None) -> str:
    """Format an error for people: `raw.dfc_facility: SourceError: ...`.

    First come the tables being made, which Python appends as a note, or the step where there is no
    such note. The module that defines the error is left out.
    """
    text, _, tables = message.strip().rpartition("\nwhile making ")
    place = tables if text else step
    kind, separator, sentence = (text or tables).partition(": ")
    return f"{place}: {kind.rpartition('.')[2]}{separator}{sentence}"
