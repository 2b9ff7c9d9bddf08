"""Reader of pretrained word vectors in GloVe or word2vec text format, and their coverage of a corpus."""

import re
from array import array
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import quote, read_lines

# word2vec files begin with the number of words and the dimension; GloVe files do not.
_header = re.compile(r"([0-9]{1,18}) ([1-9][0-9]{0,8})").fullmatch


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words in the order of their file, and their vectors: float32 [words, dimension]."""

    words: tuple[str, ...]
    values: np.ndarray


def read_vectors(path: Path, wanted: Container[str] | None = None) -> Vectors:
    """Read the vectors of the wanted words (all words if None) in one pass over a text file, plain or gzip.

    A line is a word and its numbers, separated by single spaces. The first line with a word is used. A word may
    contain spaces, as in some GloVe files: the last numbers of a line, as many as the dimension, are the vector.

    Raises:
        DataError: The file is missing, damaged or empty; a line is not UTF-8 or has not as many numbers as the first; a
            wanted vector has a value that is not a finite number; the file does not have the number of words on its
            first line.
    """
    lines = _filled_lines(path)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: found no line; expected word vectors, a word and its numbers on each line")
    promised = None
    if header := _header(first[1]):
        promised, dimension = int(header[1]), int(header[2])
    else:
        dimension = _first_dimension(path, *first)
        lines = chain([first], lines)

    count = 0
    line_of: dict[str, int] = {}
    values = array("f")
    for number, line in lines:
        count += 1
        if line.count(" ") == dimension:
            word, _, numbers = line.partition(" ")
        else:
            word, numbers = _split_with_spaces(path, number, line, dimension)
        if word in line_of or (wanted is not None and word not in wanted):
            continue
        values.extend(_parse(path, number, numbers))
        line_of[word] = number
    if promised not in (None, count):
        actual = f"{count:,} words after the first line, which says {promised:,}"
        raise DataError(f"{path}: found {actual}; the file may be truncated; get it again or correct its first line")

    table = np.asarray(values, dtype=np.float32).reshape(len(line_of), dimension)
    _check_finite(path, table, line_of)
    return Vectors(tuple(line_of), table)


def coverage(word_counts: Iterable[tuple[str, int]], with_vector: Container[str], lowercase: bool) -> dict[str, float]:
    """The shares of tokens whose words have a vector, from pairs of a word and its token count.

    `exact`: the word itself has one; `lower_cased`: only its lower-case form has one; `missing`: neither. With
    `lowercase`, words are looked up only in lower case, as the model does. The shares sum to 1, or are all 0 if there
    is no token.
    """
    tokens = {"exact": 0, "lower_cased": 0, "missing": 0}
    for word, count in word_counts:
        lower = word.lower()
        if word in with_vector and (word == lower or not lowercase):
            tokens["exact"] += count
        elif lower in with_vector:
            tokens["lower_cased"] += count
        else:
            tokens["missing"] += count
    total = sum(tokens.values())
    return {kind: count / total if total else 0.0 for kind, count in tokens.items()}


def _filled_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The non-blank lines, without the space that word2vec writes at their end."""
    for number, line in read_lines(path):
        if line := line.rstrip(" "):
            yield number, line


def _first_dimension(path: Path, number: int, line: str) -> int:
    """The dimension of the first vector, which is always parsed, to reject files that are not word vectors."""
    numbers = line.partition(" ")[2]
    if not numbers:
        raise DataError.at(path, number, quote(line), "a word and its numbers, separated by single spaces")
    return len(_parse(path, number, numbers))


def _split_with_spaces(path: Path, number: int, line: str, dimension: int) -> tuple[str, str]:
    """The word and the numbers of a line with more or fewer spaces than numbers."""
    fields = line.rsplit(" ", dimension)
    last_of_word = fields[0].rpartition(" ")[2]
    # A word that seems to end with a number is probably a line with too many numbers.
    if len(fields) <= dimension or not last_of_word or _is_number(last_of_word):
        expected = f"{dimension}, as many as on the first line, separated by single spaces; is the file truncated?"
        raise DataError.at(path, number, f"{line.count(' ')} numbers in {quote(line)}", expected)
    return fields[0], " ".join(fields[1:])


def _parse(path: Path, number: int, numbers: str) -> list[float]:
    fields = numbers.split(" ")
    try:
        return list(map(float, fields))
    except ValueError:
        wrong = next(field for field in fields if not _is_number(field))
        raise DataError.at(path, number, f"{quote(wrong)} in {quote(numbers)}", "a number") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_finite(path: Path, table: np.ndarray, line_of: dict[str, int]) -> None:
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        word, number = list(line_of.items())[int(np.argmin(finite))]
        actual = f"a number that is infinite, not a number, or too large for 32 bits in the vector of {quote(word)}"
        raise DataError.at(path, number, actual, "finite numbers")
