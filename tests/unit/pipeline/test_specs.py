"""Stage specs: they hold what the stage uses and nothing else, so that a change reruns what it concerns."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.config import Optimization, models_of, parse_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline import specs as stage_specs
from sparse_sharing.pipeline.specs import DIGITS_IN_TABLES

TABULATED = {"tables", "figures"}
TRAINED = {"train", "evaluate", *TABULATED}
CHOSEN = {"select", *TRAINED}
PRUNED = {"prune", *CHOSEN}


def all_specs(values):
    """The canonical text of every job's spec, by stage and job."""
    specs = Specs(parse_config(values))
    config = specs.config
    found = {("demo",): specs.demo(), ("tables",): specs.tables(), ("figures",): specs.figures()}
    for dataset in specs.datasets:
        found["prepare", dataset] = specs.prepare(dataset)
        for task in specs.tasks(dataset):
            found["prepare_task", dataset, task] = specs.prepare_task(dataset, task)
        for seed in config.seeds:
            for start in ("initial", "warmup"):
                found["warmup", dataset, seed, start] = specs.warmup(dataset, seed, start)
                for task in specs.tasks(dataset):
                    found["prune", dataset, seed, start, task] = specs.prune(dataset, seed, start, task)
                for choice in specs.choices:
                    found["select", dataset, seed, start, choice] = specs.select(dataset, seed, start, choice)
    for model in specs.tables().models():
        found["train", *model] = specs.train(*model)
        found["evaluate", *model] = specs.evaluate(*model)
    return {job: spec.canonical() for job, spec in found.items()}


def differing(before, after):
    """The jobs of both configurations whose specs differ."""
    before, after = all_specs(before), all_specs(after)
    return {job for job in before.keys() & after.keys() if before[job] != after[job]}


def stages(jobs):
    """The stages of jobs."""
    return {job[0] for job in jobs}


def shuffled(value, random):
    """The same sections with their keys, and the items of their lists, in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], random) for key in random.sample(list(value), len(value))}
    if isinstance(value, list):
        return [shuffled(item, random) for item in random.sample(value, len(value))]
    return value


def test_an_option_that_is_off_by_default_and_unused_is_no_part_of_a_spec():
    text = Optimization(patience=None).model_dump_json()
    assert "patience" not in text
    assert Optimization.model_validate_json(text).patience is None


def test_an_option_that_is_on_by_default_is_written_where_it_is_turned_off():
    turned_off = Optimization(gradient_clip=None)
    assert '"gradient_clip":null' in turned_off.model_dump_json()
    assert Optimization.model_validate_json(turned_off.model_dump_json()) == turned_off


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_spec_depends_on_the_order_of_keys_datasets_corpora_tasks_systems_choices_or_seeds(changed, random):
    values = changed("select.choices.0.target_density", {"pos": 0.5, "chunk": 0.4, "ner": 0.3})
    assert all_specs(shuffled(values, random)) == all_specs(values)


def test_a_spec_is_compact_json_with_sorted_keys_and_its_digest_is_of_that_text(changed):
    for stage, text in all_specs(changed()).items():
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")), stage
    spec = Specs(parse_config(changed())).prepare("joint")
    assert spec.digest() == hashlib.sha256(spec.canonical().encode()).hexdigest()[:16]


def test_a_changed_copy_of_a_spec_has_a_digest_of_its_own(changed):
    spec = Specs(parse_config(changed())).prepare("joint")
    before = spec.digest()
    copy = spec.model_copy(update={"lowercase": False})
    assert copy.digest() == hashlib.sha256(copy.canonical().encode()).hexdigest()[:16] != before
    assert spec.model_copy().digest() == before


def test_a_spec_read_from_its_text_is_the_same_spec(changed):
    kinds = {name.removesuffix("Spec").lower(): kind for name, kind in vars(stage_specs).items() if name[-4:] == "Spec"}
    for (stage, *_), text in all_specs(changed()).items():
        assert kinds[stage.replace("_", "")].model_validate_json(text).canonical() == text


@pytest.mark.parametrize("path", ["run", "data_root", "device"])
def test_where_and_on_what_device_a_run_is_made_is_in_no_spec(changed, path):
    assert not differing(changed(), changed(path, "cpu"))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("data.demo.train", 20, {"demo"}),
        ("data.lowercase", False, {"prepare", "warmup", *PRUNED}),
        ("data.vectors", "glove.txt", {"prepare", "warmup", *PRUNED}),
        ("model.word_dimension", 7, {"prepare", "warmup", *PRUNED}),
        ("model.hidden", 7, {"warmup", *PRUNED}),
        ("model.head", "crf", {"warmup", *PRUNED}),
        ("warmup.tasks", ["pos"], {"warmup", *PRUNED}),
        ("warmup.epochs", 7, {"warmup", *PRUNED}),
        ("prune.final_density", 0.2, PRUNED),
        ("prune.rounds", 5, PRUNED),
        ("prune.learning_rate", 0.3, PRUNED),
        ("select.choices.0.target_density", 0.4, CHOSEN),
        ("select.choices.0.allow_dense", True, CHOSEN),
        ("train.learning_rate", 0.3, TRAINED),
        ("train.epochs", 40, TRAINED),
        ("train.systems.1.epochs", 3, TRAINED),
        ("evaluate.batch_size", 7, {"evaluate", *TABULATED}),
        ("tables.baseline", "hard", TABULATED),
        ("tables.comparisons", ["cold"], TABULATED),
        ("tables.paper_notes", ["another note"], TABULATED),
        ("data.datasets.0.paper", "exp1", TABULATED),
    ],
)
def test_a_change_concerns_the_stages_that_use_it_and_those_after_them(changed, path, value, expected):
    assert stages(differing(changed(), changed(path, value))) == expected


@pytest.mark.parametrize("head", ["linear", {"pos": "linear"}, {}, None])
def test_linear_heads_are_in_no_spec_however_they_are_written(changed, head):
    assert not differing(changed(), changed("model.head", head))
    assert not any('"head"' in text for text in all_specs(changed("model.head", head)).values())


def test_a_field_is_named_for_each_task_of_a_dataset_that_has_it(changed):
    assert all_specs(changed("model.head", "crf")) == all_specs(
        changed("model.head", {"pos": "crf", "chunk": "crf", "ner": "crf"})
    )
    jobs = differing(changed("model.head", {"ner": "crf"}), changed("model.head", {"ner": "crf", "chunk": "crf"}))
    assert {job[1] for job in jobs if len(job) > 1} == {"joint"}


def test_the_warm_up_concerns_only_what_starts_from_it(changed):
    jobs = differing(changed(), changed("warmup.learning_rate", 0.3))
    assert {job[3] for job in jobs if job[0] in {"warmup", "prune", "select"}} == {"warmup"}
    assert {job[3] for job in jobs if job[0] in {"train", "evaluate"}} == {"sparse"}


def test_a_choice_concerns_only_the_systems_that_use_it(changed):
    jobs = differing(changed(), changed("select.choices.0.target_density", 0.4))
    assert {job[4] for job in jobs if job[0] == "select"} == {"half"}
    assert {job[3] for job in jobs if job[0] in {"train", "evaluate"}} == {"sparse"}


def test_pruning_does_not_concern_the_systems_without_masks(changed):
    jobs = differing(changed(), changed("prune.epochs", 5))
    assert {job[3] for job in jobs if job[0] == "train"} == {"sparse", "cold"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seeds.+", 3),
        ("train.systems.+", {"name": "more", "sharing": "sparse", "choice": "best"}),
        ("select.choices.+", {"name": "more", "rule": "rounds", "rounds": 1}),
        (
            "data.datasets.+",
            {
                "name": "more",
                "corpora": [{"name": "x", "train": "x", "test": "x", "tasks": [{"name": "x", "column": 1}]}],
            },
        ),
    ],
)
def test_what_is_added_leaves_all_that_was_there_as_it_was(changed, path, value):
    assert stages(differing(changed(), changed(path, value))) <= TABULATED
    assert len(all_specs(changed(path, value))) > len(all_specs(changed()))


TOPIC = {"name": "topic", "column": 4}


def test_an_added_task_affects_only_its_dataset(changed):
    jobs = differing(changed(), changed("data.datasets.0.corpora.0.tasks.+", TOPIC))
    assert {job[1] for job in jobs if len(job) > 1} == {"joint"}


def test_a_task_that_is_added_concerns_the_warm_up_over_all_tasks_and_systems_that_contain_it(changed):
    jobs = differing(changed(), changed("data.datasets.0.corpora.0.tasks.+", TOPIC))
    assert {job[3] for job in jobs if job[0] in {"warmup", "prune"}} == {"warmup"}
    assert {job[0] for job in jobs if job[0].startswith("prepare")} == set()
    assert {job[3] for job in jobs if job[0] in {"train", "evaluate"}} == {"hard", "sparse", "cold"}


def test_with_a_warm_up_of_named_tasks_a_task_that_is_added_concerns_no_weights_and_no_pruning(changed):
    before = changed("warmup.tasks", ["pos", "chunk", "ner"])
    after = changed("data.datasets.0.corpora.0.tasks.+", TOPIC)
    after["warmup"] = before["warmup"]
    for values in (before, after):
        values["data"]["datasets"] = values["data"]["datasets"][:1]
    assert stages(differing(before, after)) == CHOSEN
    for values in (before, after):
        for system in values["train"]["systems"]:
            if system["sharing"] != "single":
                system["tasks"] = ["ner", "pos"]
    assert stages(differing(before, after)) == {"select", *TABULATED}


def test_the_part_of_a_selection_about_some_tasks_is_that_of_a_run_with_these_tasks_only(changed):
    densities = {"pos": 0.5, "chunk": 0.4, "ner": 0.3}
    values = changed("select.choices.0.target_density", densities)
    values["warmup"] = {"tasks": ["pos", "chunk"]}
    fewer = changed("select.choices.0.target_density", {"pos": 0.5, "chunk": 0.4})
    fewer["warmup"] = {"tasks": ["pos", "chunk"]}
    fewer["data"]["datasets"] = [fewer["data"]["datasets"][0]]
    tasks = fewer["data"]["datasets"][0]["corpora"][0]["tasks"]
    fewer["data"]["datasets"][0]["corpora"][0]["tasks"] = [task for task in tasks if task["name"] != "ner"]
    whole, part = (Specs(parse_config(own)).select("joint", 1, "warmup", "half") for own in (values, fewer))
    assert whole.digest() != part.digest()
    assert whole.of(["pos", "chunk"]).digest() == part.digest() == part.of(["chunk", "pos"]).digest()


def test_each_seed_dataset_start_task_and_system_has_specs_of_its_own(changed):
    texts = all_specs(changed())
    assert len(set(texts.values())) == len(texts)


def test_the_seed_of_the_cut_counts_only_where_dev_is_cut_from_train(changed):
    with_dev = changed("data.datasets.0.corpora.0.split_seed", 7)
    without = changed("data.datasets.1.corpora.0.split_seed", 7)
    assert not differing(changed(), with_dev)
    assert ("prepare", "pair") in differing(changed(), without)


def test_the_model_scheme_may_be_left_to_the_scheme_of_the_file(changed):
    assert not differing(changed(), changed("data.datasets.0.corpora.0.tasks.1.model_scheme", "iob2"))


def test_a_system_with_its_own_epochs_differs_from_the_others_only_in_these(changed):
    specs = Specs(parse_config(changed("train.systems.1.epochs", 3)))
    hard = specs.train("joint", 1, "hard", "shared").optimization
    cold = specs.train("joint", 1, "cold", "shared").optimization
    assert (hard.epochs, cold.epochs) == (3, 30)
    assert hard.model_copy(update={"epochs": 30}) == cold


def test_the_epochs_of_a_system_include_those_of_the_warm_up_that_it_starts_from(changed):
    specs = Specs(parse_config(changed("warmup.epochs", 7)))
    epochs = {name: specs.train("joint", 1, name, "shared").optimization.epochs for name in ("hard", "sparse", "cold")}
    assert epochs == {"hard": 30, "sparse": 23, "cold": 30}


def test_epochs_after_the_start_are_trained_whatever_the_warm_up_had(changed):
    specs = Specs(parse_config(changed("train.systems.2.epochs_after_start", 30)))
    assert specs.train("joint", 1, "sparse", "shared").optimization.epochs == 30


def test_the_spec_of_a_training_is_that_of_its_epochs_however_they_are_written(changed):
    total = Specs(parse_config(changed("train.systems.2.epochs", 26)))
    after = Specs(parse_config(changed("train.systems.2.epochs_after_start", 6)))
    meant = Specs(parse_config(changed("train.systems.2.unequal_budget", True)))
    digest = [own.train("joint", 1, "sparse", "shared").digest() for own in (total, after)]
    assert digest[0] == digest[1]
    assert meant.tables().digest() == Specs(parse_config(changed())).tables().digest()


def test_single_systems_have_a_model_per_task_and_others_one_for_all(changed):
    specs = Specs(parse_config(changed()))
    assert models_of("single", ["ner", "pos"]) == ["ner", "pos"]
    assert models_of("hard", ["ner", "pos"]) == models_of("sparse", ["ner", "pos"]) == ["shared"]
    assert specs.train("joint", 1, "single", "ner").tasks == ["ner"]
    assert specs.train("joint", 1, "hard", "shared").tasks == ["chunk", "ner", "pos"]


def test_the_specs_of_later_stages_name_the_digests_of_those_they_build_on(changed):
    specs = Specs(parse_config(changed()))
    data, start = specs.prepare("joint").digest(), specs.warmup("joint", 1, "warmup").digest()
    prune, select = specs.prune("joint", 1, "warmup", "ner"), specs.select("joint", 1, "warmup", "half")
    train = specs.train("joint", 1, "sparse", "shared")
    assert (prune.data, prune.start) == (data, start)
    assert select.masks["ner"] == prune.digest()
    assert (train.data, train.start, train.masks) == (data, start, select.digest())
    assert prune.tags == {"ner": specs.prepare_task("joint", "ner").digest()}
    assert list(train.tags) == ["chunk", "ner", "pos"]
    assert specs.evaluate("joint", 1, "sparse", "shared").model == train.digest()


def test_the_spec_of_the_tables_lists_each_model_once_with_digits_of_its_evaluation(changed):
    specs = Specs(parse_config(changed()))
    tables = specs.tables()
    models = tables.models()
    # seeds * (single per task + three joint systems) on three tasks and on two
    assert len(set(models)) == len(models) == 2 * (3 + 3) + 2 * (2 + 3)
    assert set(tables.selections()) == {
        (dataset, seed, *pair)
        for dataset in ("joint", "pair")
        for seed in (1, 2)
        for pair in (("warmup", "half"), ("initial", "best"))
    }
    digits = [specs.evaluate(*model).digest()[:DIGITS_IN_TABLES] for model in models]
    assert tables.metrics == "".join(digits)


def with_task(changed, task=1, **values):
    """The configuration with more keys in a task of the first corpus."""
    own = changed()
    own["data"]["datasets"][0]["corpora"][0]["tasks"][task].update(values)
    return own


@pytest.mark.parametrize("values", [{"metric": "f1"}, {"sampling_weight": 1}, {"loss_weight": 1.0}])
def test_a_task_option_that_says_what_is_so_anyway_leaves_no_trace(changed, values):
    assert all_specs(with_task(changed, **values)) == all_specs(changed())


@pytest.mark.parametrize("values", [{"sampling_weight": 2}, {"loss_weight": 0.5}])
def test_weights_concern_trainings_of_several_tasks_and_what_starts_from_them(changed, values):
    jobs = differing(changed(), with_task(changed, **values))
    assert {job[3] for job in jobs if job[0] == "warmup"} == {"warmup"}
    assert {job[3] for job in jobs if job[0] == "prune"} == {"warmup"}
    assert {job[3] for job in jobs if job[0] == "train"} == {"hard", "sparse", "cold"}
    assert "prepare" not in stages(jobs)


def test_a_metric_other_than_the_usual_concerns_everything_of_its_dataset(changed):
    jobs = differing(changed(), with_task(changed, metric="accuracy"))
    assert {job[1] for job in jobs if len(job) > 1} == {"joint"}
    assert stages(jobs) == {"prepare_task", "warmup", *PRUNED}


def test_masks_of_a_file_rest_on_no_pruning(changed):
    values = changed("select.choices.0", {"name": "half", "rule": "file", "file": "masks.safetensors"})
    spec = Specs(parse_config(values)).select("joint", 1, "warmup", "half")
    assert spec.masks == {}
    assert spec.tasks == ["chunk", "ner", "pos"]
    assert "tasks" not in Specs(parse_config(changed())).select("joint", 1, "warmup", "half").canonical()


def test_masks_of_the_largest_starting_weights_rest_on_these_weights_and_no_pruning(changed):
    choice = {"name": "half", "rule": "magnitude", "target_density": 0.5}
    specs = Specs(parse_config(changed("select.choices.0", choice)))
    spec = specs.select("joint", 1, "warmup", "half")
    assert (spec.masks, spec.tasks) == ({}, ["chunk", "ner", "pos"])
    assert spec.start == specs.warmup("joint", 1, "warmup").digest()
    assert {start for _, _, start, _ in specs.tables().prunings()} == {"initial"}
    assert '"start"' not in Specs(parse_config(changed())).select("joint", 1, "warmup", "half").canonical()


@pytest.mark.parametrize("random", [True, "permuted"])
def test_random_masks_depend_on_the_seed_and_on_the_prunings(changed, random):
    choice = {"name": "half", "rule": "target_density", "target_density": 0.5}
    plain, drawn = (
        Specs(parse_config(changed("select.choices.0", {**choice, "random": value}))) for value in (False, random)
    )
    spec = drawn.select("joint", 1, "warmup", "half")
    assert spec.masks == plain.select("joint", 1, "warmup", "half").masks
    assert (spec.seed, plain.select("joint", 1, "warmup", "half").seed) == (1, None)
