"""What the stages say of their cost: updates, tokens, dev scores and processor time, also after an interruption."""

from collections import Counter

import pandas as pd
import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.inspection.budgets import planned_updates
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.costs import SECONDS_FILE, read_costs
from sparse_sharing.training.trainer import Trainer

TASKS = ("chunk", "ner", "pos")
SENTENCES, STEPS = 40, 10
"""Of the training text, and its batches of four in an epoch."""
EPOCHS, ROUNDS = 5, 4
"""Of a training, and of a pruning with one epoch in each round."""


def folder_of(pipeline, system, model="shared"):
    return pipeline.path(layout.MODEL, system=system, model=model)


def row_of(pipeline, system, task):
    frame = pd.read_csv(pipeline.path(layout.TABLES) / "costs.csv")
    return frame[(frame["system"] == system) & (frame["task"] == task)].iloc[0]


def test_the_record_of_a_training_counts_the_steps_that_it_made(finished, tmp_path, monkeypatch):
    made, step = Counter(), Trainer.step

    def counted(self, task, batch, *arguments):
        made[task, "updates"] += 1
        made[task, "tokens"] += int(batch.mask.sum())
        return step(self, task, batch, *arguments)

    monkeypatch.setattr(Trainer, "step", counted)
    costs = read_costs(finished.train("hard", output=tmp_path / "out"))
    assert costs.updates == {task: made[task, "updates"] for task in TASKS}
    assert costs.tokens == {task: made[task, "tokens"] for task in TASKS}
    assert costs.dev_scores == dict.fromkeys(TASKS, EPOCHS)
    assert costs.processor_seconds > 0


def test_a_warm_up_chooses_nothing_on_dev(finished):
    warm = read_costs(finished.path(layout.START, start="warmup"))
    assert (warm.updates, warm.dev_scores) == (dict.fromkeys(TASKS, STEPS), {})
    initial = read_costs(finished.path(layout.START, start="initial"))
    assert (initial.updates, initial.tokens, initial.dev_scores) == ({}, {}, {})


def test_a_pruning_counts_the_epochs_of_all_rounds(finished):
    costs = read_costs(finished.path(layout.PRUNE, start="warmup", task="ner"))
    assert (costs.updates, costs.dev_scores) == ({"ner": ROUNDS * STEPS}, {"ner": ROUNDS})


@pytest.mark.parametrize("system", ["single", "hard", "sparse"])
def test_the_updates_made_are_those_that_validate_plans(finished, system):
    planned = planned_updates(finished.specs, "joint", system, dict.fromkeys(TASKS, SENTENCES))
    for task in TASKS:
        row = row_of(finished, system, task)
        assert row["updates_start"] + row["updates_training"] == planned[task]


def test_the_table_shows_warm_up_pruning_and_training_apart(finished):
    row = row_of(finished, "sparse", "ner")
    assert list(row[["updates_start", "updates_pruning", "updates_training"]]) == [
        STEPS,
        ROUNDS * STEPS,
        EPOCHS * STEPS,
    ]
    assert row["dev_scores"] == ROUNDS + EPOCHS
    total = row_of(finished, "sparse", "all")
    assert total["updates_training"] == 3 * EPOCHS * STEPS
    assert (total[["seconds_start", "seconds_pruning", "seconds_training"]] > 0).all()
    single = row_of(finished, "single", "all")
    assert list(single[["updates_start", "updates_pruning", "dev_scores"]]) == [0, 0, 3 * EPOCHS]


def test_the_summary_shows_the_budget_and_no_time(finished):
    text = (finished.path(layout.TABLES) / "summary.md").read_text(encoding="utf-8")
    cost = text.partition("### Cost")[2]
    assert f"{STEPS} + {EPOCHS * STEPS} \\[{ROUNDS * STEPS}\\]" in cost
    assert "Processor seconds are in costs.csv" in cost


def test_results_of_earlier_versions_have_blank_costs(pipeline):
    (folder_of(pipeline, "sparse") / "costs.json").unlink()
    pipeline.tables()
    assert pd.isna(row_of(pipeline, "sparse", "ner")["updates_training"])
    assert row_of(pipeline, "sparse", "ner")["updates_start"] == STEPS
    assert "10 + ?" in (pipeline.path(layout.TABLES) / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", ["train", "prune"])
def test_processor_time_outlives_an_interruption(finished, tmp_path, monkeypatch, stage):
    output = tmp_path / "out"
    run = {
        "train": lambda: finished.train("sparse", output=output),
        "prune": lambda: finished.prune("ner", output=output),
    }[stage]
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=2)
        run()
    kept = output / "work" / SECONDS_FILE
    assert float(kept.read_text()) > 0
    kept.write_text("1000\n")
    costs = read_costs(run())
    assert 1000 < costs.processor_seconds < 1600
    assert costs.updates["ner"] == {"train": EPOCHS, "prune": ROUNDS}[stage] * STEPS


def test_the_metrics_say_how_the_training_went(finished):
    details = finished.details(finished.path(layout.EVALUATION, system="sparse", model="shared") / "metrics.json")
    history = pd.read_csv(folder_of(finished, "sparse") / "history.csv")
    training = details["training"]
    assert training["best_epoch"] == history["dev mean"].argmax() + 1
    assert (training["epochs"], training["planned_epochs"]) == (EPOCHS, EPOCHS)
    assert training["best_dev"] == {task: history[f"dev {task}"].max() for task in TASKS}
    assert training["updates"] == dict.fromkeys(TASKS, EPOCHS * STEPS)
    assert training["seconds"] == read_costs(folder_of(finished, "sparse")).processor_seconds


def test_a_model_of_an_earlier_version_is_evaluated_without_its_cost(pipeline):
    (folder_of(pipeline, "hard") / "costs.json").unlink()
    details = pipeline.details(pipeline.evaluate("hard") / "metrics.json")
    assert (details["training"]["updates"], details["training"]["seconds"]) == ({}, None)
    assert details["training"]["epochs"] == EPOCHS
