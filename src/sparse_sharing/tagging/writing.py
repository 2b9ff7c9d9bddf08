"""Writes tagged sentences as columns, CoNLL-U, JSON lines, or in colours for a terminal."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO

from sparse_sharing.tagging.reading import Item
from sparse_sharing.tagging.sentences import TaggedSentence
from sparse_sharing.terminal.escaping import visible
from sparse_sharing.text.readers.columns import NO_BREAK_SPACE
from sparse_sharing.text.readers.conllu import COLUMNS, UNSPECIFIED

Pairs = Iterable[tuple[Item, TaggedSentence]]
Writer = Callable[[Pairs], None]

WITHIN_A_FIELD = str.maketrans(dict.fromkeys(" \t\n", NO_BREAK_SPACE))

MISC_FIELD = COLUMNS.index("MISC")


def make_writer(kind: str, stream: TextIO, terminal: bool) -> Writer:
    """A function that writes items with their tags; on a terminal, control characters are escaped.

    Args:
        kind: `columns`, `conllu`, `jsonl`, `huggingface` or `color`.
        stream: the stream to write to.
        terminal: whether the stream is a terminal.
    """
    if kind == "color":
        # Imported on demand: importing the library for colours takes as long as tagging a short text.
        from sparse_sharing.tagging.colours import colour_writer

        return colour_writer(stream)
    make_lines = {
        "columns": column_lines,
        "conllu": conllu_lines,
        "jsonl": json_lines,
        "huggingface": pipeline_lines,
    }[kind]
    clean = visible if kind in ("jsonl", "huggingface") else _visible_fields

    def write(pairs: Pairs) -> None:
        lines = [line for item, tagged in pairs for line in make_lines(item, tagged)]
        if terminal:
            lines = list(map(clean, lines))
        if lines:
            stream.write("\n".join(lines))
            stream.write("\n")

    return write


def column_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """A line for each token: the word, or the line that was read, followed by the tags of each task.

    A probability follows each tag if there are probabilities. Lines without a token are unchanged.
    """
    if not item.rows:
        if item.lines:
            yield from item.lines
        elif tagged.tokens:
            yield from map(" ".join, zip(_fields(tagged), *_tag_columns(tagged), strict=True))
            yield ""
        return
    lines = list(item.lines)
    for row, values in zip(item.rows, zip(*_tag_columns(tagged), strict=True), strict=True):
        lines[row] = ("\t" if "\t" in lines[row] else " ").join([lines[row], *values])
    yield from lines


def conllu_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """The lines of CoNLL-U, with each task's tag in MISC under the name of the task."""
    lines = list(item.lines)
    for place, row in enumerate(item.rows):
        fields = lines[row].split("\t")
        fields[MISC_FIELD] = _misc(fields[MISC_FIELD], tagged, place)
        lines[row] = "\t".join(fields)
    yield from lines


def json_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """A sentence as one JSON object; nothing for the lines between sentences."""
    if tagged.tokens:
        yield json.dumps(as_json(tagged, tagged.start_char), ensure_ascii=False)


def as_json(tagged: TaggedSentence, origin: int = 0) -> dict[str, Any]:
    """A sentence as JSON values: text, tokens, tags, spans and, if there are any, probabilities.

    Characters are counted from the character `origin` of the source.
    """
    values: dict[str, Any] = {
        "text": tagged.text,
        "tokens": [
            {"text": text, "start_char": start - origin, "end_char": end - origin} for text, start, end in tagged.tokens
        ],
        "tags": tagged.tags,
        "spans": {
            task: [
                {
                    "label": label,
                    "text": text,
                    "start_char": start - origin,
                    "end_char": end - origin,
                    "first_token": first,
                    "end_token": last,
                    "score": round(score, 4),
                }
                for label, text, start, end, first, last, score in spans
            ]
            for task, spans in tagged.spans.items()
        },
    }
    if tagged.probabilities:
        shares = tagged.probabilities.items()
        values["probabilities"] = {task: [round(value, 4) for value in probabilities] for task, probabilities in shares}
    return values


def pipeline_lines(item: Item, tagged: TaggedSentence) -> Iterator[str]:
    """The spans of a sentence in the form of Hugging Face's token classification pipeline, as a JSON list.

    The lists of several tasks are the values of one object.
    """
    if tagged.tokens:
        moved = {task: [_moved(one, tagged.start_char) for one in tagged.entities(task)] for task in tagged.spans}
        values = next(iter(moved.values())) if len(moved) == 1 else moved
        yield json.dumps(values, ensure_ascii=False)


def _fields(tagged: TaggedSentence) -> Sequence[str]:
    """The words as fields of columns: what ends a field or line, which tokens in JSON may have, is a no-break space."""
    return [word.translate(WITHIN_A_FIELD) for word in tagged.words]


def _tag_columns(tagged: TaggedSentence) -> list[list[str]]:
    """The tags of each task, each followed by its probabilities if there are any."""
    columns = []
    for task, tags in tagged.tags.items():
        columns.append(tags)
        if task in tagged.probabilities:
            columns.append([f"{value:.4f}" for value in tagged.probabilities[task]])
    return columns


def _misc(old: str, tagged: TaggedSentence, place: int) -> str:
    """The MISC field of a token with its tags in place of entries with the same names."""
    entries = {task: tags[place] for task, tags in tagged.tags.items()}
    entries |= {f"{task}_probability": f"{values[place]:.4f}" for task, values in tagged.probabilities.items()}
    other_entries = [part for part in old.split("|") if old != UNSPECIFIED and part.partition("=")[0] not in entries]
    # A bar would end the value.
    return "|".join([*other_entries, *(f"{name}={value.replace('|', '%7C')}" for name, value in entries.items())])


def _moved(entity: dict[str, Any], origin: int) -> dict[str, Any]:
    return entity | {"start": entity["start"] - origin, "end": entity["end"] - origin}


def _visible_fields(line: str) -> str:
    """A line with its fields made visible; the tabs that separate them stay."""
    return "\t".join(map(visible, line.split("\t")))
