"""How much two prunings of one task overlap: a second pruning with another order of the data, in the tables only."""

import csv
import shutil

import pytest

from sparse_sharing.masks.analysis import overlap
from sparse_sharing.masks.files import load_mask, mask_name
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.stages import prune
from sparse_sharing.storage.artifacts import load_tensors

TASKS = ("chunk", "ner", "pos")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def masks_of(pipeline, pattern, task):
    return pipeline.path(pattern, start="warmup", task=task) / "masks.safetensors"


@pytest.fixture(scope="module")
def again(finished, tmp_path_factory):
    """A finished pipeline whose sparse masks were pruned a second time, and its tables."""
    folder = tmp_path_factory.mktemp("again") / "copy"
    shutil.copytree(finished.folder, folder)
    systems = [system for system in finished.values["train"]["systems"] if system["name"] != "whole"]
    own = finished.changed(prune={"self_overlap": True}, train={"systems": systems})
    own.folder = folder
    for dataset, seed, start, task in own.specs.tables().prunings_again():
        spec = own.specs.prune_again(dataset, seed, start, task)
        output = own.path(layout.PRUNE_AGAIN, start=start, task=task)
        prune.run(spec, *own.texts, own.weights(start), output, "cpu")
    own.tables()
    return own


def test_the_second_pruning_has_other_masks_of_the_same_sizes(again):
    for task in TASKS:
        first, second = (
            load_tensors(masks_of(again, pattern, task), "masks") for pattern in (layout.PRUNE, layout.PRUNE_AGAIN)
        )
        for number in (1, 2):
            one, other = (load_mask(artifact, mask_name(number), None) for artifact in (first, second))
            assert (one.kept, one.weights) == (other.kept, other.weights)
            assert not one.keep.equal(other.keep)


def test_the_tables_give_the_overlap_of_both_prunings_of_each_task_and_its_mean_for_pairs(again):
    expected = {}
    for task in TASKS:
        files = [masks_of(again, pattern, task) for pattern in (layout.PRUNE, layout.PRUNE_AGAIN)]
        expected[task] = overlap([load_mask(load_tensors(file, "masks"), mask_name(1), file) for file in files])
        assert 0.4 < expected[task] < 1
    tables = again.path(layout.TABLES)
    found = {row["task"]: float(row["self_overlap"]) for row in rows_of(tables / "masks.csv")}
    assert found == {task: pytest.approx(value, abs=1e-6) for task, value in expected.items()}
    pairs = {row["tasks"]: row["self_overlap"] for row in rows_of(tables / "overlap.csv")}
    assert float(pairs["chunk&ner"]) == pytest.approx((expected["chunk"] + expected["ner"]) / 2, abs=1e-6)
    assert pairs["chunk&ner&pos"] == ""


def test_a_second_pruning_changes_the_specs_of_the_tables_only(again, finished):
    plain = Specs(finished.changed(train={"systems": again.values["train"]["systems"]}).config)
    specs = {job.label: job.spec.canonical() for job in jobs_of(plain)}
    for job in jobs_of(again.specs):
        if job.label in specs and job.stage not in ("tables", "figures", "report"):
            assert job.spec.canonical() == specs[job.label]
    more = {job.label for job in jobs_of(again.specs)} - set(specs)
    assert more == {f"prune_again joint seed1 warmup {task}" for task in TASKS}
    assert "again" not in "".join(specs.values())


def test_masks_drawn_at_random_for_each_task_and_masks_without_pruning_have_no_second_one(finished):
    choices = [
        {"name": "permuted", "rule": "best_dev", "random": "permuted"},
        {"name": "random", "rule": "best_dev", "random": True},
        {"name": "largest", "rule": "magnitude", "target_density": 0.5},
        {"name": "unused", "rule": "best_dev"},
    ]
    systems = [{"name": own["name"], "sharing": "sparse", "choice": own["name"]} for own in choices[:3]]
    values = {"prune": {"self_overlap": True}, "select": {"choices": choices}, "train": {"systems": systems}}
    assert finished.changed(**values).specs.tables().self_overlap == ["permuted"]
