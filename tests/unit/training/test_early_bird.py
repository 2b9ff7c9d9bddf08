"""Early-bird masks: a change is what differs from the mask of the call before."""

import torch

from sparse_sharing.masks.mask import Mask
from sparse_sharing.training.early_bird import EarlyBird


def masks(*rows):
    """A function that gives masks of four weights one after the other."""
    rest = iter([Mask(torch.tensor(row, dtype=torch.bool), {"w": (4,)}, "start") for row in rows])
    return lambda: next(rest)


def test_a_change_is_the_share_of_weights_that_one_of_two_masks_keeps():
    watch = EarlyBird(masks([1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 0]), 4, 0.1, 1)
    assert [watch.change() for _ in range(3)] == [None, 0.5, 0.0]


def test_a_training_is_settled_below_the_limit_and_never_before_two_epochs():
    watch = EarlyBird(masks(), 4, 0.1, 1)
    assert not watch.settled([])
    assert not watch.settled([None])
    assert not watch.settled([None, 0.1])
    assert watch.settled([None, 0.09])
    assert watch.settled([None, 0.2, 0.09])


def test_with_a_window_each_of_the_last_changes_must_be_below_the_limit():
    watch = EarlyBird(masks(), 4, 0.1, 3)
    assert not watch.settled([None, 0.05, 0.05])
    assert not watch.settled([None, 0.05, 0.2, 0.05])
    assert not watch.settled([0.05, 0.05])
    assert watch.settled([None, 0.2, 0.05, 0.09, 0.01])
