"""Tagged sentences in colours, for a terminal."""

from collections.abc import Callable, Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from sparse_sharing.tagging.sentences import TaggedSentence
from sparse_sharing.terminal.escaping import visible

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta", "bright_green")


def colour_writer(stream: TextIO) -> Callable[[Iterable[tuple[object, TaggedSentence]]], None]:
    """A function that writes each sentence as one line per task and an empty line."""
    console = Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True)

    def write(pairs: Iterable[tuple[object, TaggedSentence]]) -> None:
        for _, tagged in pairs:
            width = max(map(len, tagged.tags), default=0)
            for task in tagged.tags if tagged.tokens else ():
                console.print(coloured(tagged, task, width))
            if tagged.tokens:
                console.print()

    return write


def coloured(tagged: TaggedSentence, task: str, width: int) -> Text:
    """One line: the task, then the words with coloured spans, or each word followed by its tag."""
    parts = [Text(visible(word)) for word in tagged.words]
    if task not in tagged.spans:
        for word, tag in zip(parts, tagged.tags[task], strict=True):
            word.append(f"/{visible(tag)}", style=colour_of(tag))
    for span in tagged.spans.get(task, ()):
        colour = colour_of(span.label)
        for word in parts[span.first_token : span.end_token]:
            word.stylize(f"bold {colour}")
        parts[span.end_token - 1].append(f" [{visible(span.label)}]", style=colour)
    for index, probability in enumerate(tagged.probabilities.get(task, ())):
        parts[index].append(f" {probability:.2f}", style="dim")
    return Text.assemble((f"{task:<{width}}  ", "bold"), Text(" ").join(parts))


def colour_of(name: str) -> str:
    """The colour of a type or tag: the same in every sentence and run."""
    return COLOURS[sum(name.encode("utf-8")) % len(COLOURS)]
