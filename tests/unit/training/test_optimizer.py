"""The update rules: equal to PyTorch's where everything takes part, and still where nothing does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import bits, optimization_of

from sparse_sharing.training.optimizer import Adam, Sgd, WeightGroups, make_gate, make_rule

STEPS = 6
SIZE = 50


def gradients(count=STEPS):
    """Random gradients, the same each time."""
    random = torch.Generator().manual_seed(1)
    return [torch.randn(SIZE, generator=random) for _ in range(count)]


def run(rule, learning_rate, values, keep=None):
    """Take a step for each gradient; returns the memory."""
    memory = torch.zeros(len(rule.shares), SIZE)
    gate = make_gate(rule, torch.ones(()) if keep is None else keep)
    for step, gradient in enumerate(gradients(), start=1):
        rate = rule.rate(learning_rate, torch.tensor([step], dtype=torch.float64))
        if isinstance(rate, torch.Tensor):
            rate = (gate.keep * rate).float()
        rule.update(values, gradient * gate.keep, memory, gate, rate)
    return memory


def run_reference(make, values):
    """Take the same steps with an optimizer of PyTorch."""
    parameter = torch.nn.Parameter(values)
    optimizer = make([parameter])
    for gradient in gradients():
        parameter.grad = gradient
        optimizer.step()


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_sgd_equals_pytorch(momentum):
    values, expected = torch.ones(SIZE), torch.ones(SIZE)
    run(Sgd(momentum), 0.1, values)
    run_reference(lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=momentum), expected)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-6)


def test_adam_equals_pytorch():
    values, expected = torch.ones(SIZE), torch.ones(SIZE)
    run(Adam(), 0.01, values)
    run_reference(lambda parameters: torch.optim.Adam(parameters, lr=0.01), expected)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", [Sgd(0.0), Sgd(0.5), Sgd(0.9), Adam()], ids=["sgd", "half", "momentum", "adam"])
def test_keeping_everything_equals_having_no_mask(rule):
    values, masked = torch.ones(SIZE), torch.ones(SIZE)
    memory, masked_memory = run(rule, 0.1, values), run(rule, 0.1, masked, torch.ones(SIZE))
    assert (bits(values), bits(memory)) == (bits(masked), bits(masked_memory))


@pytest.mark.parametrize("rule", [Sgd(0.0), Sgd(0.5), Sgd(0.9), Adam()], ids=["sgd", "half", "momentum", "adam"])
def test_what_does_not_take_part_keeps_its_value_and_its_memory(rule):
    keep = (torch.arange(SIZE) % 3 > 0).float()
    values, memory = torch.randn(SIZE), torch.rand(len(rule.shares), SIZE)
    before, outside = (values.clone(), memory.clone()), keep == 0
    rate = 0.1 if isinstance(rule, Sgd) else keep * 0.1
    rule.update(values, gradients()[0] * keep, memory, make_gate(rule, keep), rate)
    assert bits(values[outside]) == bits(before[0][outside])
    assert bits(memory[:, outside]) == bits(before[1][:, outside])
    assert (values != before[0])[~outside].all()


def test_the_rate_of_adam_is_corrected_for_the_first_steps():
    rates = Adam().rate(0.01, torch.tensor([1.0, 100_000.0], dtype=torch.float64))
    assert rates[0].item() == pytest.approx(0.01 * 0.001**0.5 / 0.1)
    assert rates[1].item() == pytest.approx(0.01)


def test_the_rate_of_sgd_does_not_depend_on_the_step():
    rates = [Sgd(0.9).rate(0.01, torch.tensor([steps], dtype=torch.float64)) for steps in (1.0, 7.0)]
    assert rates == pytest.approx([0.1, 0.1])


def test_the_configuration_names_the_rule():
    assert isinstance(make_rule(optimization_of("adam")), Adam)
    assert isinstance(make_rule(optimization_of("sgd")), Sgd)
    assert make_rule(optimization_of("sgd", momentum=0.75)).shares == (0.25,)


MASKS = st.integers(1, 20).flatmap(
    lambda size: st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]),
        st.none() | st.lists(st.booleans(), min_size=size, max_size=size).map(torch.tensor),
        min_size=1,
    ).map(lambda keeps: (keeps, size))
)


@settings(deadline=None)
@given(MASKS)
def test_weights_share_a_group_if_the_same_tasks_keep_them(masks):
    keeps, size = masks
    groups_of_weights = WeightGroups(keeps, size, torch.device("cpu"))
    group = [0] * size if groups_of_weights.group is None else groups_of_weights.group.tolist()
    kept_by = [tuple(keep is None or bool(keep[place]) for keep in keeps.values()) for place in range(size)]
    assert len(set(zip(group, kept_by, strict=True))) == len(set(group)) == len(set(kept_by))


@settings(deadline=None)
@given(MASKS)
def test_the_groups_of_a_task_are_the_weights_it_keeps(masks):
    keeps, size = masks
    groups_of_weights = WeightGroups(keeps, size, torch.device("cpu"))
    for task, keep in keeps.items():
        member = groups_of_weights.members[task]
        kept = member.expand(size) if groups_of_weights.group is None else member[groups_of_weights.group.long()]
        assert torch.equal(kept, torch.ones(size, dtype=torch.bool) if keep is None else keep)


@settings(deadline=None)
@given(MASKS, st.data())
def test_a_range_has_one_group_where_all_its_weights_share_it_and_else_the_group_of_each(masks, data):
    keeps, size = masks
    groups_of_weights = WeightGroups(keeps, size, torch.device("cpu"))
    start = data.draw(st.integers(0, size - 1))
    part = slice(start, data.draw(st.integers(start + 1, size)))
    own = [0] * (part.stop - part.start) if groups_of_weights.group is None else groups_of_weights.group[part].tolist()
    for _ in range(2):
        groups = groups_of_weights.groups(part)
        assert groups == own[0] if len(set(own)) == 1 else groups.tolist() == own
