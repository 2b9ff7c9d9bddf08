"""The schema: which configurations are right, and which references and names are refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sparse_sharing.config import Config, parse_config
from sparse_sharing.config.schema import Task
from sparse_sharing.errors import ConfigError

TASKS = "data.datasets.0.corpora.0.tasks"
NAMES = ["run", "data.datasets.0.name", "data.datasets.0.corpora.0.name", f"{TASKS}.0.name"]
NAMES += ["select.choices.1.name", "train.systems.0.name", "tables.baseline"]


def refusal(values):
    """The message of the error that the values raise."""
    with pytest.raises(ConfigError) as caught:
        parse_config(values)
    return str(caught.value)


def test_the_plain_configuration_is_right_and_keys_left_out_have_the_defaults_of_the_paper(changed):
    config = parse_config(changed())
    assert (config.model.word_dimension, config.model.character_filters, config.model.hidden) == (100, 30, 200)
    assert (config.prune.final_density, config.warmup.epochs, config.train.batch_size) == (0.1, 20, 10)
    assert config.data.vectors is None
    assert config.device == "auto"


def test_every_section_may_be_left_out_that_has_a_default(changed):
    required = {name for name, field in Config.model_fields.items() if field.is_required()}
    assert required == {"run", "data", "train"}


@pytest.mark.parametrize("section", ["warmup", "prune", "train"])
def test_activation_checkpointing_needs_an_encoder_that_can_do_it(changed, section):
    message = refusal(changed(f"{section}.activation_checkpointing", True))
    assert f"{section}.activation_checkpointing: not possible with encoder 'bilstm'" in message


def test_values_do_not_change_after_loading(changed):
    config = parse_config(changed())
    with pytest.raises(ValidationError):
        config.model.hidden = 5
    assert config.model.hidden == 200


@pytest.mark.parametrize("path", NAMES)
@pytest.mark.parametrize(
    "name", ["../x", "a/b", ".", "..", "", " ", "a b", "é", "-x", "_x", "x.y", "x{y}", "x\n", "x\0", "~", "x" * 65]
)
def test_names_that_are_not_a_single_folder_are_refused(changed, path, name):
    message = refusal(changed(path, name))
    assert message.count("\n") == 1
    assert "allowed: letters, digits" in message or "at most 64 characters" in message


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True))
def test_every_name_of_letters_digits_dashes_and_underscores_is_a_run(changed, name):
    assert parse_config(changed("run", name)).run == name


@pytest.mark.parametrize("name", ["demo", "tables", "specs", "logs", "benchmarks", "figures", "Tables"])
def test_a_dataset_cannot_take_the_name_of_a_folder_of_every_run(changed, name):
    assert f"data: '{name}' is a reserved name" in refusal(changed("data.datasets.0.name", name))


@pytest.mark.parametrize("name", ["shared", "Shared"])
def test_a_task_cannot_take_the_name_of_joint_models(changed, name):
    assert "'shared' is a reserved name, that of joint models" in refusal(changed(f"{TASKS}.0.name", name))


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("data.datasets.1.name", "JOINT", "datasets"),
        ("data.datasets.1.corpora.1.name", "First", "corpora"),
        (f"{TASKS}.2.name", "POS", "tasks"),
        ("data.datasets.1.corpora.1.tasks.0.name", "Pos", "tasks"),
        ("select.choices.1.name", "Half", "choices"),
        ("train.systems.1.name", "Single", "systems"),
    ],
)
def test_two_things_of_a_kind_cannot_differ_only_in_letter_case(changed, path, name, kind):
    assert f"two {kind} are called {name.lower()} (letter case does not count)" in refusal(changed(path, name))


def test_different_datasets_may_have_tasks_of_one_name(changed):
    config = parse_config(changed())
    assert [task.name for task in config.data.datasets[1].tasks] == ["pos", "ner"]


@pytest.mark.parametrize(("scheme", "model_scheme"), [("none", "bioes"), ("iob1", "none")])
def test_tags_without_spans_cannot_become_spans_nor_spans_tags(changed, scheme, model_scheme):
    task = {"name": "pos", "column": 1, "scheme": scheme, "model_scheme": model_scheme}
    message = refusal(changed(f"{TASKS}.0", task))
    assert f"scheme '{scheme}' cannot be converted to model_scheme '{model_scheme}'" in message


def test_a_task_is_trained_in_the_scheme_of_its_file_unless_another_is_named():
    assert Task(name="ner", column=1, scheme="iob1").trained_scheme == "iob1"
    assert Task(name="ner", column=1, scheme="iob1", model_scheme="bioes").trained_scheme == "bioes"


def test_a_system_names_a_choice_that_exists(changed):
    message = refusal(changed("train.systems.2.choice", "haalf"))
    assert "'sparse' names the choice 'haalf'; known: half, best" in message


def test_hard_sharing_has_no_masks(changed):
    system = {"name": "x", "sharing": "hard", "choice": "half"}
    assert "sharing 'hard' does not use the key 'choice'" in refusal(changed("train.systems.0", system))


def test_single_tasks_may_have_masks(changed):
    system = {"name": "x", "sharing": "single", "choice": "half"}
    assert parse_config(changed("train.systems.0", system)).train.systems[0].choice == "half"


def test_sparse_sharing_needs_masks(changed):
    message = refusal(changed("train.systems.0", {"name": "x", "sharing": "sparse"}))
    assert "sharing 'sparse' needs the key 'choice'" in message


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"rule": "target_density"}, "rule 'target_density' needs the key 'target_density'"),
        ({"rule": "rounds"}, "rule 'rounds' needs the key 'rounds'"),
        ({"rule": "best_dev", "rounds": 1}, "rule 'best_dev' does not use the key 'rounds'"),
        ({"rule": "rounds", "rounds": 1, "target_density": 0.5}, "does not use the key 'target_density'"),
        ({"rule": "rounds", "rounds": 5}, "'half' asks for round 5, but the last round is 4"),
        ({"rule": "rounds", "rounds": {"pos": 1, "chunk": 5, "ner": 2}}, "'half' asks for round 5, but"),
        ({"rule": "rounds", "rounds": {"pos": 1, "chunk": 2}}, "'half' gives no rounds for ner of 'joint'"),
        ({"rule": "rounds", "rounds": {}}, "'half' gives no rounds for pos, chunk, ner of 'joint'"),
        ({"rule": "target_density", "target_density": {"pos": 0.5, "chunk": 1}}, "gives no target_density for ner"),
    ],
)
def test_a_choice_has_what_its_rule_uses_for_every_task_and_nothing_else(changed, choice, reason):
    assert reason in refusal(changed("select.choices.0", {"name": "half", **choice}))


def test_a_choice_per_task_that_names_every_task_is_right(changed):
    choice = {"name": "half", "rule": "rounds", "rounds": {"pos": 4, "chunk": 0, "ner": 2}}
    assert parse_config(changed("select.choices.0", choice)).select.choices[0].rounds["pos"] == 4


def test_a_duplicate_seed_is_refused(changed):
    assert "seeds: duplicate value 2" in refusal(changed("seeds", [2, 1, 2]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.character_width", 2),
        ("model.hidden", 0),
        ("model.dropout", 1.0),
        ("train.learning_rate", 0),
        ("train.learning_rate", float("nan")),
        ("train.learning_rate", float("inf")),
        ("train.momentum", 1),
        ("prune.rounds", 0),
        ("prune.final_density", 1.0),
        ("select.choices.0.tolerance", -0.1),
        ("select.choices.0.target_density", 0),
        ("seeds", []),
        ("seeds", [-1]),
        ("seeds", [2**31]),
        ("data.datasets", []),
        ("data.datasets.0.corpora.0.dev_fraction", 0),
        ("warmup.patience", 3),
        ("evaluate.batch_size", 0),
    ],
)
def test_values_outside_their_bounds_are_refused_at_their_key(changed, path, value):
    message = refusal(changed(path, value))
    section, _, key = path.rpartition(".")
    assert message.startswith("config: 1 error\n  ")
    assert key in message
    assert section.split(".")[0] in message


@pytest.mark.parametrize("path", ["data_root", "data.vectors", "data.datasets.0.corpora.0.train"])
@pytest.mark.parametrize("value", ["a{b}c", "a\0b"])
def test_a_path_that_snakemake_would_read_as_a_wildcard_is_refused_at_its_key(changed, path, value):
    message = refusal(changed(path, value))
    assert "which Snakemake reads as wildcards" in message
    assert path.rpartition(".")[2] in message


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"rule": "magnitude"}, "rule 'magnitude' needs the key 'target_density'"),
        ({"rule": "best_dev", "target_density": 0.5}, "rule 'best_dev' does not use the key 'target_density'"),
        ({"rule": "magnitude", "target_density": 0.5, "file": "x"}, "rule 'magnitude' does not use the key 'file'"),
        ({"rule": "best_dev", "random": "independent"}, "permuted"),
    ],
)
def test_a_choice_has_the_keys_of_its_rule(changed, choice, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(changed("select.choices.0", {"name": "half", **choice}))


def test_an_early_bird_that_could_end_no_round_is_refused_with_the_epochs_it_needs(changed):
    prune = {"rounds": 4, "epochs": 6, "early_bird": 0.1}
    assert "it cannot end a round of 6 epochs. Set epochs to at least 7" in refusal(changed("prune", prune))
    parse_config(changed("prune", {**prune, "epochs": 7}))
    parse_config(changed("prune", {**prune, "early_bird_window": 4}))


def test_a_run_without_sparse_systems_needs_no_choice_of_masks(changed):
    values = changed("train.systems", [{"name": "single", "sharing": "single"}, {"name": "hard", "sharing": "hard"}])
    for name in ("select", "prune", "warmup"):
        values.pop(name, None)
    assert parse_config(values).select.choices == []
    values = changed("train.systems", [{"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "best"}])
    del values["select"]
    assert "'sparse' names the choice 'best'; known: none" in refusal(values)


def test_a_learning_rate_that_is_named_twice_is_refused(changed):
    assert "learning_rates: duplicate value 0.1" in refusal(changed("train.learning_rates", [0.1, 0.2, 0.1]))
