"""Numbers on the disk: they come back as often as they are asked for, and nothing of them stays behind."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.text import spool as module
from sparse_sharing.text.spool import Column, Spool

NUMBERS = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), max_size=20)
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from sparse_sharing.text.spool import Column, Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with Spool(Path(sys.argv[1])) as spool:
        Column(spool).extend(range(100_000))
except OSError as error:
    print(error.filename)
"""


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    with Spool(tmp_path_factory.mktemp("spool")) as opened:
        yield opened


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    """Pieces of a few numbers, so that a short column has many."""
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "PIECE", 8)
    yield
    patch.undo()


def content(column):
    """All numbers of a column."""
    return [number for piece in column.pieces() for number in piece.tolist()]


@given(NUMBERS, NUMBERS)
def test_columns_that_are_written_in_turn_are_read_back_separately(spool, first, second):
    columns = Column(spool), Column(spool)
    for number in range(max(len(first), len(second))):
        for column, parts in zip(columns, (first, second), strict=True):
            column.extend(parts[number] if number < len(parts) else [])
    for column, parts in zip(columns, (first, second), strict=True):
        expected = [number for part in parts for number in part]
        assert len(column) == len(expected)
        assert content(column) == content(column) == expected


def test_a_column_goes_on_after_it_was_read(spool):
    column = Column(spool)
    column.extend([1, 2])
    assert content(column) == [1, 2]
    column.extend([3])
    assert content(column) == [1, 2, 3]


def test_a_column_is_never_in_memory_as_a_whole(spool):
    column = Column(spool)
    for number in range(1000):
        column.extend([number])
    assert max(len(piece) for piece in column.pieces()) == 8


def test_a_streamed_column_can_have_its_numbers_exchanged(spool):
    column = Column(spool)
    column.extend([2, 0, 1, 2])
    plain, exchanged = column.streamed(), column.streamed(np.array([10, 11, 12], np.int32))
    assert (plain.shape, plain.nbytes) == ((4,), 16)
    assert np.concatenate(list(plain.pieces())).tolist() == [2, 0, 1, 2]
    assert np.concatenate(list(exchanged.pieces())).tolist() == [12, 10, 11, 12]


def test_nothing_is_left_in_the_folder_even_while_the_spool_is_open(tmp_path):
    with Spool(tmp_path / "new") as spool:
        Column(spool).extend(range(100))
        assert not list((tmp_path / "new").iterdir())
    assert not list((tmp_path / "new").iterdir())


def test_a_full_disk_is_reported_with_the_folder(tmp_path):
    said = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(tmp_path)
