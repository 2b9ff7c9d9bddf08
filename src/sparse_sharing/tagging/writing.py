"""Writing tagged sentences: as columns, as JSON lines, or in colours for a terminal."""

import json
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.text import Text

from sparse_sharing.display import visible
from sparse_sharing.tagging.reading import Item
from sparse_sharing.tagging.sentences import TaggedSentence

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta", "bright_green")

Writer = Callable[[Item, TaggedSentence], None]


def make_writer(kind: str, stream: TextIO, terminal: bool) -> Writer:
    """A function that writes an item with its tags; what steers a terminal is escaped where there is one.

    Args:
        kind: `columns`, `jsonl` or `color`.
        stream: to write to.
        terminal: whether a person looks at it.
    """
    if kind == "color":
        return _colour_writer(Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True))
    clean = visible if terminal else str
    make_lines = column_lines if kind == "columns" else json_lines

    def write(item: Item, tagged: TaggedSentence) -> None:
        for line in make_lines(item, tagged):
            stream.write(f"{clean(line) if kind == 'jsonl' else _clean_fields(line, clean)}\n")

    return write


def column_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """A line for each token: the word, or the line that was read, and behind it the tags of each task.

    A probability stands behind each tag if there are any. Lines between sentences are as they were.
    """
    if not item.words:
        yield from item.lines
        return
    columns = []
    for task, tags in tagged.tags.items():
        columns.append(tags)
        if task in tagged.probabilities:
            columns.append([f"{value:.4f}" for value in tagged.probabilities[task]])
    for line, *values in zip(item.lines or tagged.tokens, *columns, strict=True):
        yield ("\t" if "\t" in line else " ").join([line, *values])
    if not item.lines:
        yield ""


def json_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """A sentence as one JSON object; nothing for the lines between sentences."""
    if not item.words:
        return
    values = {
        "tokens": tagged.tokens,
        "tags": tagged.tags,
        "spans": {task: [span._asdict() for span in spans] for task, spans in tagged.spans.items()},
    }
    if tagged.probabilities:
        values["probabilities"] = {
            task: [round(value, 4) for value in own] for task, own in tagged.probabilities.items()
        }
    yield json.dumps(values, ensure_ascii=False)


def coloured(tagged: TaggedSentence, task: str, width: int) -> Text:
    """One line: the task, then the words with their spans in colours, or each with its tag behind it."""
    words = [Text(visible(word)) for word in tagged.tokens]
    if task not in tagged.spans:
        for word, tag in zip(words, tagged.tags[task], strict=True):
            word.append(f"/{visible(tag)}", style=colour_of(tag))
    for span in tagged.spans.get(task, ()):
        colour = colour_of(span.type)
        for word in words[span.start : span.end]:
            word.stylize(f"bold {colour}")
        words[span.end - 1].append(f" [{visible(span.type)}]", style=colour)
    for index, probability in enumerate(tagged.probabilities.get(task, ())):
        words[index].append(f" {probability:.2f}", style="dim")
    return Text.assemble((f"{task:<{width}}  ", "bold"), Text(" ").join(words))


def colour_of(name: str) -> str:
    """The colour of a type or tag: the same in every sentence and run."""
    return COLOURS[sum(name.encode("utf-8")) % len(COLOURS)]


def _colour_writer(console: Console) -> Writer:
    def write(item: Item, tagged: TaggedSentence) -> None:
        width = max(map(len, tagged.tags), default=0)
        for task in tagged.tags if item.words else ():
            console.print(coloured(tagged, task, width))
        if item.words:
            console.print()

    return write


def _clean_fields(line: str, clean: Callable[[str], str]) -> str:
    """A line with its fields cleaned; the tabs that separate them stay."""
    return "\t".join(map(clean, line.split("\t")))
