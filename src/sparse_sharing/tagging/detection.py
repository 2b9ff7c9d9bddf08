"""Detects the layout of a text to be tagged, from its first lines.

A text is read as columns only on good evidence, since after a wrong guess only one word of each line would be tagged,
without any error. If the lines could be either, the user must decide.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sparse_sharing.errors import ConfigError
from sparse_sharing.text.readers.columns import DOCUMENT_START, quote, split_fields
from sparse_sharing.text.readers.foreign import foreign_line

CONLLU_COLUMNS = 10
ENOUGH_LINES = 5
"""How many similar lines are needed to compare the values of a last column."""

_word_number = re.compile(r"[1-9]\d*(?:-[1-9]\d*)?|\d+\.[1-9]\d*").fullmatch
_span_tag = re.compile(r"O|[BIES]-\S+").fullmatch
_plain_tag = re.compile(r"[A-Z][A-Z$_:|+-]{0,9}").fullmatch
_json = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{]\s*")').match
_named_columns = re.compile(r"#\s*global\.columns\s*=|#begin document\b").match
_punctuation = re.compile(r"[\W_]+").fullmatch


@dataclass(frozen=True)
class Layout:
    """The kind of a text, and how its lines are split.

    Attributes:
        kind: `raw`, `tokens`, `columns`, `conllu` or `jsonl`.
        tabs: whether only tabs separate the fields of columns.
        width: fields of a line of columns, if the first lines show it.
        commented: whether the first line of columns is a comment.
    """

    kind: str
    tabs: bool = False
    width: int | None = None
    commented: bool = False

    def fields(self, line: str) -> list[str]:
        """The fields of a line of columns; none if it is blank."""
        if self.tabs and "\t" in line:
            return [] if line.isspace() else line.split("\t")
        return split_fields(line)

    def is_comment(self, line: str, begins: bool) -> bool:
        """Whether a line of columns is a comment; `begins` says that no token of its sentence came before.

        A comment begins with #, and either has another number of fields than the other lines, or is at the place of a
        comment and does not end with a span tag. A token # is not a comment.
        """
        if not line.startswith("#") or self.width is None:
            return False
        fields = self.fields(line)
        return len(fields) != self.width or (self.commented and begins and not _span_tag(fields[-1]))


def layout_of(lines: Sequence[str], kind: str, known_tags: Collection[str], source: str) -> Layout:
    """The layout of a text from its first lines; `kind` is the user's option, or `auto`.

    Raises:
        ConfigError: `kind` is `auto`, and the lines could be columns or text.
    """
    if kind == "auto":
        refuse_foreign(lines, source)
        kind = guess_kind(lines, known_tags, source)
    if kind != "columns":
        return Layout(kind)
    rows = _rows(lines)
    content = _without_comments(rows)
    tabs = bool(content) and all("\t" in row for row in content)
    widths = Counter(len(Layout(kind, tabs).fields(row)) for row in content)
    width = widths.most_common(1)[0][0] if widths else None
    return Layout(kind, tabs, width, commented=bool(rows) and rows[0] != content[0])


def refuse_foreign(lines: Sequence[str], source: str) -> None:
    """Raise ConfigError if the first lines have a form that is neither text, columns nor CoNLL-U."""
    first = next((line for line in lines if line.strip()), "")
    if _json(first) and not is_jsonl(first):
        raise ConfigError(
            f"{source}: looks like JSON ({quote(first)}); expected JSON Lines: on each line an object with a list "
            '"tokens", or with a "text" (of an array: jq -c \'.[]\')'
        )
    if _named_columns(first):
        raise ConfigError(
            f"{source}: looks like CoNLL-U Plus or CoNLL-2012 ({quote(first)}); expected text, columns or CoNLL-U: use "
            "--input columns with --word-column"
        )
    if (foreign := foreign_line(first)) is not None:
        raise ConfigError(
            f"{source}: looks like {foreign.name} ({quote(first)}); expected text, tokens, columns or CoNLL-U: convert "
            "it, or use --input raw if it is text"
        )


def is_jsonl(line: str) -> bool:
    """Whether a line is a JSON object with a list of tokens or a text."""
    if not line.lstrip().startswith("{"):
        return False
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and (isinstance(record.get("tokens"), list) or isinstance(record.get("text"), str))


def guess_kind(lines: Sequence[str], known_tags: Collection[str] = (), source: str = "the text") -> str:
    """`jsonl`, `conllu`, `columns` or `raw`; sentences of tokens look like raw text, so `tokens` is never guessed.

    Args:
        lines: the first lines.
        known_tags: the tags of the model.
        source: the name of the text, for messages.

    Raises:
        ConfigError: The lines could be columns or text.
    """
    if any(line.startswith(DOCUMENT_START) for line in lines):
        return "columns"
    if is_jsonl(next((line for line in lines if line.strip()), "")):
        return "jsonl"
    content = _without_comments(_rows(lines))
    if not content:
        return "raw"
    cells = [row.split("\t") for row in content]
    if all(len(row) == CONLLU_COLUMNS and _word_number(row[0]) for row in cells):
        return "conllu"
    if any("\t" in row for row in content):
        return _with_tabs(content, cells, known_tags, source)
    fields = [split_fields(row) for row in content]
    if len(fields) < 2 or len(fields[0]) < 2 or len(set(map(len, fields))) > 1:
        return "raw"
    return _alike(content, [row[-1] for row in fields], known_tags, source)


def _with_tabs(content: list[str], cells: list[list[str]], known_tags: Collection[str], source: str) -> str:
    last = [row[-1] for row in cells]
    numbered = all(row[0].isdecimal() for row in cells)
    if len(set(map(len, cells))) == 1 and all(last) and not numbered:
        one_word = all(" " not in cell for row in cells for cell in row)
        if one_word or _are_tags(last, known_tags, enough=2):
            return "columns"
    raise _doubt(content[0], source)


def _alike(content: list[str], last: list[str], known_tags: Collection[str], source: str) -> str:
    """The kind of lines that all have the same number of fields, from their last fields."""
    if _are_tags(last, known_tags):
        return "columns"
    if any(_span_tag(value) and value != "O" for value in last) or all(map(_plain_tag, last)):
        raise _doubt(content[0], source)
    recurring = len(last) >= ENOUGH_LINES and len(set(last)) <= len(last) // 2
    if recurring and not any(map(_punctuation, last)):
        raise _doubt(content[0], source)
    return "raw"


def _are_tags(values: list[str], known_tags: Collection[str], enough: int = ENOUGH_LINES) -> bool:
    """Whether the values of a column are tags: of the model, of spans, or a few short repeated values in capitals.

    Punctuation is not evidence: in many tag sets its tag is the same as the token, and it ends sentences.
    """
    letters = [value for value in values if not _punctuation(value)]
    sure = {value for value in values if value in known_tags or _span_tag(value)}
    if not letters or sure.issuperset(values):
        return bool(letters)
    recur = len(values) >= enough and len(set(values)) <= len(values) // 2
    return recur and all(value in sure or _plain_tag(value) for value in letters)


def _rows(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip() and not line.startswith(DOCUMENT_START)]


def _without_comments(rows: list[str]) -> list[str]:
    """The rows without those that begin with # and a space; all if there are no others."""
    return [row for row in rows if not row.startswith("# ")] or rows


def _doubt(line: str, source: str) -> ConfigError:
    return ConfigError(
        f"{source}: the first lines could be columns or text ({quote(line)}). "
        "Say which with --input columns (and --word-column), conllu, tokens or raw"
    )
