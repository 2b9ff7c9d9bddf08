"""Lines of text files that people give, plain or gzip, with limits that keep hostile files out of memory."""

import codecs
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from sparse_sharing.errors import DataError

LONGEST_LINE = 1_000_000
"""Bytes. A longer line is no text, but would be held in memory whole."""

LONGEST_SENTENCE = 100_000
"""Tokens. More without a blank line is no sentence, but would be held in memory whole."""

MOST_EXPANSION = 100
SAFE_EXPANSION = 100_000_000
"""Bytes. A compressed text that grows beyond this may have at most MOST_EXPANSION times its size on disk."""

GZIP_MAGIC = b"\x1f\x8b"

_UNPACK = "an honest text; if it is one, unpack the file"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Stream the numbered lines (from 1) of a UTF-8 text file, plain or gzip, without line ends and byte order mark.

    Lines end at a line feed only, since words may contain characters that str.splitlines() takes for line ends.

    Raises:
        DataError: the file is missing, unreadable or damaged; a line is no UTF-8 text or longer than LONGEST_LINE.
    """
    number = 0
    try:
        with Path(path).open("rb") as raw:
            stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw
            allowed = max(SAFE_EXPANSION, MOST_EXPANSION * os.fstat(raw.fileno()).st_size)
            while line := stream.readline(LONGEST_LINE + len(b"\r\n")):
                number += 1
                allowed -= len(line)
                if allowed < 0 and stream is not raw:
                    raise DataError.at(path, number, f"a text {MOST_EXPANSION} times its compressed size", _UNPACK)
                yield number, decode_line(path, number, line)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: there is no such file; check the path in the configuration (a relative path starts from the "
            "working directory)"
        ) from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: found a folder; expected a file, so name the file in it") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed data are damaged or cut short after line {number} ({error}); fetch the file again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from error


def quote(text: str, width: int = 80) -> str:
    """The text for a message: quoted, unprintable characters escaped, at most `width` characters."""
    shown = repr(text[:width])
    return shown if len(text) <= width and len(shown) <= width else shown[: width - 4] + "...'"


def decode_line(path: Path, number: int, line: bytes) -> str:
    """The text of a line without its end, and without the byte order mark that may begin a file.

    Raises:
        DataError: It is no UTF-8 text or longer than LONGEST_LINE.
    """
    content = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(content) > LONGEST_LINE:
        raise DataError.at(path, number, f"more than {LONGEST_LINE:,} bytes", "a shorter line; is this a text file?")
    if b"\0" in content:
        raise DataError.at(path, number, "a NUL byte", "UTF-8 text; convert the file if it is UTF-16")
    if number == 1:
        content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x}, which is not UTF-8, at byte offset {error.start} of the line"
        expected = "UTF-8 text; convert the file (from Latin-1, perhaps: iconv -f latin1 -t utf-8)"
        raise DataError.at(path, number, f"{found} {quote(content.decode('latin-1'))}", expected) from error


def check_length(path: Path, start: int, rows: Sequence) -> None:
    """Refuse a sentence, begun in the line `start`, that is longer than LONGEST_SENTENCE (DataError)."""
    if len(rows) > LONGEST_SENTENCE:
        expected = "a blank line after each sentence"
        raise DataError.at(path, start, f"a sentence of more than {LONGEST_SENTENCE:,} tokens", expected)
