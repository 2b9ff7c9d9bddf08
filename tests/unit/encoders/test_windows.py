from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from sparse_sharing.encoders.windows import windows_of

SENTENCES = st.lists(st.integers(1, 9), min_size=1, max_size=60)


def test_a_sentence_that_fits_has_one_window():
    windows = windows_of([1, 2, 3], 6)
    assert windows.spans == [(0, 6)]
    assert windows.window.tolist() == [0] * 6


def test_each_word_is_read_where_it_has_the_most_context():
    windows = windows_of([1] * 12, 8)
    assert windows.spans == [(0, 8), (4, 12)]
    # Piece 5 has 2 pieces behind it in the first window and 1 before it in the second.
    assert windows.window.tolist() == [0] * 6 + [1] * 6


def test_a_word_longer_than_a_window_is_cut_and_all_of_it_is_read():
    windows = windows_of([2, 11, 2], 4)
    assert windows.spans[-1][1] == 15
    assert len(windows.window) == 15


@given(lengths=SENTENCES, capacity=st.integers(1, 20))
@example(lengths=[3, 3, 3], capacity=8)
def test_windows_are_cut_at_words_and_leave_nothing_out(lengths, capacity):
    windows = windows_of(lengths, capacity)
    edges = {sum(lengths[:number]) for number in range(len(lengths) + 1)}
    for start, end in windows.spans:
        assert 0 < end - start <= capacity
        if max(lengths) <= capacity:
            assert {start, end} <= edges
    assert windows.spans[0][0] == 0
    assert windows.spans[-1][1] == sum(lengths) == len(windows.window)
    for piece, number in enumerate(windows.window):
        start, end = windows.spans[number]
        assert start <= piece < end
    if max(lengths) <= capacity:
        for number, length in enumerate(lengths):
            begin = sum(lengths[:number])
            assert len(set(windows.window[begin : begin + length])) == 1


@given(lengths=SENTENCES, capacity=st.integers(9, 40))
def test_no_other_window_gives_a_word_more_context(lengths, capacity):
    windows, total = windows_of(lengths, capacity), sum(lengths)
    begin = 0
    for length in lengths:
        end = begin + length
        context = [
            min(begin - s if s else total, e - end if e != total else total)
            for s, e in windows.spans
            if s <= begin and end <= e
        ]
        s, e = windows.spans[windows.window[begin]]
        assert min(begin - s if s else total, e - end if e != total else total) == max(context)
        begin = end


@given(count=st.integers(10, 400), capacity=st.integers(8, 40))
def test_windows_overlap_by_a_quarter(count, capacity):
    spans = windows_of([1] * count, capacity).spans
    for (_, end), (start, _) in pairwise(spans):
        assert end - start >= capacity // 4
    assert len(spans) <= 1 + count // (capacity - capacity // 4)
