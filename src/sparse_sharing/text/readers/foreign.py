"""Names formats that are not read, from the first bytes or the first line of a file, with what to do."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.lines import quote


class Foreign(NamedTuple):
    """A format that is not read: its name, and how to convert it from the file `{path}` to a file `{new}`."""

    name: str
    advice: str


_exported = "export it as plain text"
SIGNATURES = {
    b"%PDF": Foreign("a PDF file", _exported),
    b"PK\x03\x04": Foreign("a zip archive, such as an xlsx or docx file", f"{_exported}, or unpack it"),
    b"\xd0\xcf\x11\xe0": Foreign("an Office file", _exported),
    b"{\\rtf": Foreign("an RTF file", _exported),
    b"PAR1": Foreign("a Parquet file", "write it as JSON Lines, in pandas with to_json(orient='records', lines=True)"),
}
"""The first bytes of files that are not text."""

_convert = "convert it to columns"
FIRST_LINES = (
    (
        re.compile(r"[^\r]*\r[^\r]+\r"),
        Foreign("text whose lines end with carriage returns only", r"convert it: tr '\r' '\n' < {path} > {new}"),
    ),
    (re.compile(r"\s*<(?:\?xml|!DOCTYPE|[A-Za-z][^<>\t]*>\s*$)"), Foreign("XML", f"{_convert} or CoNLL-U")),
    (re.compile(r"T\d+\t\S+ \d+ \d+\t"), Foreign("standoff annotation of brat", f"{_convert}, with its text")),
    (
        re.compile(r"\s*\(\s*(?:\(|(?:ROOT|TOP|S)\s).*\)"),
        Foreign("bracketed trees", "convert them to CoNLL-2012 or to columns"),
    ),
    (
        re.compile(r'"?Sentence #"?[,;]|"?[^\s"]+"?([,;])"?[^\s,;"]*"?(?:\1"?[^\s,;"]*"?)+$'),
        Foreign(
            "comma-separated values",
            "put a tab between the columns, remove quotes and the line of headings, and put a blank line after each "
            "sentence",
        ),
    ),
    (
        re.compile(r"\s*\S+?([/|_])\S+(?: +\S+?\1\S+){3,}\s*$"),
        Foreign(
            "words and tags joined to one field, a sentence on each line",
            "put each token on a line, its tags in columns, and a blank line after each sentence",
        ),
    ),
)
"""The form of the first line of texts that are not read."""


def refuse_binary(path: Path) -> None:
    """Raise DataError if the first bytes of a file are those of a format that is not text."""
    try:
        with path.open("rb") as stream:
            first = stream.read(8)
    except OSError:
        return  # Whoever reads the file reports this.
    for signature, foreign in SIGNATURES.items():
        if first.startswith(signature):
            raise DataError(f"{path}: looks like {foreign.name}; {foreign.advice}")


def foreign_line(line: str) -> Foreign | None:
    """The format that is not read and whose first line has this form; None for others."""
    return next((foreign for form, foreign in FIRST_LINES if form.match(line)), None)


def refuse_line(path: Path, line: str) -> None:
    """Raise DataError if the first line of a file has the form of a format that is not read."""
    if foreign := foreign_line(line):
        new = path.with_name(f"{path.stem}.new{path.suffix}")
        advice = foreign.advice.format(path=shlex.quote(str(path)), new=shlex.quote(str(new)))
        raise DataError(f"{path}: looks like {foreign.name}; {advice} (its first line is {quote(line)})")
