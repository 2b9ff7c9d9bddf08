"""`config/decisive.yaml` makes the jobs, updates and masks of the long run, which was begun before budgets were totals.

Back then `epochs` of a system were those after its start. The numbers of that run are written out here.
"""

import json

import pytest

from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.pipeline.provenance import spec_digest
from sparse_sharing.training.sampling import steps_in_epoch

SENTENCES = 14_041
"""Training sentences of CoNLL-2003."""

EPOCHS = {
    ("single", "ner"): 60,
    ("single_short", "ner"): 15,
    ("single_warm", "ner"): 50,
    ("subnet_warm", "ner"): 50,
    ("hard", "shared"): 60,
    ("hard_warm", "shared"): 50,
    ("sparse", "shared"): 50,
}
"""Epochs that each model is trained after its start."""

MASKS = {"pos": 6, "chunk": 7, "ner": 5}
"""The pruning rounds whose masks are taken."""

OF_OTHER_JOBS = ("data", "tags", "start", "masks")
"""The keys of specs that name the jobs that a job builds on."""


@pytest.fixture(scope="module")
def specs(repository):
    return Specs(load_config(repository / "config" / "decisive.yaml"))


@pytest.fixture(scope="module")
def jobs(specs):
    return {job.label: job for job in jobs_of(specs)}


def test_the_jobs_are_those_of_three_seeds(jobs):
    expected = {"prepare conll03", "tables", "figures", "report"}
    expected |= {f"prepare_task conll03 {task}" for task in MASKS}
    for seed in ("seed1", "seed2", "seed3"):
        expected |= {f"warmup conll03 {seed} initial", f"warmup conll03 {seed} warmup"}
        expected |= {f"prune conll03 {seed} warmup {task}" for task in MASKS}
        expected |= {f"select conll03 {seed} warmup paper"}
        models = [f"conll03 {seed} {system} {model}" for system, model in EPOCHS]
        expected |= {f"{stage} {model}" for stage in ("train", "evaluate") for model in models}
    assert set(jobs) == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("model", EPOCHS)
def test_each_model_is_trained_as_long_as_in_that_run(jobs, seed, model):
    optimization = jobs[f"train conll03 seed{seed} {' '.join(model)}"].spec.optimization
    assert optimization.epochs == EPOCHS[model]
    assert optimization.patience is None
    assert (optimization.optimizer, optimization.learning_rate, optimization.learning_rate_decay) == ("sgd", 0.1, 0.05)


def test_the_updates_of_ner_are_the_same_in_all_systems_but_the_short_one(jobs, specs):
    updates = {}
    for (system, model), epochs in EPOCHS.items():
        spec = jobs[f"train conll03 seed1 {system} {model}"].spec
        warmup = jobs[f"warmup conll03 seed1 {specs.start(system)}"].spec.optimization
        batches = {spec.optimization.batch_size, *([warmup.batch_size] if warmup else [])}
        assert batches == {10}
        updates[system] = (epochs + (warmup.epochs if warmup else 0)) * steps_in_epoch(SENTENCES, 10)
    assert updates == dict.fromkeys(updates, 84_300) | {"single_short": 21_075}


def test_the_masks_are_those_of_the_papers_densities(jobs):
    for seed in (1, 2, 3):
        chosen = jobs[f"select conll03 seed{seed} warmup paper"].spec
        assert (chosen.choice.rule, chosen.choice.rounds, chosen.choice.random) == ("rounds", MASKS, False)
        for task in MASKS:
            pruning = jobs[f"prune conll03 seed{seed} warmup {task}"].spec
            assert (pruning.rounds, pruning.final_density, pruning.optimization.epochs) == (7, 0.44668, 6)
    densities = {task: round(0.44668 ** (round_ / 7), 2) for task, round_ in MASKS.items()}
    assert densities == {"pos": 0.5, "chunk": 0.45, "ner": 0.56}


def test_few_pairs_are_compared_the_question_among_them(specs):
    pairs = [["sparse", "single"], ["sparse", "single_warm"], ["sparse", "hard_warm"], ["hard", "single"]]
    assert (specs.config.tables.baseline, specs.config.tables.comparisons) == ("single", pairs)
    assert ("single", "sparse") in specs.tables().comparisons


@pytest.mark.parametrize(
    ("job", "digest"),
    [
        ("warmup conll03 seed1 warmup", "169a986455cdde72"),
        ("prune conll03 seed1 warmup ner", "fa7e758d6715851d"),
        ("train conll03 seed1 single ner", "336e01e81c496d5b"),
        ("train conll03 seed1 sparse shared", "02655ef499ae7c1b"),
        ("train conll03 seed1 hard_warm shared", "fcc4a2cdff480b93"),
    ],
)
def test_the_settings_are_those_of_that_run(jobs, job, digest):
    """Only the digests of text, tags, weights and masks are others: text and tags had one spec back then."""
    settings = json.loads(jobs[job].spec.canonical())
    assert spec_digest({key: value for key, value in settings.items() if key not in OF_OTHER_JOBS}) == digest
