"""The findings of checks, and their severity."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One result of a check: an error stops the run, a warning may make a score wrong, a note states a fact."""

    level: Level
    place: str
    text: str


@dataclass
class Findings:
    """All findings of the checks of a configuration, in order."""

    items: list[Finding] = field(default_factory=list)

    def error(self, place: str, text: str) -> None:
        """Add a problem that would stop the run."""
        self.items.append(Finding("error", place, text))

    def warning(self, place: str, text: str) -> None:
        """Add a problem that may make a score wrong."""
        self.items.append(Finding("warning", place, text))

    def note(self, place: str, text: str) -> None:
        """Add a fact."""
        self.items.append(Finding("note", place, text))

    def __iter__(self) -> Iterator[Finding]:
        """Errors first, then warnings, then notes."""
        order = ("error", "warning", "note")
        return iter(sorted(self.items, key=lambda finding: order.index(finding.level)))

    @property
    def errors(self) -> int:
        """The number of errors."""
        return sum(finding.level == "error" for finding in self.items)
