"""The loop: one task trains as it would alone, the best epoch is kept, and errors speak plainly."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import TASKS, all_bits, batch_of, encoded, mask_network, network_of, optimization_of, task_data, vocabulary_of

from sparse_sharing.errors import TrainingError
from sparse_sharing.evaluation.metrics import TaskScore
from sparse_sharing.training import loop
from sparse_sharing.training.loop import Progress, train_epochs
from sparse_sharing.training.trainer import Trainer

DATA = task_data()
STREAMS = ("train", "sparse")


def epochs_of(network, optimization, tasks=TASKS, progress=None, seed=1, **options):
    """The epochs of a training, one by one."""
    progress = Progress() if progress is None else progress
    data = {task: DATA[task] for task in tasks}
    trainer = Trainer(network, optimization)
    return train_epochs(network, trainer, data, optimization, STREAMS, progress, seed, **options)


def train(network, optimization, tasks=TASKS, **options):
    """A whole training; returns what it reached."""
    progress = Progress()
    for _ in epochs_of(network, optimization, tasks, progress, **options):
        pass
    return progress


def without_seconds(history):
    """Epochs but for the time they took."""
    return [replace(epoch, seconds=0.0) for epoch in history]


@pytest.fixture
def dev_scores(monkeypatch):
    """A function that fixes the dev scores of the epochs to come, and their dev losses, for each task the same."""

    def fix(*means, losses=None):
        found = iter(zip(means, losses or [1.0] * len(means), strict=True))

        def score(_, tasks):
            value, loss = next(found)
            return {task: TaskScore("accuracy", value, {}, {}, loss) for task in tasks}

        monkeypatch.setattr(loop, "score_dev", score)

    return fix


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("sampling", ["proportional", "round_robin"])
def test_joint_training_of_one_task_equals_single_training(optimizer, sampling):
    alone = network_of(vocabulary_of(("ner",)), dropout=0.5, word_dropout=0.1)
    joint = network_of(vocabulary_of(), dropout=0.5, word_dropout=0.1)
    optimization = optimization_of(optimizer, epochs=3, sampling=sampling)
    histories = [train(network, optimization, ["ner"]).history for network in (alone, joint)]
    assert without_seconds(histories[0]) == without_seconds(histories[1])
    own, shared = all_bits(alone.values()), all_bits(joint.values())
    assert own.items() <= shared.items()
    assert len(shared) == len(own) + 4


def weighted(network, monkeypatch, optimization=None, **weights):
    """Train one epoch with weights of the tasks; returns what it reached and the tasks of its steps."""
    drawn = []
    step = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda own, task, *rest: drawn.append(task) or step(own, task, *rest))
    data = {task: replace(DATA[task], **weights.get(task, {})) for task in TASKS}
    optimization = optimization or optimization_of("adam", epochs=1)
    progress = Progress()
    list(train_epochs(network, Trainer(network, optimization), data, optimization, STREAMS, progress, 1))
    return progress, drawn


@pytest.mark.parametrize("sampling", ["proportional", "round_robin"])
def test_a_sampling_weight_multiplies_the_steps_of_a_task(sampling, monkeypatch):
    optimization = optimization_of("adam", epochs=1, sampling=sampling)
    weights = {"ner": {"sampling_weight": 3.0}, "pos": {"sampling_weight": 1 / 3}}
    _, drawn = weighted(network_of(), monkeypatch, optimization, **weights)
    assert {task: drawn.count(task) for task in TASKS} == {"chunk": 3, "ner": 9, "pos": 1}


def test_weights_of_one_change_no_bit(monkeypatch):
    plain, explicit = network_of(), network_of()
    weighted(plain, monkeypatch)
    weighted(explicit, monkeypatch, ner={"sampling_weight": 1.0, "loss_weight": 1.0})
    assert all_bits(plain.values()) == all_bits(explicit.values())


def test_a_loss_weight_multiplies_only_the_gradient_of_its_task(monkeypatch):
    optimization = optimization_of("sgd", epochs=1, batch_size=100, learning_rate=1e-3)
    moved = {}
    for name, weight in (("once", 1.0), ("twice", 2.0)):
        network = network_of()
        before = network.copy_values()
        weighted(network, monkeypatch, optimization, ner={"loss_weight": weight})
        moved[name] = {key: value - before[key] for key, value in network.copy_values().items()}
    ratio = moved["twice"]["heads.ner.bias"] / moved["once"]["heads.ner.bias"]
    assert torch.allclose(ratio, torch.full_like(ratio, 2.0), rtol=0.01)
    assert torch.allclose(moved["twice"]["heads.pos.bias"], moved["once"]["heads.pos.bias"], rtol=0.01)


def test_heads_of_tasks_that_are_not_trained_do_not_change():
    network, start = network_of(), network_of().values()
    train(network, optimization_of("adam", epochs=2), ["ner"])
    changed = {name for name, value in network.values().items() if not torch.equal(value, start[name])}
    assert {name for name in changed if name.startswith("heads")} == {"heads.ner.weight", "heads.ner.bias"}


def test_equal_seeds_train_to_equal_bits_and_others_do_not():
    results = []
    for seed in (1, 1, 2):
        network = network_of(dropout=0.5)
        train(network, optimization_of("sgd", epochs=2), seed=seed)
        results.append(all_bits(network.values()))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_the_loss_is_that_of_earlier_runs():
    network = mask_network(network_of(layers=2, word_dropout=0.1))
    progress = train(network, optimization_of("adam", epochs=3))
    losses = [epoch.loss for epoch in progress.history]
    assert losses == pytest.approx([1.69370, 1.60304, 1.50467], abs=1e-4)


@pytest.mark.parametrize(
    ("losses", "best"), [([4.0, 3.0, 2.0, 1.0], 3), ([4.0, 2.0, 3.0, 1.0], 2), ([1.0, 1.0, 1.0, 1.0], 2)]
)
def test_of_equal_scores_the_epoch_with_the_lower_dev_loss_is_the_best_and_then_the_earlier(dev_scores, losses, best):
    dev_scores(10.0, 50.0, 50.0, 40.0, losses=losses)
    assert train(network_of(), optimization_of("sgd", epochs=4)).best_epoch == best


def test_a_lower_dev_loss_is_no_better_than_a_higher_score(dev_scores):
    dev_scores(10.0, 50.0, 49.9, losses=[3.0, 2.0, 1.0])
    assert train(network_of(), optimization_of("sgd", epochs=3)).best_epoch == 2


def test_patience_starts_to_count_at_the_first_score_above_zero(dev_scores):
    dev_scores(0.0, 0.0, 0.0, 0.0, 5.0, 5.0, 4.0, 99.0)
    progress = train(network_of(), optimization_of("sgd", epochs=8, patience=2))
    assert [epoch.mean for epoch in progress.history] == [0.0, 0.0, 0.0, 0.0, 5.0, 5.0, 4.0]


def test_a_training_that_finds_nothing_uses_all_its_epochs_and_keeps_the_lowest_dev_loss(dev_scores):
    dev_scores(0.0, 0.0, 0.0, 0.0, 0.0, losses=[5.0, 4.0, 2.0, 3.0, 3.0])
    progress = train(network_of(), optimization_of("sgd", epochs=5, patience=1))
    assert (len(progress.history), progress.best_epoch) == (5, 3)


def test_a_lower_dev_loss_at_the_same_score_does_not_renew_the_patience(dev_scores):
    dev_scores(5.0, 5.0, 5.0, 99.0, losses=[3.0, 2.0, 1.0, 0.5])
    progress = train(network_of(), optimization_of("sgd", epochs=4, patience=2))
    assert (len(progress.history), progress.best_epoch) == (3, 3)


def unchoosing(*tasks):
    """The data of all tasks, with a dev text of some that may choose nothing."""
    return {task: replace(DATA[task], choose_on_dev=task not in tasks) for task in TASKS}


def train_on(data, optimization):
    """A whole training on given data; returns what it reached."""
    network, progress = network_of(), Progress()
    list(train_epochs(network, Trainer(network, optimization), data, optimization, STREAMS, progress, 1))
    return progress


def test_a_task_that_may_not_choose_on_dev_counts_in_no_mean():
    progress = train_on(unchoosing("ner"), optimization_of("adam", epochs=2))
    for epoch in progress.history:
        assert epoch.mean == pytest.approx((epoch.scores["chunk"] + epoch.scores["pos"]) / 2)
        assert list(epoch.scores) == list(TASKS)


def test_where_no_task_may_choose_on_dev_the_last_epoch_is_kept_and_patience_ends_nothing(dev_scores):
    dev_scores(50.0, 40.0, 30.0, 20.0)
    progress = train_on(unchoosing(*TASKS), optimization_of("sgd", epochs=4, patience=1))
    assert (len(progress.history), progress.best_epoch) == (4, 4)


def test_the_dev_loss_is_the_mean_over_tasks_of_the_loss_that_training_lowers():
    network = network_of()
    epoch = train(network, optimization_of("adam", epochs=1)).history[0]
    own = []
    network.encoder.eval()
    for task in TASKS:
        network.activate(task)
        batch = batch_of(DATA[task].dev, task)
        with torch.no_grad():
            own.append(network.loss(task, network.gather(batch), batch).item())
    assert epoch.dev_loss == pytest.approx(np.mean(own), rel=1e-5)


def test_the_best_epoch_is_the_earliest_of_equals_with_equal_losses(dev_scores):
    dev_scores(10.0, 50.0, 50.0, 40.0)
    network, progress, after = network_of(), Progress(), {}
    for epoch in epochs_of(network, optimization_of("sgd", epochs=4), progress=progress):
        after[epoch.number] = all_bits(network.values())
    assert progress.best_epoch == 2
    assert progress.best_mean == 50.0
    assert all_bits(progress.best) == after[2] != after[3]


def test_the_first_epoch_is_the_best_so_far_even_with_a_score_of_zero(dev_scores):
    dev_scores(0.0, 0.0)
    progress = train(network_of(), optimization_of("sgd", epochs=2))
    assert progress.best_epoch == 1


def test_training_ends_with_the_weights_of_the_last_epoch_not_the_best(dev_scores):
    dev_scores(50.0, 10.0)
    network = network_of()
    progress = train(network, optimization_of("sgd", epochs=2))
    assert all_bits(network.values()) != all_bits(progress.best)


def test_patience_is_the_number_of_epochs_without_a_better_score_before_a_stop(dev_scores):
    dev_scores(10.0, 30.0, 20.0, 30.0, 29.0, 99.0)
    progress = train(network_of(), optimization_of("sgd", epochs=6, patience=3))
    assert [epoch.mean for epoch in progress.history] == [10.0, 30.0, 20.0, 30.0, 29.0]
    assert progress.best_epoch == 2


def test_a_better_score_renews_the_patience(dev_scores):
    dev_scores(10.0, 9.0, 11.0, 10.0, 12.0)
    progress = train(network_of(), optimization_of("sgd", epochs=5, patience=2))
    assert (len(progress.history), progress.best_epoch) == (5, 5)


def test_without_patience_all_epochs_are_trained(dev_scores):
    dev_scores(10.0, 9.0, 8.0, 7.0)
    progress = train(network_of(), optimization_of("sgd", epochs=4))
    assert [epoch.number for epoch in progress.history] == [1, 2, 3, 4]


def test_an_epoch_logs_its_scores_and_their_mean():
    epoch = train(network_of(), optimization_of("adam", epochs=1)).history[0]
    assert list(epoch.scores) == list(TASKS)
    assert epoch.mean == pytest.approx(np.mean(list(epoch.scores.values())))
    assert epoch.seconds > 0


def test_the_learning_rate_decays_with_the_epochs():
    optimization = optimization_of("sgd", epochs=3, learning_rate=0.1, learning_rate_decay=0.5)
    rates = [epoch.learning_rate for epoch in train(network_of(), optimization).history]
    assert rates == pytest.approx([0.1, 0.1 / 1.5, 0.1 / 2.0])


def test_a_decayed_learning_rate_is_the_one_that_moves_the_weights():
    decayed, still = network_of(), network_of()
    one = train(decayed, optimization_of("sgd", epochs=2, learning_rate_decay=100.0)).history
    other = train(still, optimization_of("sgd", epochs=2)).history
    assert one[0].loss == other[0].loss
    assert one[1].loss != other[1].loss


def test_each_step_is_reported_with_the_number_of_steps():
    told = []
    train(network_of(), optimization_of("sgd", epochs=1), on_step=lambda *step: told.append(step))
    assert told == [(step, 9) for step in range(1, 10)]


def test_training_learns_what_the_words_say():
    progress = train(network_of(), optimization_of("adam", epochs=12, learning_rate=0.05))
    assert progress.best_mean > 90


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_that_is_not_finite_ends_the_training_with_advice(optimizer):
    optimization = optimization_of(optimizer, epochs=3, learning_rate=1e38)
    with pytest.raises(
        TrainingError,
        match=r"epoch 1: the loss is (nan|inf) at step \d/9, of task \w+\. Lower learning_rate \(now 1e\+38\) or set",
    ):
        train(network_of(), optimization)


def test_a_weight_that_is_not_finite_ends_the_training_by_its_name(monkeypatch):
    network = network_of()
    step, taken = Trainer.step, []

    def spoil(trainer, *arguments):
        loss = step(trainer, *arguments)
        taken.append(loss)
        if len(taken) == 9:
            network.theta[-1] = float("nan")
        return loss

    monkeypatch.setattr(Trainer, "step", spoil)
    with pytest.raises(TrainingError, match=r"epoch 1: the weights recurrent.* are not all finite"):
        train(network, optimization_of("sgd"))


def test_a_task_without_training_sentences_is_refused(monkeypatch):
    monkeypatch.setitem(DATA, "ner", replace(DATA["ner"], train=encoded([])))
    with pytest.raises(TrainingError, match="task ner has no training sentence"):
        train(network_of(), optimization_of("sgd"))


def test_an_error_in_a_step_says_where_it_was(monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(Trainer, "step", fail)
    with pytest.raises(MemoryError) as failed:
        train(network_of(), optimization_of("sgd"))
    assert re.fullmatch(
        r"epoch 1, step 1/9, task \w+, a batch of 4 sentences of up to \d+ tokens", *failed.value.__notes__
    )


def test_the_weights_of_each_tasks_own_best_epoch_are_kept_where_they_are_asked_for(monkeypatch):
    scores = iter([{"pos": pos, "ner": ner, "chunk": 20.0} for pos, ner in ((10.0, 30.0), (40.0, 30.0), (50.0, 10.0))])
    monkeypatch.setattr(
        loop, "score_dev", lambda *_: {task: TaskScore("f1", score, {}, {}) for task, score in next(scores).items()}
    )
    network, progress, after = network_of(), Progress(), {}
    for epoch in epochs_of(network, optimization_of("sgd", epochs=3), progress=progress, each_best=True):
        after[epoch.number] = all_bits(network.values())
    assert progress.own_epochs == {"pos": 3, "ner": 1, "chunk": 1}
    assert (all_bits(progress.own_values["pos"]), all_bits(progress.own_values["ner"])) == (after[3], after[1])
    assert progress.best_epoch == 2
    assert all_bits(progress.best) == after[2]


def test_the_weights_of_own_best_epochs_are_not_kept_where_nobody_asks():
    progress = train(network_of(), optimization_of("sgd", epochs=2))
    assert progress.own_values == progress.own_epochs == {}
