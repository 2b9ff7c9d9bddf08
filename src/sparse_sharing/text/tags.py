"""Turns the values in a file into the tags of a task: missing values, spellings, schemes, repair, renaming."""

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from sparse_sharing.text.flaws import Flaw, Flaws
from sparse_sharing.text.schemes import OUTSIDE, Scheme, misformed, read_spans, violation, write_tags
from sparse_sharing.text.schemes import repair as repair_tags
from sparse_sharing.text.transitions import is_valid
from sparse_sharing.text.vocabulary import MISSING_TAG

UNSPECIFIED = "_"
"""The mark in a file for a token without a value."""

_prefixed = re.compile(r"(?P<letter>[BIESLUMWbieslumw])[-_](?P<type>.+)").fullmatch
_suffixed = re.compile(r"(?P<type>.+)[-_](?P<letter>[BIESLUMWbieslumw])").fullmatch
_bare = re.compile(r"[BIESLUMWbieslumw]").fullmatch

OTHER_OUTSIDE = ("0", "o", "-", UNSPECIFIED)
"""Other spellings of the tag O."""

WITHOUT_TYPE = "SPAN"
"""The type of spans that have none in the file."""


@dataclass(frozen=True)
class Rules:
    """How the values of a task are read; see the keys of the same names in the configuration of a task."""

    spelling: str | None = None
    labels: Mapping[str, str] | None = None
    missing: str | None = None


PLAIN = Rules()


class Source(Protocol):
    """The column or layer from which a reader takes the values of a task."""

    @property
    def task(self) -> str:
        """The task."""
        ...

    @property
    def scheme(self) -> Scheme:
        """The tag scheme in the file."""
        ...

    @property
    def rules(self) -> Rules:
        """How the values are read."""
        ...

    @property
    def value(self) -> str:
        """The name of a value, for messages."""
        ...


class Places(Protocol):
    """For each token of a sentence the number and the text of its line, for messages."""

    def __getitem__(self, index: int, /) -> tuple[int, str]: ...


class Report(Protocol):
    """The counts and flaws that `read_tags` records."""

    repairs: dict[str, int]
    missing: dict[str, int]
    flaws: Flaws | None


def read_tags(
    path: Path,
    places: Places,
    source: Source,
    values: Sequence[str | None],
    repair: bool,
    report: Report,
) -> tuple[str, ...]:
    """The tags of a sentence from its values; None for a token without a tag.

    Repairs and tokens without a tag are counted in `report`. If `report.flaws` is given, flaws are added to it, and the
    tags of the sentence are repaired as far as possible.

    Args:
        path: names the file in messages.
        places: for each token the number and the text of its line.
        source: the task, its scheme and how its values are read.
        values: one for each token.
        repair: whether tags that break their scheme are changed instead of rejected.
        report: counts and flaws are added to it.

    Raises:
        DataError: A value is missing but required, or a tag breaks its scheme and is not or cannot be repaired.
    """
    tags = values if _is_complete(values) else _fill(path, places, source, values, report)
    if source.scheme == "none":
        return renamed(tags, "none", source.rules.labels)
    if source.rules.spelling == "loose":
        tags = [loosely(tag) for tag in tags]
    tags = _in_scheme(path, places, source, tags, repair, report)
    return renamed(tags, source.scheme, source.rules.labels)


def renamed(tags: Sequence[str], scheme: Scheme, labels: Mapping[str, str] | None) -> tuple[str, ...]:
    """Valid tags of a scheme with some tags, or some types of spans, renamed; the name O drops a span."""
    if labels and scheme == "none":
        tags = [labels.get(tag, tag) for tag in tags]
    elif labels:
        spans = [span._replace(type=labels.get(span.type, span.type)) for span in read_spans(tags, scheme)]
        tags = write_tags([span for span in spans if span.type != OUTSIDE], len(tags), scheme)
    return tuple(map(sys.intern, tags))


def loosely(tag: str) -> str:
    """A span tag in a usual spelling, such as b-PER, B_PER, PER-B, B or 0, as B-PER or O; other values unchanged."""
    if tag in OTHER_OUTSIDE or tag == OUTSIDE:
        return OUTSIDE
    if match := _prefixed(tag) or _suffixed(tag):
        return f"{match['letter'].upper()}-{match['type']}"
    return f"{tag.upper()}-{WITHOUT_TYPE}" if _bare(tag) else tag


def _is_complete(values: Sequence[str | None]) -> TypeGuard[Sequence[str]]:
    return None not in values


def _fill(path: Path, places: Places, source: Source, values: Sequence[str | None], report: Report) -> list[str]:
    """The values, with a mark or a harmless value for each missing one."""
    empty = [index for index, value in enumerate(values) if value is None]
    skip = source.rules.missing == "skip"
    allowed = skip or (source.scheme != "none" and source.rules.spelling == "loose")
    if skip:
        report.missing[source.task] = report.missing.get(source.task, 0) + len(empty)
    for index in () if allowed else empty:
        line, text = places[index]
        remedy = "is it annotated in this file? missing: skip excludes tokens without a value from loss and score"
        flaw = Flaw(path, line, "", f"no {source.value}", _quote(text), f"one for task {source.task}", remedy)
        if report.flaws is None:
            raise flaw.error()
        report.flaws.add(source.task, "missing", flaw)
    mark = MISSING_TAG if skip else OUTSIDE if source.scheme != "none" else UNSPECIFIED
    return [mark if value is None else value for value in values]


def _in_scheme(
    path: Path, places: Places, source: Source, tags: Sequence[str], repair: bool, report: Report
) -> Sequence[str]:
    """The tags unchanged if they follow their scheme, else repaired."""
    if is_valid(tags, source.scheme):
        return tags
    problem = violation(tags, source.scheme)
    if problem is None:
        return tags
    foreign = misformed(tags, source.scheme)
    mended, changed = repair_tags(tags, source.scheme)
    if foreign is not None or not repair:
        # If a tag is not a span tag, those around it seem to break the scheme as well.
        strange = sum(misformed([tag], source.scheme) is not None for tag in tags)
        if foreign is not None and (repair or report.flaws is not None):
            problem = foreign
        remedy = "correct the file, or set the right scheme for the column"
        if foreign is None:
            remedy = "correct the file, set the right scheme for the column, or set repair: true"
        line, text = places[problem.position]
        actual = f"the tag {_quote(problem.tag)} of task {source.task}"
        flaw = Flaw(path, line, problem.tag, actual, _quote(text), problem.expected, remedy)
        if report.flaws is None:
            raise flaw.error()
        if strange:
            counts = report.flaws.foreign.setdefault(source.task, Counter())
            counts.update(tag for tag in tags if misformed([tag], source.scheme) is not None)
        report.flaws.add(source.task, "foreign" if strange else "order", flaw, strange or changed)
        return mended
    report.repairs[source.task] += changed
    return mended


def _quote(text: str, width: int = 80) -> str:
    shown = repr(text[:width])
    return shown if len(text) <= width and len(shown) <= width else shown[: width - 4] + "...'"
