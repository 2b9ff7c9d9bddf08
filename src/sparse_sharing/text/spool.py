"""Stores numbers temporarily on disk, so that a text of any length is prepared in constant memory."""

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import numpy as np

from sparse_sharing.storage.artifacts import Streamed

PIECE = 2**15
"""How many numbers a column collects before it writes them."""


class Spool:
    """An unnamed file in a folder; it disappears when it is closed, or when the process ends in any way."""

    def __init__(self, folder: Path) -> None:
        """Open the file; the folder is created if it is missing.

        Raises:
            OSError: The folder cannot be created or written to; `filename` is the folder.
        """
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, numbers: np.ndarray) -> int:
        """Append numbers, and return their position.

        Raises:
            OSError: Writing failed, for instance because the disk is full; `filename` is the folder.
        """
        place = self._end
        try:
            self._file.seek(place)
            self._file.write(numbers.data)
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._folder)) from error
        self._end += numbers.nbytes
        return place

    def read(self, place: int, count: int) -> np.ndarray:
        """int32 [count], the numbers at a position."""
        self._file.seek(place)
        return np.frombuffer(self._file.read(4 * count), dtype=np.int32)


class Column:
    """int32 numbers in a spool, written once from first to last and read as often as needed."""

    def __init__(self, spool: Spool) -> None:
        """A column without numbers."""
        self._spool = spool
        self._waiting = array("i")
        self._pieces: list[tuple[int, int]] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, numbers: Iterable[int]) -> None:
        """Append numbers."""
        before = len(self._waiting)
        self._waiting.extend(numbers)
        self._length += len(self._waiting) - before
        if len(self._waiting) >= PIECE:
            self._write()

    def pieces(self) -> Iterator[np.ndarray]:
        """All numbers in order, as arrays of a bounded size."""
        self._write()
        for place, count in self._pieces:
            yield self._spool.read(place, count)

    def streamed(self, numbers: np.ndarray | None = None) -> Streamed:
        """The column as a tensor that is written piece by piece; `numbers`, if given, maps each number to another."""
        return Streamed(
            np.dtype(np.int32),
            (len(self),),
            lambda: (piece if numbers is None else numbers[piece] for piece in self.pieces()),
        )

    def _write(self) -> None:
        if self._waiting:
            numbers = np.frombuffer(self._waiting, dtype=np.int32)
            self._pieces.append((self._spool.write(numbers), len(numbers)))
            self._waiting = array("i")
