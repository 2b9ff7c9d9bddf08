"""The switches of `replicate`: off they leave no trace, on they concern just what the original did otherwise."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.config.replicate import Replicate
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs

JOINT = ("clip_by_value", "epoch_on_test", "fixed_learning_rate", "leaky_momentum", "round_robin")
SWITCHES = tuple(sorted((*JOINT, "crf_loss_per_sentence", "lenient_spans")))


def specs_of(values):
    return Specs(parse_config(values))


def jobs_of(specs):
    """The specs of each stage of dataset `joint`, by stage and what names the job."""
    jobs = {("prepare",): specs.prepare("joint"), ("tables",): specs.tables()}
    for start in ("initial", "warmup"):
        jobs["warmup", start] = specs.warmup("joint", 1, start)
        jobs["prune", start] = specs.prune("joint", 1, start, "ner")
    for system, model in (("single", "ner"), ("hard", "shared"), ("sparse", "shared"), ("cold", "shared")):
        jobs["train", system] = specs.train("joint", 1, system, model)
        jobs["evaluate", system] = specs.evaluate("joint", 1, system, model)
    return {job: spec.canonical() for job, spec in jobs.items()}


def differing(before, after):
    before, after = jobs_of(specs_of(before)), jobs_of(specs_of(after))
    return {job for job in before if before[job] != after[job]}


def test_every_switch_is_off_at_first():
    assert tuple(Replicate.model_fields) == SWITCHES
    assert Replicate().switches() == []


@pytest.mark.parametrize("off", [{}, dict.fromkeys(SWITCHES, False)])
def test_switches_that_are_off_leave_no_trace(changed, off):
    values = changed("replicate", off)
    values["train"]["systems"][2]["replicate"] = off
    assert not differing(changed(), values)
    assert not any("replicate" in text for text in jobs_of(specs_of(values)).values())


@pytest.mark.parametrize("switch", JOINT)
def test_a_switch_of_the_joint_training_concerns_systems_that_train_tasks_together(changed, switch):
    jobs = differing(changed("train.learning_rate_decay", 0.05), changed_with(changed, {switch: True}))
    joint = ("hard", "sparse", "cold")
    expected = {(stage, system) for stage in ("train", "evaluate") for system in joint}
    assert jobs == expected | {("tables",)}


def changed_with(changed, switches):
    """The small configuration with a decay of the learning rate and with switches."""
    values = changed("train.learning_rate_decay", 0.05)
    values["replicate"] = switches
    return values


def test_the_lenient_scorer_concerns_pruning_and_every_system(changed):
    jobs = differing(changed(), changed("replicate.lenient_spans", True))
    assert {job[0] for job in jobs} == {"prune", "train", "evaluate", "tables"}
    assert {job[1] for job in jobs if job[0] == "train"} == {"single", "hard", "sparse", "cold"}


def test_the_loss_of_fields_by_sentence_concerns_all_training_and_no_scores(changed):
    before = changed("model", {"head": "crf"})
    jobs = differing(before, {**before, "replicate": {"crf_loss_per_sentence": True}})
    assert {job[1] for job in jobs if job[0] == "warmup"} == {"warmup"}
    assert {job[0] for job in jobs} == {"warmup", "prune", "train", "evaluate", "tables"}
    assert {job[1] for job in jobs if job[0] == "train"} == {"single", "hard", "sparse", "cold"}


@pytest.mark.parametrize("path", ["replicate", "train.systems.0.replicate"])
def test_the_loss_of_fields_is_refused_where_no_head_is_a_field(changed, path):
    with pytest.raises(ConfigError, match=r"replicate\.crf_loss_per_sentence: no task has a CRF head; set model\.head"):
        parse_config(changed(path, {"crf_loss_per_sentence": True}))


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_of_a_system_affects_only_this_system(changed, switch):
    fields = {"head": {"ner": "crf"}} if switch == "crf_loss_per_sentence" else {}
    after = changed("train.systems.2.replicate", {switch: True})
    jobs = differing(changed("model", fields), {**after, "model": fields})
    assert jobs == {("train", "sparse"), ("evaluate", "sparse"), ("tables",)}


def test_a_system_has_the_switches_of_the_run_besides_its_own(changed):
    values = changed("replicate", {"round_robin": True, "lenient_spans": True})
    values["train"]["systems"][2]["replicate"] = {"leaky_momentum": True}
    specs = specs_of(values)
    assert specs.replicate("sparse") == ["leaky_momentum", "lenient_spans", "round_robin"]
    assert specs.replicate("hard") == ["lenient_spans", "round_robin"]
    assert specs.replicate("single") == ["lenient_spans"]
    assert specs.tables().replicate == {name: specs.replicate(name) for name in ("cold", "hard", "single", "sparse")}
    assert specs.tables().replicate_pruning == ["lenient_spans"]


def test_turns_and_a_fixed_rate_are_settings_of_the_optimization(changed):
    specs = specs_of(changed_with(changed, {"round_robin": True, "fixed_learning_rate": True}))
    joint, single = (specs.train("joint", 1, *model).optimization for model in (("hard", "shared"), ("single", "ner")))
    assert (joint.sampling, joint.learning_rate_decay) == ("round_robin", 0.0)
    assert (single.sampling, single.learning_rate_decay) == ("proportional", 0.05)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("replicate.leaky_momentun", True, "replicate.leaky_momentun: unknown key; did you mean 'leaky_momentum'?"),
        ("replicate.round_robin", "often", "replicate.round_robin: got 'often'; input should be a valid boolean"),
        (
            "train.systems.0.replicate",
            {"round_robin": True},
            "train.systems[0]: replicate.round_robin applies to joint training only, and sharing 'single'",
        ),
    ],
)
def test_a_wrong_switch_is_refused_by_name(changed, path, value, message):
    with pytest.raises(ConfigError) as caught:
        parse_config(changed(path, value))
    assert message in str(caught.value)
