"""Systems: which ways of sharing need which keys, which tasks and layers may be named, and what the specs say of it."""

import re

import pytest

from sparse_sharing.config import START, models_of, parse_config
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.systems import System
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.specs import Spec

TASK_LAYERS = {"pos": 1, "chunk": 2, "ner": 2}
HIERARCHICAL = {"name": "x", "sharing": "hierarchical", "layers": 2, "task_layers": TASK_LAYERS}
SOFT = {"name": "x", "sharing": "soft"}
DATASETS = ("joint", "pair")


def specs_with(changed, *systems, **model):
    """The specs of the small configuration with more systems."""
    values = changed("model", model)
    values["train"]["systems"] += systems
    return Specs(parse_config(values))


def refusal(changed, system, **model):
    """The message of the error that a system raises."""
    with pytest.raises(ConfigError) as caught:
        specs_with(changed, system, **model)
    return str(caught.value)


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        ({"sharing": "soft", "choice": "half"}, "sharing 'soft' does not use the key 'choice'"),
        ({**HIERARCHICAL, "choice": "half"}, "sharing 'hierarchical' does not use the key 'choice'"),
        ({"sharing": "hierarchical"}, "sharing 'hierarchical' needs the key 'task_layers'"),
        ({"sharing": "hard", "task_layers": TASK_LAYERS}, "sharing 'hard' does not use the key 'task_layers'"),
        ({"sharing": "hard", "tasks": ["pos"]}, "sharing 'hard' needs two or more tasks, got only 'pos'"),
        ({"sharing": "single", "tasks": ["pos", "pos"]}, "tasks: duplicate value 'pos'"),
        ({"sharing": "single", "tasks": []}, "tasks: got []"),
        ({"sharing": "hard", "layers": 0}, "layers: got 0"),
        ({"sharing": "hard", "epochs": 9, "epochs_after_start": 9}, "epochs and epochs_after_start exclude each other"),
        (
            {"sharing": "hard", "start": "warmup", "epochs": 20},
            "train.systems: 'x' starts from a warm-up of 20 epochs, which its epochs include (got 20): it must have "
            "more than 20",
        ),
        ({**HIERARCHICAL, "task_layers": {**TASK_LAYERS, "pos": 0}}, "task_layers.pos: got 0"),
        ({"sharing": "hard", "tasks": ["pos", "chunk"]}, "'pair' has no task 'chunk'; its tasks are pos, ner"),
        ({"sharing": "single", "tasks": ["topic"]}, "'joint' has no task 'topic'; its tasks are pos, chunk, ner"),
        ({"sharing": "soft", "start": "warmup"}, "another network (a BiLSTM per task) than the one that is warmed up"),
        ({"sharing": "hard", "layers": 2, "start": "warmup"}, "another network (2 layers, model.layers is 1)"),
        ({"sharing": "sparse", "layers": 2, "choice": "half"}, "it must have start 'initial' and no choice"),
        ({**HIERARCHICAL, "layers": 1}, "task_layers has layer 2 for 'chunk'; expected 1 to 1"),
        ({**HIERARCHICAL, "layers": 3}, "no task of 'joint' is supervised at layer 3, the last"),
        ({**HIERARCHICAL, "task_layers": {"pos": 1, "chunk": 2}}, "task_layers has no layer for ner of 'joint'"),
        ({**HIERARCHICAL, "task_layers": {**TASK_LAYERS, "topic": 1}}, "names 'topic'; known tasks: chunk, ner, pos"),
    ],
)
def test_a_system_that_cannot_be_is_refused_with_the_reason(changed, system, reason):
    assert reason in refusal(changed, {"name": "x", **system})


def test_the_layers_of_the_model_do_not_make_another_network(changed):
    system = {"name": "x", "sharing": "sparse", "layers": 2, "start": "warmup", "choice": "half"}
    specs = specs_with(changed, system, layers=2)
    assert specs.start("x") == "warmup"
    assert specs.starts() == ["initial", "warmup"]


def test_a_hierarchical_system_on_the_layers_of_the_model_may_start_from_the_warm_up(changed):
    system = {key: value for key, value in HIERARCHICAL.items() if key != "layers"} | {"start": "warmup"}
    specs = specs_with(changed, system, layers=2)
    warm = specs.warmup("joint", 1, "warmup").digest()
    assert specs.train("joint", 1, "x", "shared").start == warm == specs.train("joint", 1, "sparse", "shared").start


@pytest.mark.parametrize("system", [HIERARCHICAL, SOFT, {"name": "x", "sharing": "single", "layers": 3}])
def test_a_network_of_its_own_has_starting_weights_that_are_called_after_the_system(changed, system):
    specs = specs_with(changed, system)
    assert specs.start("x") == "initial-x"
    assert specs.starts() == ["initial", "initial-x", "warmup"]
    own = specs.warmup("joint", 1, "initial-x")
    assert own.optimization is None
    assert own.digest() not in {specs.warmup("joint", 1, start).digest() for start in ("initial", "warmup")}
    model = "shared" if system["sharing"] != "single" else "pos"
    assert specs.train("joint", 1, "x", model).start == own.digest()


def test_starting_weights_say_how_many_layers_and_which_stacks_there_are(changed):
    soft = {**SOFT, "name": "soft", "layers": 2}
    specs = specs_with(changed, HIERARCHICAL, soft, layers=1)
    hierarchical = specs.warmup("joint", 1, "initial-x").model
    assert (hierarchical.kind, hierarchical.layers) == ("bilstm", 2)
    stacked = [specs.warmup(dataset, 1, "initial-soft").model for dataset in DATASETS]
    assert [(model.layers, model.stacks) for model in stacked] == [(2, ["chunk", "ner", "pos"]), (2, ["ner", "pos"])]


def test_a_soft_system_of_some_tasks_has_stacks_for_these(changed):
    specs = specs_with(changed, {**SOFT, "tasks": ["pos", "ner"]})
    assert specs.warmup("joint", 1, "initial-x").model.stacks == ["ner", "pos"]


@pytest.mark.parametrize("name", ["initial", "warmup", "initial-x", "initial-soft_2-b"])
def test_the_names_of_starting_weights_are_those_that_the_workflow_expects(name):
    assert re.fullmatch(START, name)
    assert not any(re.fullmatch(START, other) for other in (f"{name}/x", "warmup-x", "initial-", "train", "cold"))


def test_a_system_of_some_tasks_trains_these_and_shares_masks_with_the_others(changed):
    pair = {"name": "x", "sharing": "sparse", "start": "warmup", "choice": "half", "tasks": ["pos", "ner"]}
    specs = specs_with(changed, pair)
    own, all_tasks = specs.train("joint", 1, "x", "shared"), specs.train("joint", 1, "sparse", "shared")
    assert own.tasks == ["ner", "pos"]
    assert all_tasks.tasks == ["chunk", "ner", "pos"]
    assert (own.start, own.data) == (all_tasks.start, all_tasks.data)
    selection = specs.select("joint", 1, "warmup", "half")
    assert all_tasks.masks == selection.digest()
    assert own.masks == selection.of(["ner", "pos"]).digest()


def test_a_single_system_of_some_tasks_has_models_for_these(changed):
    specs = specs_with(changed, {"name": "x", "sharing": "single", "tasks": ["ner"]})
    models = [model for dataset, seed, system, model in specs.tables().models() if system == "x"]
    assert models == ["ner"] * 4
    assert models_of("single", specs.tasks("joint", "x")) == ["ner"]


def test_the_tables_know_which_systems_leave_tasks_out_and_which_have_subnetworks_alone_or_random_masks(changed):
    values = changed("select.choices.1", {"name": "best", "rule": "best_dev", "random": True})
    alone = {"name": "alone", "sharing": "single", "choice": "half", "tasks": ["pos"]}
    values["train"]["systems"].append(alone)
    tables = Specs(parse_config(values)).tables()
    assert {name: known.tasks for name, known in tables.facts.items() if known.tasks} == {"alone": ["pos"]}
    assert (tables.facts["alone"].kind, tables.facts["cold"].kind) == ("single_subnet", "random_masks")


def test_the_layers_of_tasks_affect_only_their_system_and_tasks_that_a_dataset_has(changed):
    specs = specs_with(changed, HIERARCHICAL)
    other = specs_with(changed, {**HIERARCHICAL, "task_layers": {**TASK_LAYERS, "chunk": 1}})
    assert specs.train("joint", 1, "x", "shared").task_layers == TASK_LAYERS
    assert specs.train("pair", 1, "x", "shared").task_layers == {"pos": 1, "ner": 2}
    differing = {
        model for model in specs.tables().models() if specs.train(*model).digest() != other.train(*model).digest()
    }
    assert differing == {("joint", seed, "x", "shared") for seed in (1, 2)}


def test_a_configuration_without_the_new_keys_has_specs_without_them(changed):
    specs = Specs(parse_config(changed()))
    texts = [spec.canonical() for spec in every_spec(specs)]
    assert not [text for text in texts for key in ("task_layers", "stacks") if key in text]
    assert specs.warmup("joint", 1, "initial").model.model_dump() == BiLstm().model_dump()


def every_spec(specs: Specs) -> list[Spec]:
    """One spec of each stage that knows systems."""
    return [
        specs.warmup("joint", 1, "warmup"),
        specs.train("joint", 1, "sparse", "shared"),
        specs.evaluate("joint", 1, "sparse", "shared"),
        specs.tables(),
    ]


def test_a_single_system_has_no_choice_of_best_epochs():
    with pytest.raises(ValueError, match="best_epoch: models of sharing 'single' always have the best epoch"):
        System.model_validate({"name": "x", "sharing": "single", "best_epoch": "each"})


def test_the_best_epoch_by_the_mean_leaves_no_trace_in_a_spec(changed):
    train = Specs(parse_config(changed("train.systems.1.best_epoch", "mean"))).train("joint", 1, "hard", "shared")
    assert train.canonical() == Specs(parse_config(changed())).train("joint", 1, "hard", "shared").canonical()
    train = Specs(parse_config(changed("train.systems.1.best_epoch", "each"))).train("joint", 1, "hard", "shared")
    assert train.best_epoch == "each"
