"""Systems that add a task to the model of another: what they may extend, and what their specs depend on."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.inspection.disk import NUMBER, PREDICTION, disk_bytes
from sparse_sharing.pipeline import Specs, jobs_of

PAIR = {"name": "two", "sharing": "sparse", "choice": "best", "tasks": ["pos", "chunk"]}
HARD = {"name": "two", "sharing": "hard", "tasks": ["pos", "chunk"]}
LARGER = {"name": "larger", "sharing": "extended", "extends": "two", "task": "ner"}


def with_systems(changed, *systems):
    """A configuration of one dataset with a baseline and these systems."""
    values = changed()
    values["data"]["datasets"] = values["data"]["datasets"][:1]
    values["train"]["systems"] = [{"name": "single", "sharing": "single"}, *systems]
    values.pop("tables", None)
    return values


def test_it_has_the_tasks_of_the_system_that_it_extends_and_the_new_one_last(changed):
    specs = Specs(parse_config(with_systems(changed, PAIR, LARGER)))
    spec = specs.train("joint", 1, "larger", "shared")
    assert (spec.tasks, spec.task, spec.share) == (["chunk", "pos", "ner"], "ner", 0.5)
    assert spec.model == specs.train("joint", 1, "two", "shared").digest()


def test_its_job_needs_the_model_that_it_extends(changed):
    jobs = {job.label: job for job in jobs_of(Specs(parse_config(with_systems(changed, PAIR, LARGER))))}
    job = jobs["add_task joint seed1 larger shared"]
    assert job.needs["model"].label == "train joint seed1 two shared"
    assert jobs["evaluate joint seed1 larger shared"].needs["model"] is job


def test_an_extended_model_can_be_extended(changed):
    values = with_systems(changed, PAIR, LARGER)
    values["data"]["datasets"][0]["corpora"][0]["tasks"].append({"name": "topic", "column": 4})
    values["train"]["systems"][-1]["tasks"] = ["pos", "chunk", "ner"]
    values["train"]["systems"].append({"name": "largest", "sharing": "extended", "extends": "larger", "task": "topic"})
    spec = Specs(parse_config(values)).train("joint", 1, "largest", "shared")
    assert spec.tasks == ["chunk", "pos", "ner", "topic"]


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (PAIR, {"extends": "nothing"}, "extends 'nothing', which is not another system; known: single, two"),
        (PAIR, {"extends": "larger"}, "extends 'larger', which is not another system"),
        (
            {"name": "two", "sharing": "hard", "tasks": ["pos", "chunk"]},
            {},
            "sharing 'hard', which leaves no weight free",
        ),
        (PAIR, {"task": "pos"}, "must be those of 'two' (chunk, pos) and the new one, 'pos'"),
        (PAIR, {"tasks": ["pos", "ner"]}, "must be those of 'two' (chunk, pos) and the new one, 'ner'; got ner, pos"),
        (PAIR, {"share": 0}, "share"),
        (PAIR, {"choice": "best"}, "choice"),
    ],
)
def test_what_cannot_be_extended_is_refused_with_what_to_do(changed, base, change, message):
    with pytest.raises(ConfigError) as error:
        parse_config(with_systems(changed, base, {**LARGER, **change}))
    assert message in str(error.value)


def test_another_system_neither_adds_a_task_nor_merges_models(changed):
    specs = Specs(parse_config(with_systems(changed, PAIR, LARGER)))
    with pytest.raises(ConfigError, match=r"system 'two' has sharing 'sparse'; only 'extended' adds a task"):
        specs.add_task("joint", 1, "two", "shared")
    with pytest.raises(ConfigError, match=r"system 'two' has sharing 'sparse'; only 'merged' merges models"):
        specs.merge("joint", 1, "two", "shared")


def test_its_model_is_part_of_the_estimate_of_the_disk(changed):
    tokens = {"joint": {split: dict.fromkeys(("chunk", "ner", "pos"), 10) for split in ("train", "dev", "test")}}
    runs = [Specs(parse_config(with_systems(changed, *systems))) for systems in ((PAIR,), (PAIR, LARGER))]
    small, large = (disk_bytes(jobs_of(run), {"joint": (1000, 800)}, tokens) for run in runs)
    assert large - small == len(runs[0].config.seeds) * (NUMBER * 1000 + 3 * 100 + PREDICTION * 3 * 10)
