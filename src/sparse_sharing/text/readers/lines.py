"""Reads the lines of users' text files, plain or gzip, with limits that keep hostile files from filling the memory."""

import codecs
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path

from sparse_sharing.errors import DataError

LONGEST_LINE = 1_000_000
"""The longest line, in bytes. A longer one is not text, but would be kept in memory as a whole."""

LONGEST_SENTENCE = 100_000
"""The longest sentence, in tokens. A longer one lacks blank lines, but would be kept in memory as a whole."""

MOST_EXPANSION = 100
SAFE_EXPANSION = 100_000_000
"""Bytes. A decompressed text longer than this may have at most MOST_EXPANSION times its compressed size."""

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = "\ufeff"

BLOCK = 2**18
"""Bytes that are read at a time."""

_UNPACK = "ordinary text; if it is, decompress the file"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Stream the numbered lines (from 1) of a UTF-8 text file, plain or gzip, without line ends and byte order mark.

    Lines end at a line feed only, since words may contain characters that str.splitlines() takes for line ends.

    Raises:
        DataError: the file is missing, unreadable or damaged; a line is not UTF-8 text, or longer than LONGEST_LINE.
    """
    number = 0
    try:
        with Path(path).open("rb") as raw:
            lines = _unpacked_lines if raw.peek(2)[:2] == GZIP_MAGIC else _plain_lines
            for number, line in enumerate(lines(path, raw), start=1):
                yield number, line
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: there is no such file; check the path in the configuration (a relative path starts from the "
            "working directory)"
        ) from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: found a folder; expected a file: name a file in the folder") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed data are damaged or truncated after line {number} ({error}); get the file again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from error


def _plain_lines(path: Path, raw: BufferedReader) -> Iterator[str]:
    """The lines of a plain file, decoded many at a time."""
    number, rest = 0, b""
    while chunk := raw.read1(BLOCK):
        block = rest + chunk
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        lines = _decode_lines(path, number, block[:end])
        yield from lines
        number += len(lines)
        if len(rest) > LONGEST_LINE + len(b"\r"):
            break
    if rest:
        yield decode_line(path, number + 1, rest)


def _decode_lines(path: Path, before: int, block: bytes) -> list[str]:
    """The lines of a block that ends with a line end, after `before` lines of the file."""
    if len(block) <= LONGEST_LINE and b"\0" not in block:
        try:
            lines = block.decode("utf-8").split("\n")[:-1]
        except UnicodeDecodeError:
            pass  # Decoded line by line below, to find the line.
        else:
            if before == 0 and lines:
                lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
            return [line.removesuffix("\r") for line in lines] if b"\r" in block else lines
    return [decode_line(path, number, line) for number, line in enumerate(block.split(b"\n")[:-1], before + 1)]


def _unpacked_lines(path: Path, raw: BufferedReader) -> Iterator[str]:
    """The lines of a gzip file, read one by one: a small file may decompress to a huge text."""
    allowed = max(SAFE_EXPANSION, MOST_EXPANSION * os.fstat(raw.fileno()).st_size)
    stream, number = gzip.GzipFile(fileobj=raw), 0
    while line := stream.readline(LONGEST_LINE + len(b"\r\n")):
        number += 1
        allowed -= len(line)
        if allowed < 0:
            raise DataError.at(path, number, f"a text {MOST_EXPANSION} times its compressed size", _UNPACK)
        yield decode_line(path, number, line)


def quote(text: str, width: int = 80) -> str:
    """Text for a message: quoted, unprintable characters escaped, at most `width` characters."""
    shown = repr(text[:width])
    return shown if len(text) <= width and len(shown) <= width else shown[: width - 4] + "...'"


def decode_line(path: Path, number: int, line: bytes) -> str:
    """The text of a line without its end, and without the byte order mark that may begin a file.

    Raises:
        DataError: It is not UTF-8 text, or longer than LONGEST_LINE.
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
        actual = f"byte 0x{content[error.start]:02x}, which is not UTF-8, at byte offset {error.start} of the line"
        expected = "UTF-8 text; convert the file (if it is Latin-1: iconv -f latin1 -t utf-8)"
        raise DataError.at(path, number, f"{actual} {quote(content.decode('latin-1'))}", expected) from error


def check_length(path: Path, start: int, rows: Sequence) -> None:
    """Raise DataError if a sentence, which begins on line `start`, is longer than LONGEST_SENTENCE."""
    if len(rows) > LONGEST_SENTENCE:
        expected = "a blank line after each sentence"
        raise DataError.at(path, start, f"a sentence of more than {LONGEST_SENTENCE:,} tokens", expected)
