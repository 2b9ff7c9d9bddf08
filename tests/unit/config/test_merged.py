"""Systems that merge the models of another: what they may merge, and what their specs and jobs depend on."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, jobs_of

MERGED = {"name": "merged", "sharing": "merged", "merges": "single", "method": "ties"}
SINGLE = {"name": "single", "sharing": "single"}


def with_systems(changed, *systems):
    """A configuration of one dataset with these systems."""
    values = changed()
    values["data"]["datasets"] = values["data"]["datasets"][:1]
    values["train"]["systems"] = list(systems)
    values.pop("tables", None)
    return values


def test_its_spec_names_the_models_of_all_tasks_and_their_common_start(changed):
    specs = Specs(parse_config(with_systems(changed, SINGLE, MERGED)))
    spec = specs.train("joint", 1, "merged", "shared")
    assert spec.tasks == ["chunk", "ner", "pos"]
    assert spec.models == {task: specs.train("joint", 1, "single", task).digest() for task in spec.tasks}
    assert spec.start == specs.warmup("joint", 1, "initial").digest()


def test_its_job_needs_the_single_models_and_the_start(changed):
    jobs = {job.label: job for job in jobs_of(Specs(parse_config(with_systems(changed, SINGLE, MERGED))))}
    job = jobs["merge joint seed1 merged shared"]
    assert job.needs["models.ner"].label == "train joint seed1 single ner"
    assert job.needs["start"].label == "warmup joint seed1 initial"
    assert jobs["evaluate joint seed1 merged shared"].needs["model"] is job


def test_a_merged_system_changes_no_spec_of_the_models_that_it_merges(changed):
    before, after = (Specs(parse_config(with_systems(changed, *systems))) for systems in ([SINGLE], [SINGLE, MERGED]))
    assert before.train("joint", 1, "single", "ner") == after.train("joint", 1, "single", "ner")


@pytest.mark.parametrize(
    ("method", "grids"),
    [
        ("arithmetic", [None, None, None]),
        ("ties", [[0.2, 0.5, 1.0], None, None]),
        ("dare", [None, [0.5, 0.9], None]),
        ("dare_ties", [[0.2, 0.5, 1.0], [0.5, 0.9], None]),
        ("tall", [None, None, [0.2, 0.3, 0.4, 0.5, 0.6]]),
        ("tall_ties", [[0.2, 0.5, 1.0], None, [0.2, 0.3, 0.4, 0.5, 0.6]]),
    ],
)
def test_a_spec_has_the_grids_that_its_method_uses(changed, method, grids):
    specs = Specs(parse_config(with_systems(changed, SINGLE, {**MERGED, "method": method})))
    spec = specs.train("joint", 1, "merged", "shared")
    assert [spec.densities, spec.drop_rates, spec.thresholds] == grids
    unused = [key for key, grid in zip(("densities", "drop_rates", "thresholds"), grids, strict=True) if grid is None]
    assert not set(unused) & set(spec.model_dump())


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (SINGLE, {"merges": "nothing"}, "merges 'nothing', which is not another system; known: single"),
        (SINGLE, {"merges": "merged"}, "merges 'merged', which is not another system"),
        ({"name": "single", "sharing": "hard"}, {}, "not dense models of single tasks"),
        ({**SINGLE, "choice": "best", "start": "warmup"}, {"start": "warmup"}, "not dense models of single tasks"),
        ({**SINGLE, "layers": 2}, {}, "not dense models of single tasks"),
        (SINGLE, {"start": "warmup"}, "starts from 'initial'; give both systems the same start (got 'warmup')"),
        ({**SINGLE, "tasks": ["pos", "ner"]}, {}, "'single' has no model of task 'chunk' of dataset 'joint'"),
        (SINGLE, {"drop_rates": [0.5]}, "method 'ties' does not use the key 'drop_rates'"),
        (SINGLE, {"densities": [0.5, 0.5]}, "densities: duplicate value 0.5"),
        (SINGLE, {"scales": []}, "scales"),
        (SINGLE, {"method": "mean"}, "method"),
        (SINGLE, {"epochs": 3}, "epochs"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_what_to_do(changed, base, change, message):
    with pytest.raises(ConfigError) as error:
        parse_config(with_systems(changed, base, {**MERGED, **change}))
    assert message in str(error.value)
