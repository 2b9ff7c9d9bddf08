"""Flaws of tags, collected while a text is read: all are counted, and the first few of each kind are kept."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sparse_sharing.errors import DataError

MOST_SHOWN = 5
"""How many places of one kind are named; the others are counted."""

Kind = Literal["missing", "foreign", "order"]
"""missing: no tag; foreign: not a span tag; order: a span tag that its scheme does not allow at its place."""


@dataclass(frozen=True)
class Flaw:
    """A tag that cannot be used: its place, the tag and its line in words, and what was expected."""

    path: Path
    line: int
    tag: str
    actual: str
    text: str
    expected: str
    remedy: str

    def error(self) -> DataError:
        """The flaw as an error, with what to do."""
        expected = f"{self.expected}; {self.remedy}" if self.remedy else self.expected
        return DataError.at(self.path, self.line, f"{self.actual} in {self.text}", expected)

    def __str__(self) -> str:
        # The rules of the scheme, after a colon, would be the same on each line.
        actual = repr(self.tag[:80]) if self.tag else self.actual
        return f"{self.path}:{self.line}: found {actual}, expected {self.expected.partition(': ')[0]}"


@dataclass
class Flaws:
    """The flaws of one split, by task and kind."""

    counts: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    foreign: dict[str, Counter[str]] = field(default_factory=dict)
    """By task, the tags that are not span tags."""
    first: dict[tuple[str, Kind], list[Flaw]] = field(default_factory=dict)

    def add(self, task: str, kind: Kind, flaw: Flaw, count: int = 1) -> None:
        """Count a flaw of `count` tags."""
        self.counts[task, kind] += count
        first_flaws = self.first.setdefault((task, kind), [])
        if len(first_flaws) < MOST_SHOWN:
            first_flaws.append(flaw)

    def raise_first(self) -> None:
        """Raise DataError if there is a flaw: the first in full, then the places of others, and all counts."""
        if not self.counts:
            return
        flaws = [flaw for first_flaws in self.first.values() for flaw in first_flaws]
        lines = [str(flaws[0].error()), *(f"  {flaw}" for flaw in flaws[1:])]
        if (rest := self.counts.total() - len(flaws)) > 0:
            lines.append(f"  and {rest:,} more")
        raise DataError("\n".join(lines))
