"""What a reader has to say about a file that it read: nothing of it is a reason to stop."""

from dataclasses import dataclass, field

from esrd_pipeline.sources.errors import Fault

MOST_NAMES = 20
MOST_TOLD = 3


@dataclass(slots=True)
class FileNotes:
    """Columns that were not read or not there, and cells that are not as they should be.

    `unread` are columns of the file that no table takes, `lacking` columns that nothing needs and
    the file does not have, `measures` those that the file has no column of, `left_out` cells of
    columns that nothing needs, which break a rule and are stored without a value, and `damaged`
    counts by column the texts with a lost letter, which are kept. `meanings` are footnotes that the
    year's list explains otherwise than we do, `files` those of a set that are not there, and `odd`
    the few rows whose columns contradict each other.
    """

    unread: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)
    damaged: dict[str, int] = field(default_factory=dict)
    meanings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    odd: list[Fault] = field(default_factory=list)

    def as_metadata(self) -> dict[str, str | int]:
        """Return the notes as metadata; only those there are."""
        notes: dict[str, str | int] = {}
        if self.unread:
            notes["columns not read"] = _list(self.unread)
        if self.lacking:
            notes["columns the file lacks"] = _list(self.lacking)
        if self.measures:
            notes["measures the file lacks"] = _list(self.measures)
        if self.files:
            notes["files by measure that are not there"] = _list(self.files)
        if self.meanings:
            notes["footnotes of another meaning"] = _list(self.meanings)
        if self.odd:
            notes["rows that contradict themselves"] = "; ".join(map(str, self.odd[:MOST_NAMES]))
        if self.left_out:
            notes["cells left out"] = sum(len(fault.rows) for fault in self.left_out)
            notes["first cells left out"] = "; ".join(map(str, self.left_out[:MOST_NAMES]))
        if self.damaged:
            notes["damaged texts kept"] = sum(self.damaged.values())
            notes["columns with damaged texts"] = ", ".join(
                f"{column} ({count:,})" for column, count in self.damaged.items()
            )
        return notes

    def as_warning(self) -> str | None:
        """Return one sentence of what an operator should look at; None if there is nothing."""
        parts = []
        if self.measures:
            parts.append(f"the file has no column of {_list(self.measures)}")
        if self.files:
            parts.append(f"no file of {_list(self.files)}")
        if self.meanings:
            parts.append(f"the year's list has another meaning of {_list(self.meanings)}")
        if self.odd:
            parts.append(f"rows contradict themselves: {'; '.join(map(str, self.odd[:MOST_TOLD]))}")
        if self.left_out:
            count = sum(len(fault.rows) for fault in self.left_out)
            parts.append(f"{count:,} cells of columns that nothing needs could not be read")
        if self.damaged:
            count = sum(self.damaged.values())
            parts.append(f"{count:,} texts with a damaged letter were kept")
        return "; ".join(parts) or None


def _list(names: list[str]) -> str:
    once = list(dict.fromkeys(names))
    shown = ", ".join(once[:MOST_NAMES])
    return f"{shown} and {len(once) - MOST_NAMES} more" if len(once) > MOST_NAMES else shown
