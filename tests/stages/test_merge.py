"""The finished models of single tasks are merged: what comes out, what dev chooses, and what it costs."""

import csv
import dataclasses

import numpy as np
import pytest
import torch

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.network.storage import load_model, storage_sizes, values_of_task
from sparse_sharing.pipeline import layout
from sparse_sharing.sharing import merged as merging
from sparse_sharing.stages import merge, report
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.storage.costs import read_costs
from sparse_sharing.tagging import export
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training import opening
from sparse_sharing.training.trained import open_model

SCALES = [0.5, 1.0]
SYSTEMS = [
    {"name": "arithmetic", "method": "arithmetic", "scales": SCALES},
    {"name": "ties", "method": "ties", "scales": [1.0], "densities": [0.2, 1.0]},
    {"name": "dare", "method": "dare", "scales": SCALES, "drop_rates": [0.0]},
    {"name": "dare_ties", "method": "dare_ties", "scales": [1.0], "drop_rates": [0.5], "densities": [0.5]},
    {"name": "tall", "method": "tall", "scales": [1.0], "thresholds": [0.0, 0.4]},
]


@pytest.fixture(scope="module")
def merged(finished):
    """The finished run with systems that merge its single models; not to be changed."""
    systems = [{"sharing": "merged", "merges": "single", **system} for system in SYSTEMS]
    return finished.changed(train={"systems": [*finished.values["train"]["systems"], *systems]})


@pytest.fixture(scope="module")
def made(merged, tmp_path_factory):
    """The folder of each merged model."""
    root = tmp_path_factory.mktemp("merged")
    return {system["name"]: merged.train(system["name"], output=root / system["name"]) for system in SYSTEMS}


def run(pipeline, output, tasks=None, **changes):
    """Merge under a spec that differs in some values."""
    spec = pipeline.specs.train("joint", 1, changes.pop("system", "ties"), "shared")
    tasks = tasks or spec.tasks
    named = {key: {task: getattr(spec, key)[task] for task in tasks} for key in ("tags", "models")}
    models = {task: single(pipeline, task) for task in tasks}
    spec = spec.model_copy(update={"tasks": tasks, **named, **changes})
    merge.run(spec, models, *pipeline.texts, pipeline.weights("initial"), output, "cpu")
    return output


def single(pipeline, task):
    """The folder of the single model of a task."""
    return pipeline.path(layout.MODEL, system="single", model=task)


def read(folder):
    return load_model(folder / "model.safetensors")


def rows_of(folder):
    with (folder / "merging.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def bytes_of(values):
    return {name: value.tobytes() for name, value in values.items()}


@pytest.mark.parametrize(
    ("system", "changes"),
    [
        ("arithmetic", {"scales": [1.0]}),
        ("ties", {"scales": [1.0], "densities": [1.0]}),
        ("dare", {"scales": [1.0], "drop_rates": [0.0]}),
        ("tall", {"scales": [1.0], "thresholds": [0.0]}),
        ("tall", {"scales": [1.0], "thresholds": [0.6]}),
    ],
)
def test_the_model_of_a_single_task_is_given_back_bit_for_bit(merged, tmp_path, system, changes):
    model = read(run(merged, tmp_path / "merged", ["ner"], system=system, **changes))
    before = read(single(merged, "ner"))
    assert bytes_of(model.values) == bytes_of(before.values)
    assert model.details["dev"] == before.details["dev"]


def test_a_tall_mask_that_keeps_everything_gives_the_merged_model(merged, tmp_path, made):
    tall = read(run(merged, tmp_path / "tall", system="tall", thresholds=[0.0]))
    plain = read(run(merged, tmp_path / "plain", system="arithmetic", scales=[1.0]))
    assert all(mask.is_dense for mask in tall.masks.values())
    assert bytes_of(tall.values) == bytes_of(plain.values)
    assert tall.details["dev"] == plain.details["dev"]


def test_dare_that_drops_nothing_is_task_arithmetic(made):
    arithmetic, dare = read(made["arithmetic"]), read(made["dare"])
    assert bytes_of(arithmetic.values) == bytes_of(dare.values)


def test_the_order_of_the_tasks_changes_nothing(merged, tmp_path, made):
    for system in ("ties", "dare_ties"):
        folder = run(merged, tmp_path / system, ["pos", "chunk", "ner"], system=system)
        assert bytes_of(read(folder).values) == bytes_of(read(made[system]).values)


def test_the_merged_change_is_added_to_the_start_and_heads_do_not_change(merged, made):
    start = load_tensors(merged.weights("initial"), "weights").tensors
    singles = {task: read(single(merged, task)).values for task in ("chunk", "ner", "pos")}
    model = read(made["ties"])
    setting = model.details["merging"]["setting"]
    # Trimming ranks all weights together, so that all must be merged at once.
    names = sorted(start)
    flat = {task: np.concatenate([own[name].reshape(-1) for name in names]) for task, own in singles.items()}
    before = np.concatenate([start[name].reshape(-1) for name in names])
    changes = {task: own.astype(np.float64) - before for task, own in flat.items()}
    expected = before + setting["scale"] * merging.ties(changes, setting["density"])
    found = np.concatenate([model.values[name].reshape(-1) for name in names])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    for task, own in singles.items():
        heads = {name: value for name, value in own.items() if name.startswith("heads.")}
        assert bytes_of({name: model.values[name] for name in heads}) == bytes_of(heads)
        assert len(heads) > 0
        assert task in model.tasks


def test_a_task_with_a_tall_mask_reads_the_start_where_its_mask_removes_the_merged_change(merged, tmp_path):
    model = read(run(merged, tmp_path / "tall", system="tall", thresholds=[1.0]))
    start = load_tensors(merged.weights("initial"), "weights").tensors
    for task, mask in model.masks.items():
        own = values_of_task(model.values, task, mask, model.base)
        assert 0 < mask.density < 1
        for name, keep in mask.tensors().items():
            assert np.array_equal(own[name][~keep.numpy()], start[name][~keep.numpy()])
    opened = open_model(tmp_path / "tall", "cpu")
    opened.network.activate("ner")
    own = values_of_task(model.values, "ner", model.masks["ner"], model.base)
    for name, part in opened.network.parts(opened.network.work).items():
        torch.testing.assert_close(part, torch.from_numpy(own[name].copy()), rtol=0, atol=0)


def test_dev_chooses_the_setting_with_the_best_mean_and_a_threshold_for_each_task(made):
    for system in ("arithmetic", "ties"):
        means = {}
        for row in rows_of(made[system]):
            means.setdefault((row["scale"], row["density"]), []).append(float(row["dev"]))
        best = {(row["scale"], row["density"]) for row in rows_of(made[system]) if row["best"] == "1"}
        assert best == {max(means, key=lambda setting: sum(means[setting]))}
    for task in ("chunk", "ner", "pos"):
        own = [row for row in rows_of(made["tall"]) if row["task"] == task]
        (chosen,) = (row for row in own if row["best"] == "1")
        assert float(chosen["dev"]) == max(float(row["dev"]) for row in own)
        thresholds = read(made["tall"]).details["merging"]["thresholds"]
        assert thresholds[task] == float(chosen["threshold"])


def test_its_cost_is_the_dev_scores_that_chose_and_no_updates(made):
    for system, count in (("arithmetic", 2), ("ties", 2), ("dare_ties", 0), ("tall", 2)):
        costs = read_costs(made[system])
        assert set(costs.updates.values()) == {0}
        assert set(costs.dev_scores.values()) == {count}


def test_merged_models_are_stored_once_and_tall_masks_take_a_bit_a_weight_and_task(made):
    ties, tall = (storage_sizes(read(made[name]))["stored"] for name in ("ties", "tall"))
    weights = next(iter(read(made["ties"]).masks.values())).keep.numel()
    assert ties["weights"] == 4 * weights
    assert tall["masks"] == 3 * -(-weights // 8)
    assert tall["base"] == 4 * weights


@pytest.mark.parametrize("system", ["ties", "tall"])
def test_a_task_that_is_exported_gives_the_tags_of_the_merged_model(made, tmp_path, system):
    export.run(made[system], "pos", None, tmp_path / "pos", False, "cpu")
    sentences = [["the", "old", "house"], ["Bob", "sees", "it"]]
    tags = [Tagger.load(folder, device="cpu").tag(sentences, ["pos"]) for folder in (made[system], tmp_path / "pos")]
    assert [one.tags for one in tags[0]] == [one.tags for one in tags[1]]


def test_it_is_evaluated_and_tabulated_with_the_cost_of_the_single_trainings(pipeline):
    systems = [{"name": "single", "sharing": "single"}, {"sharing": "merged", "merges": "single", **SYSTEMS[0]}]
    own = pipeline.changed(train={"systems": systems})
    own.train("arithmetic")
    own.evaluate("arithmetic")
    tables = own.tables()
    with (tables / "costs.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["system"], row["task"]): row for row in csv.DictReader(stream)}
    for task in ("chunk", "ner", "pos"):
        merged, alone = rows["arithmetic", task], rows["single", task]
        assert merged["updates_training"] == alone["updates_training"] != "0"
        assert int(merged["dev_scores"]) == int(alone["dev_scores"]) + 2
    card = own.path(layout.EVALUATION, system="arithmetic", model="shared") / "README.md"
    assert "merged from models of single tasks by arithmetic (scale" in card.read_text(encoding="utf-8")
    page = own.folder / "report.html"
    report.run(own.specs.report(), own.path(layout.RUN), page)
    assert "merged into one without joint training" in page.read_text(encoding="utf-8")


def test_a_task_whose_dev_text_chooses_nothing_has_no_say(merged, tmp_path, monkeypatch):
    load = opening.load_task_data

    def unchosen(*arguments, **options):
        return {
            task: dataclasses.replace(data, choose_on_dev=False) for task, data in load(*arguments, **options).items()
        }

    monkeypatch.setattr(opening, "load_task_data", unchosen)
    folder = run(merged, tmp_path / "merged", system="tall", scales=[0.3, 1.0], thresholds=[0.6, 0.1])
    merging_details = read(folder).details["merging"]
    assert merging_details["setting"] == {"scale": 0.3}
    assert set(merging_details["thresholds"].values()) == {0.6}
    assert set(read_costs(folder).dev_scores.values()) == {0}


def test_what_does_not_belong_together_is_refused(merged, tmp_path):
    spec = merged.specs.train("joint", 1, "ties", "shared")
    models = {task: single(merged, task) for task in ("chunk", "ner")}
    with pytest.raises(ConfigError, match="missing the model of task 'pos'"):
        merge.run(spec, models, *merged.texts, merged.weights("initial"), tmp_path / "merged", "cpu")
    models["pos"] = single(merged, "ner")
    with pytest.raises(ArtifactError, match="made with other settings"):
        merge.run(spec, models, *merged.texts, merged.weights("initial"), tmp_path / "merged", "cpu")
    models["pos"] = single(merged, "pos")
    with pytest.raises(ArtifactError, match="made with other settings"):
        merge.run(spec, models, *merged.texts, merged.weights("warmup"), tmp_path / "merged", "cpu")
