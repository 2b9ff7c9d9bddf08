"""Seeds: the same on every machine, and another for each purpose."""

from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.training.seeds import derive, generator

PURPOSES = [(), ("initial",), ("order",), ("order", "train", 1), ("order", "train", 2), ("order", "warmup", 1)]


def test_a_seed_is_the_same_on_every_machine():
    assert derive(1, "initial", "words.weight") == 3918235871309249672


@given(st.integers(0, 2**31 - 1), st.sampled_from(PURPOSES))
def test_a_seed_has_63_bits(seed, purpose):
    assert 0 <= derive(seed, *purpose) < 2**63


def test_each_seed_and_purpose_has_random_numbers_of_its_own():
    streams = [(seed, *purpose) for seed in range(20) for purpose in PURPOSES]
    assert len({derive(*stream) for stream in streams}) == len(streams)
    assert len({generator(*stream).random() for stream in streams}) == len(streams)


def test_a_purpose_gives_the_same_random_numbers_again():
    first, second = generator(7, "order", 3), generator(7, "order", 3)
    assert first.random(5).tolist() == second.random(5).tolist()
