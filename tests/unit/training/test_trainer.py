"""A step changes what takes part in it, and bit for bit nothing else; with everything taking part it is ordinary."""

import pytest
import torch
from tiny import (
    TASKS,
    all_bits,
    batch_of,
    bits,
    encoded,
    mask_network,
    network_of,
    optimization_of,
    random_mask,
    sentence_of,
    sentences,
    vocabulary_of,
)

from sparse_sharing.masks.mask import Mask
from sparse_sharing.training.trainer import Trainer

OPTIMIZERS = pytest.mark.parametrize("optimizer", ["sgd", "adam"])
STEPS = 9


def steps_of(count=STEPS, tasks=TASKS):
    """(task, batch) pairs, the tasks in turn, each batch with other sentences."""
    text = encoded(sentences(4 * count, seed=1))
    turns = [tasks[number % len(tasks)] for number in range(count)]
    return [(task, batch_of(text, task, *range(4 * n, 4 * n + 4))) for n, task in enumerate(turns)]


def walk(network, optimizer, **changes):
    """Train step by step; after each gives the trainer, the task, its batch, and copies from before the step."""
    settings = optimization_of(optimizer, **changes)
    trainer = Trainer(network, settings)
    for task, batch in steps_of():
        before = network.copy_values(), {name: value.clone() for name, value in trainer.state().items()}
        theta = network.theta.clone()
        trainer.step(task, batch, settings.learning_rate)
        yield trainer, task, batch, theta, *before


def train(network, optimizer, steps=None, **changes):
    """Train on all steps; returns the bits of all weights and of the optimizer's memory, without its counts."""
    settings = optimization_of(optimizer, **changes)
    trainer = Trainer(network, settings)
    torch.manual_seed(1)
    losses = [trainer.step(task, batch, settings.learning_rate).item() for task, batch in steps or steps_of()]
    return losses, all_bits(network.values()), all_bits(trainer.memory)


@OPTIMIZERS
@pytest.mark.parametrize("clip", [None, 0.1])
def test_weights_outside_the_mask_and_their_memory_stay_bit_for_bit(optimizer, clip):
    network, remembered = mask_network(network_of(layers=2)), 0
    for trainer, task, _, theta, _, state in walk(network, optimizer, gradient_clip=clip):
        outside = ~network.keeps[task]
        memory = state["memory.encoder"][:, outside]
        assert outside.any()
        assert bits(network.theta[outside]) == bits(theta[outside])
        assert bits(trainer.memory["encoder"][:, outside]) == bits(memory)
        remembered += int(memory.count_nonzero())
    assert remembered > 0


def test_weight_decay_leaves_weights_outside_the_mask_bit_for_bit():
    network = mask_network(network_of(layers=2))
    network.theta[::7] = -0.0
    for _, task, batch, theta, values, _ in walk(network, "adam", weight_decay=0.5):
        outside = ~network.keeps[task]
        assert bits(network.theta[outside]) == bits(theta[outside])
        others = torch.ones(len(values["words.weight"]), dtype=torch.bool)
        others[batch.word_rows] = False
        assert bits(network.rows["words.weight"][others]) == bits(values["words.weight"][others])


@OPTIMIZERS
def test_weights_inside_the_mask_change(optimizer):
    network = mask_network(network_of(layers=2))
    for _, task, _, theta, _, _ in walk(network, optimizer):
        changed = (network.theta != theta)[network.keeps[task]]
        assert changed.float().mean() > 0.8


@OPTIMIZERS
def test_what_no_mask_covers_changes_in_every_step(optimizer):
    network = mask_network(network_of())
    uncovered = [name for name, _ in network.encoder.named_parameters() if name not in network.prunable_shapes]
    for _, _, _, _, values, _ in walk(network, optimizer):
        assert not any(torch.equal(network.values()[name], values[name]) for name in uncovered)


def test_a_weight_counts_only_the_steps_of_the_tasks_that_keep_it():
    """The first step of Adam moves a weight by the learning rate, the fourth in general does not."""
    network = mask_network(network_of())
    trainer = Trainer(network, optimization_of("adam", gradient_clip=None))
    steps = steps_of(tasks=("pos", "pos", "pos", "ner"))
    for task, batch in steps[:3]:
        trainer.step(task, batch, 0.01)
    before = network.theta.clone()
    trainer.step(*steps[3], 0.01)
    moved = (network.theta - before).abs()
    first = network.keeps["ner"] & ~network.keeps["pos"]
    fourth = network.keeps["ner"] & network.keeps["pos"]
    assert (moved[first] - 0.01).abs().quantile(0.8) < 1e-4
    assert (moved[fourth] - 0.01).abs().quantile(0.2) > 1e-4


@OPTIMIZERS
def test_words_outside_the_batch_and_their_memory_stay_bit_for_bit(optimizer):
    network = mask_network(network_of())
    for trainer, _, batch, _, values, state in walk(network, optimizer):
        absent = torch.ones(len(network.rows["words.weight"]), dtype=torch.bool)
        absent[batch.word_rows] = False
        assert absent[1:].any()
        assert bits(network.rows["words.weight"][absent]) == bits(values["words.weight"][absent])
        assert bits(trainer.memory["words.weight"][:, absent]) == bits(state["memory.words.weight"][:, absent])
        assert bits(trainer.counts["words.weight"][absent]) == bits(state["counts.words.weight"][absent])
        assert (network.rows["words.weight"] != values["words.weight"])[batch.word_rows].any(1).all()


@OPTIMIZERS
def test_a_field_moves_as_a_whole_with_its_task_and_else_not_at_all(optimizer):
    network = mask_network(network_of(head="crf"))
    for trainer, task, _, theta, values, state in walk(network, optimizer):
        outside = ~network.keeps[task]
        assert bits(network.theta[outside]) == bits(theta[outside])
        now = all_bits(network.values()) | all_bits(trainer.state())
        heads = {name: bits(value) for name, value in (values | state).items() if "heads." in name}
        assert len(heads) == 7 * len(TASKS)
        for name, before in heads.items():
            assert (now[name] == before) == (f"heads.{task}" not in name), name


@OPTIMIZERS
def test_other_heads_and_their_memory_stay_bit_for_bit(optimizer):
    network = mask_network(network_of())
    for trainer, task, _, _, values, state in walk(network, optimizer):
        now = all_bits(network.values()) | all_bits(trainer.state())
        heads = {name: bits(value) for name, value in (values | state).items() if "heads." in name}
        assert len(heads) == 4 * len(TASKS)
        for name, before in heads.items():
            assert (now[name] == before) == (f"heads.{task}" not in name)


@OPTIMIZERS
def test_the_embedding_of_padding_stays_zero(optimizer):
    network = network_of()
    train(network, optimizer)
    embedding = network.values()["characters.embedding.weight"]
    assert not embedding[0].any()
    assert embedding[2:].any(1).all()


@OPTIMIZERS
@pytest.mark.parametrize("clip", [None, 0.5])
def test_hard_sharing_is_sparse_sharing_with_masks_of_ones(optimizer, clip):
    hard, sparse = network_of(layers=2, dropout=0.3), network_of(layers=2, dropout=0.3)
    # Applied like any other masks, without the shortcut for those that keep everything.
    sparse.set_masks(dict.fromkeys(TASKS, Mask.dense(sparse.prunable_shapes, "weights")), simplify=False)
    assert all(keep.all() for keep in sparse.keeps.values())
    assert train(hard, optimizer, gradient_clip=clip) == train(sparse, optimizer, gradient_clip=clip)


@OPTIMIZERS
def test_a_dense_task_beside_a_sparse_one_trains_as_in_a_dense_network(optimizer):
    dense, mixed = network_of(), network_of()
    mixed.set_masks({"ner": random_mask(mixed, 0.5)})
    steps = steps_of(tasks=("pos", "chunk"))
    assert train(dense, optimizer, steps) == train(mixed, optimizer, steps)


@OPTIMIZERS
def test_a_mask_may_empty_a_layer_as_in_hierarchical_sharing(optimizer):
    network = network_of(layers=2)
    shapes = network.prunable_shapes
    upper = {name: name.startswith("recurrent.1") for name in shapes}
    parts = [torch.full(shape, not upper[name]).flatten() for name, shape in shapes.items()]
    network.set_masks({"pos": Mask(torch.cat(parts), shapes, "weights")})
    for _, task, _, _, values, _ in walk(network, optimizer):
        now = network.values()
        still = all(torch.equal(now[name], values[name]) for name in shapes if upper[name])
        assert still == (task == "pos")
        assert not any(torch.equal(now[name], values[name]) for name in shapes if not upper[name])
    assert torch.isfinite(network.theta).all()


def whole_text_steps(count=5):
    """The same batch again and again, with every word of the vocabulary."""
    batch = batch_of(encoded([sentence_of(*range(8)), sentence_of(2, 5)]), "pos")
    assert len(batch.word_rows) == len(vocabulary_of().words)
    return [("pos", batch)] * count


def train_with_pytorch(network, make, steps, epsilon=None):
    """Train all weights with an optimizer of PyTorch; `epsilon` gives that of a step."""
    network.rows["words.weight"].requires_grad_()
    optimizer = make([*network.encoder.parameters(), network.rows["words.weight"], *network.heads.values()])
    for step, (task, batch) in enumerate(steps, start=1):
        if epsilon is not None:
            optimizer.param_groups[0]["eps"] = epsilon(step)
        optimizer.zero_grad(set_to_none=False)
        network.loss(task, network.gather(batch), batch).backward()
        optimizer.step()
    return {name: value.detach() for name, value in network.values().items()}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_dense_sgd_on_one_task_equals_pytorch(momentum):
    own, reference, steps = network_of(), network_of(), whole_text_steps()
    train(own, "sgd", steps, learning_rate=0.1, momentum=momentum)
    expected = train_with_pytorch(
        reference, lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=momentum), steps
    )
    for name, value in own.values().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-6)


def test_dense_adam_on_one_task_equals_pytorch():
    own, reference, steps = network_of(), network_of(), whole_text_steps()
    train(own, "adam", steps, learning_rate=0.001)
    # PyTorch adds epsilon after the bias correction, the efficient form of the paper on Adam before it
    expected = train_with_pytorch(
        reference,
        lambda parameters: torch.optim.Adam(parameters, lr=0.001),
        steps,
        epsilon=lambda step: 1e-8 / (1 - 0.999**step) ** 0.5,
    )
    for name, value in own.values().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-6)


def movement(network, values):
    """The norm of everything that changed."""
    return torch.stack([(value - values[name]).norm() for name, value in network.values().items()]).norm().item()


def test_dense_adam_with_weight_decay_on_one_task_equals_pytorch():
    network, twin = (network_of(vocabulary_of(["pos"])) for _ in range(2))
    settings = optimization_of("adam", weight_decay=0.1, head_learning_rate=0.03)
    trainer = Trainer(network, settings)
    parts, infos = twin.parts(twin.theta), twin.parameters.infos
    decayed = {name for name, info in infos.items() if info.role in ("matrix", "embedding")}
    groups = [
        {"params": [part for name, part in parts.items() if name in decayed], "weight_decay": 0.1},
        {"params": [part for name, part in parts.items() if name not in decayed], "weight_decay": 0.0},
        {"params": [twin.heads["pos"]], "weight_decay": 0.0, "lr": 0.03},
    ]
    reference = torch.optim.AdamW(groups, lr=settings.learning_rate)
    for step, (task, batch) in enumerate(steps_of(tasks=["pos"]), start=1):
        for group in reference.param_groups:
            group["eps"] = 1e-8 / (1 - 0.999**step) ** 0.5
        # The gradients of the same weights: Adam makes much of rounding where a gradient is nearly zero.
        found = trainer.differentiate(task, batch, 1.0)
        trainer.step(task, batch, settings.learning_rate)
        for part, gradient in zip(parts.values(), found.encoder, strict=True):
            part.grad = gradient
        twin.heads["pos"].grad = found.head
        reference.step()
    torch.testing.assert_close(network.theta, twin.theta, rtol=0, atol=1e-5)
    torch.testing.assert_close(network.heads["pos"], twin.heads["pos"], rtol=0, atol=1e-5)


def test_rows_have_a_rate_of_their_own():
    slow, fast = network_of(), network_of()
    (task, batch) = steps_of(1)[0]
    before = slow.rows["words.weight"].clone()
    for network, rate in ((slow, 0.01), (fast, 0.02)):
        settings = optimization_of("adam", embedding_learning_rate=rate)
        Trainer(network, settings).step(task, batch, settings.learning_rate)
    change, double = (network.rows["words.weight"] - before for network in (slow, fast))
    torch.testing.assert_close(2 * change, double, rtol=1e-3, atol=1e-6)
    assert torch.equal(slow.theta, fast.theta)


@pytest.mark.parametrize("clip", [0.01, 0.1])
def test_a_bound_limits_the_norm_of_the_gradient_of_what_takes_part(clip):
    network = mask_network(network_of())
    for _, _, _, _, values, _ in walk(network, "sgd", gradient_clip=clip, learning_rate=1.0, momentum=0.0):
        assert movement(network, values) == pytest.approx(clip, rel=1e-3)


@OPTIMIZERS
def test_a_bound_that_is_never_reached_changes_nothing(optimizer):
    assert train(network_of(), optimizer, gradient_clip=1e6) == train(network_of(), optimizer)


@pytest.mark.parametrize("head", ["linear", "crf"])
def test_training_lowers_the_loss(head):
    losses, _, _ = train(network_of(head=head), "adam", whole_text_steps(30))
    assert losses[-1] < losses[0] / 2


@OPTIMIZERS
def test_the_state_goes_into_another_trainer(optimizer):
    network = mask_network(network_of())
    *_, (trainer, *_) = walk(network, optimizer)
    other = Trainer(mask_network(network_of()), optimization_of(optimizer))
    assert all_bits(other.state()) != all_bits(trainer.state())
    other.load_state(trainer.state())
    assert all_bits(other.state()) == all_bits(trainer.state())
