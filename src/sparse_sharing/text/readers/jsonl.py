"""Reader of JSON Lines: on each line an object with a list of tokens, and lists of tags of the same length."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import whole_word
from sparse_sharing.text.readers.conllu import Layer
from sparse_sharing.text.readers.lines import check_length, quote, read_lines
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.tags import UNSPECIFIED, read_tags


def read_jsonl(
    path: Path,
    layers: Sequence[Layer],
    *,
    words_key: str = "tokens",
    repair: bool = False,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of a JSON Lines file, UTF-8, plain or gzip.

    `words_key` is the key of the tokens, the name of a layer the key of its tags. A tag is a text or a number, or null
    if there is none. A space inside a token becomes a no-break space. `repair`, `report` and `limit` are those of
    `read_sentences`.

    Raises:
        DataError: At the first bad line: no JSON object, a missing key, lists of different lengths, an empty token, a
            tag that is missing or breaks its scheme.
    """
    report = ReadReport() if report is None else report
    report.repairs.update({layer.task: 0 for layer in layers if layer.task not in report.repairs})
    read = 0
    for number, record in read_records(path):
        tokens = _list(path, number, record, words_key)
        if not tokens:
            continue
        check_length(path, number, tokens)
        if bad := [token for token in tokens if not isinstance(token, str) or not token.strip()]:
            raise DataError.at(path, number, f"the token {quote(str(bad[0]))}", "non-empty texts")
        places = [(number, token) for token in tokens]
        tags = []
        for layer in layers:
            values = _list(path, number, record, layer.name)
            if len(values) != len(tokens):
                actual = f"{len(values)} values of '{layer.name}' for {len(tokens)} tokens"
                raise DataError.at(path, number, actual, "one for each token")
            tags.append(read_tags(path, places, layer, _values(values), repair, report))
        read += 1
        report.add_sentence(len(tokens))
        yield Sentence(tuple(map(whole_word, tokens)), tuple(tags), number)
        if read == limit:
            return
    if not read:
        raise DataError(f"{path}: found no sentence; expected a JSON object with '{words_key}' on each line")


def read_records(path: Path) -> Iterator[tuple[int, dict]]:
    """Stream the JSON objects of the lines of a file, each with the number of its line.

    Raises:
        DataError: A line is neither blank nor a JSON object.
    """
    for number, line in read_lines(path):
        if line.strip():
            yield number, as_record(path, number, line)


def as_record(path: Path | str, number: int, line: str) -> dict:
    """The JSON object on a line of a file.

    Raises:
        DataError: The line is not a JSON object.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError.at(path, number, f"invalid JSON ({error}) in {quote(line)}", "a JSON object") from error
    if not isinstance(record, dict):
        raise DataError.at(path, number, quote(line), "a JSON object: {...}")
    return record


def _list(path: Path, number: int, record: dict, key: str) -> list:
    if not isinstance(record.get(key), list):
        actual = f"no list '{key}', only {', '.join(map(quote, list(record)[:8]))}"
        raise DataError.at(path, number, actual, f"a list under the key '{key}'")
    return record[key]


def _values(values: list) -> list[str | None]:
    """Tags as texts; numbers are converted to text."""
    return [None if value in (None, "", UNSPECIFIED) else sys.intern(str(value)) for value in values]
