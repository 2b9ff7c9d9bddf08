"""Sources of masks by themselves: which weights they keep, and the schedule by which weights are removed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from masks_by_hand import dense

from sparse_sharing.config.prune import Prune
from sparse_sharing.masks.sources.base import Moment, Plan, Source, source_of
from sparse_sharing.masks.sources.layers import up_to_layer
from sparse_sharing.masks.sources.start import largest_at_start

SIZE = 40
GRADUAL = {"dense_epochs": 1, "cuts_per_epoch": 4}


def plan(rounds=2, final=0.25, settings=None, start=None):
    """What a source is asked for, over one tensor of SIZE weights."""
    first = torch.zeros(SIZE) if start is None else start
    return Plan(dense(SIZE), first, rounds, final, settings or {})


def moments(epochs, steps):
    """Every step of a training, in order."""
    return [Moment(epoch, epochs, step, steps) for epoch in range(1, epochs + 1) for step in range(1, steps + 1)]


def pruned(source, epochs, steps, values):
    """The masks after each step of a training, and how many cuts there were."""
    mask, masks, cuts = source.plan.dense, [], 0
    for moment in moments(epochs, steps):
        source.observe(values, torch.ones(SIZE))
        if (smaller := source.cut(moment, values, mask)) is not None:
            mask, cuts = smaller, cuts + 1
        masks.append(mask)
    return masks, cuts


@pytest.mark.parametrize("name", Prune.kinds())
def test_every_source_that_the_configuration_knows_can_be_made(name):
    assert isinstance(source_of(name, plan(settings=GRADUAL)), Source)


def test_magnitude_removes_the_smallest_and_change_what_moved_least():
    start = torch.linspace(-1, 1, SIZE)
    values = start.clone()
    values[:5] += 0.5
    by_size = source_of("magnitude", plan(rounds=1, start=start)).masks_after(0, values, dense(SIZE))[0]
    by_change = source_of("change", plan(rounds=1, start=start)).masks_after(0, values, dense(SIZE))[0]
    assert by_size.kept == by_change.kept == 10
    assert by_change.keep[:5].all()
    assert bool(by_size.keep[-1])
    assert not bool(by_size.keep[SIZE // 2])


def test_one_shot_gives_the_masks_of_all_rounds_from_one_ranking():
    values = torch.arange(SIZE).float()
    masks = source_of("one_shot", plan(rounds=2)).masks_after(0, values, dense(SIZE))
    assert [mask.kept for mask in masks] == [20, 10]
    assert [mask.keep.nonzero().flatten().tolist() for mask in masks] == [list(range(20, 40)), list(range(30, 40))]


def test_one_shot_by_change_ranks_once_what_moved_farthest():
    start = torch.linspace(-1, 1, SIZE)
    moved = torch.arange(SIZE).float() * 0.1
    masks = source_of("one_shot_change", plan(rounds=2, start=start)).masks_after(0, start - moved, dense(SIZE))
    assert [mask.keep.nonzero().flatten().tolist() for mask in masks] == [list(range(20, 40)), list(range(30, 40))]


@pytest.mark.parametrize(("epochs", "steps"), [(2, 7), (3, 4), (2, 1), (5, 100)])
def test_gradual_pruning_is_dense_at_first_shrinks_and_ends_at_the_exact_density(epochs, steps):
    source = source_of("gradual", plan(settings=GRADUAL))
    masks, cuts = pruned(source, epochs, steps, torch.arange(SIZE).float())
    assert all(mask.is_dense for mask in masks[:steps])
    kept = [mask.kept for mask in masks]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == round(SIZE * 0.25)
    assert cuts <= GRADUAL["cuts_per_epoch"] * (epochs - 1)
    if steps > GRADUAL["cuts_per_epoch"]:
        assert kept[-2] == kept[-1], "the training must end under the last mask"


@given(st.floats(0.05, 0.95), st.integers(2, 9))
def test_the_schedule_is_cubic_between_its_ends(final, epochs):
    source = source_of("gradual", plan(final=final, settings={"dense_epochs": 1, "cuts_per_epoch": 10}))
    assert source.density(Moment(1, epochs, 10, 10)) == 1
    assert source.density(Moment(epochs, epochs, 10, 10)) == pytest.approx(final)
    halfway = Moment(1, epochs, 1, 1)
    length = epochs - 1 - 0.1
    middle = 1 + length / 2
    moment = Moment(int(middle) + 1, epochs, round((middle - int(middle)) * 1000), 1000)
    assert source.density(halfway) == 1
    assert source.density(moment) == pytest.approx(final + (1 - final) / 8, abs=0.01)


def test_movement_keeps_what_moves_away_from_zero():
    source = source_of("movement", plan(settings=GRADUAL))
    values = torch.ones(SIZE)
    gradient = torch.ones(SIZE)
    gradient[:10] = -1
    source.observe(values, gradient)
    assert source.scores(values)[:10].tolist() == [1.0] * 10
    assert source.scores(values)[10:].tolist() == [-1.0] * 30
    again = source_of("movement", plan(settings=GRADUAL))
    again.load_state(source.state())
    assert torch.equal(again.scores(values), source.scores(values))


def test_the_largest_starting_weights_are_kept_to_the_density_of_each_task():
    masks = largest_at_start(torch.arange(SIZE).float(), dense(SIZE), {"pos": 0.5, "ner": 0.25})
    assert {task: mask.kept for task, mask in masks.items()} == {"pos": 20, "ner": 10}
    assert not (masks["ner"].keep & ~masks["pos"].keep).any()


def test_masks_of_layers_keep_the_characters_and_the_layers_below():
    from sparse_sharing.masks.mask import Mask

    shapes = {"characters.convolution.weight": (2,), "recurrent.0.weight": (3,), "recurrent.1.weight": (4,)}
    mask = up_to_layer(Mask.dense(shapes, "weights"), 1)
    assert mask.tensor_densities() == {
        "characters.convolution.weight": 1,
        "recurrent.0.weight": 1,
        "recurrent.1.weight": 0,
    }


def test_a_source_that_gives_no_scores_says_so():
    with pytest.raises(NotImplementedError, match="Source does not define scores"):
        Source(plan()).scores(torch.zeros(SIZE))
