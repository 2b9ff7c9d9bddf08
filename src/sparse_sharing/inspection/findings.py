"""What a check has found, and how bad it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check has found: an error stops the run, a warning may spoil a score, a note says a fact."""

    level: Level
    place: str
    text: str


@dataclass
class Findings:
    """All that the checks of a configuration have found, in order."""

    items: list[Finding] = field(default_factory=list)

    def error(self, place: str, text: str) -> None:
        """Take down what would stop the run."""
        self.items.append(Finding("error", place, text))

    def warning(self, place: str, text: str) -> None:
        """Take down what may spoil a score."""
        self.items.append(Finding("warning", place, text))

    def note(self, place: str, text: str) -> None:
        """Take down a fact worth knowing."""
        self.items.append(Finding("note", place, text))

    def __iter__(self) -> Iterator[Finding]:
        """Errors first, then warnings, then notes."""
        order = ("error", "warning", "note")
        return iter(sorted(self.items, key=lambda finding: order.index(finding.level)))

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.level == "error" for finding in self.items)
