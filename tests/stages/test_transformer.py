"""A pretrained transformer through all stages."""

import importlib.util
import shutil

import numpy as np
import pandas as pd
import pytest
import tiny_transformers
import torch

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.storage import load_model, storage_sizes
from sparse_sharing.pipeline import layout
from sparse_sharing.results.card import model_card
from sparse_sharing.storage.artifacts import load_json
from sparse_sharing.tagging import export
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import load_text, load_weights, to_tensors

TASKS = ("chunk", "ner", "pos")
ONNX = all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime", "onnxscript"))
OPTIMIZER = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 8, "weight_decay": 0.01, "schedule": "linear"}
SYSTEMS = [
    {"name": "single", "sharing": "single", "tasks": ["pos"]},
    {"name": "hard", "sharing": "hard"},
    {"name": "zero", "sharing": "sparse", "choice": "part"},
    {"name": "delta", "sharing": "sparse", "choice": "part", "meaning": "delta"},
    {"name": "warm", "sharing": "sparse", "choice": "part", "start": "warmup", "meaning": "delta"},
    {"name": "lora", "sharing": "lora", "rank": 2, "alpha": 4, "learning_rate": 0.02},
    {"name": "bitfit", "sharing": "bitfit", "start": "warmup"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny pretrained model."""
    folder = tiny_transformers.save(tmp_path_factory.mktemp("pretrained") / "tiny-bert", "bert")
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n")
    return folder


@pytest.fixture(scope="module")
def trained(prepared, folder, tmp_path_factory):
    """All stages of all systems."""
    values = {
        **prepared.values,
        "model": {"encoder": "transformer", "pretrained": str(folder), "dropout": 0.1},
        "warmup": {**OPTIMIZER, "epochs": 1},
        "prune": {**OPTIMIZER, "source": "change", "rounds": 1, "final_density": 0.2, "epochs": 1, "meaning": "delta"},
        "select": {"choices": [{"name": "part", "rule": "rounds", "rounds": 1}]},
        "train": {**OPTIMIZER, "epochs": 2, "systems": SYSTEMS},
    }
    own = type(prepared)(tmp_path_factory.mktemp("transformer"), values)
    for split in ("train", "dev", "test"):
        shutil.copy2(prepared.folder / f"{split}.txt", own.folder)
    return own.run()


def test_every_system_runs_from_files_to_tables(trained):
    table = (trained.path(layout.TABLES) / "summary.csv").read_text()
    for system in SYSTEMS:
        assert system["name"] in table


def test_training_starts_from_the_pretrained_weights(trained, folder):
    from safetensors.numpy import load_file

    weights = to_tensors(load_weights(trained.weights("initial")))
    stored = load_file(folder / "model.safetensors")
    for name in ("encoder.layer.1.output.dense.weight", "embeddings.word_embeddings.weight"):
        assert np.array_equal(weights[f"body.{name}"].numpy(), stored[name])


def test_weights_that_no_mask_keeps_are_those_of_the_start_or_zero(trained):
    start = to_tensors(load_weights(trained.weights("initial")))
    for system in ("zero", "delta"):
        model = load_model(trained.model_folder(system) / "model.safetensors")
        union = np.logical_or.reduce([mask.keep.numpy() for mask in model.masks.values()])
        names = next(iter(model.masks.values())).shapes
        found = np.concatenate([model.values[name].reshape(-1) for name in names])
        first = np.concatenate([start[name].numpy().reshape(-1) for name in names])
        assert 0.2 < union.mean() < 1
        assert np.array_equal(found[~union], first[~union] if system == "delta" else np.zeros((~union).sum()))
        assert not np.array_equal(found[union], first[union])


def test_the_base_of_changes_is_where_the_training_starts(trained):
    for system, start in (("delta", "initial"), ("warm", "warmup")):
        first = to_tensors(load_weights(trained.weights(start)))
        base = load_model(trained.model_folder(system) / "model.safetensors").base
        assert base
        for name, value in base.items():
            assert np.array_equal(value, first[name].numpy())


@pytest.mark.parametrize("system", ["hard", "delta"])
def test_a_trained_model_tags_without_the_pretrained_folder(trained, system, tmp_path):
    shutil.copytree(trained.model_folder(system), tmp_path / "model")
    tagger = Tagger.load(tmp_path / "model")
    for sentence, length in zip(tagger.tag([["the", "quiet", "\u200b", "[SEP]"], ["sea"]]), (4, 1), strict=True):
        assert {task: len(tags) for task, tags in sentence.tags.items()} == dict.fromkeys(TASKS, length)


def test_tags_of_a_text_are_those_of_the_evaluation(trained):
    folder = trained.model_folder("delta")
    tagger = Tagger.load(folder)
    text = load_text(trained.data / "test.safetensors")["pos"]
    from sparse_sharing.training.trained import open_model

    opened = open_model(folder, "cpu")
    names = opened.vocabulary.tasks["pos"].tags
    expected = text.by_sentence([names[tag] for tag in opened.network.predict("pos", text)])
    assert [sentence.tags["pos"] for sentence in tagger.tag(text.words(), ["pos"])] == expected


@pytest.mark.parametrize("system", ["zero", "delta", "lora", "bitfit"])
def test_one_task_is_exported_with_the_same_tags(trained, system, tmp_path):
    folder = trained.model_folder(system)
    export.run(folder, "pos", None, tmp_path / "pos", onnx=False, device="cpu")
    words = load_text(trained.data / "test.safetensors")["pos"].words()
    own, joint = (Tagger.load(path).tag(words, ["pos"]) for path in (tmp_path / "pos", folder))
    assert [sentence.tags for sentence in own] == [sentence.tags for sentence in joint]
    exported = load_model(tmp_path / "pos" / "model.safetensors")
    assert not exported.base
    assert not [name for name in exported.values if name.startswith("tasks.")]
    assert "trained_parameters" not in exported.details


@pytest.mark.skipif(not ONNX, reason="needs the packages of the extra onnx")
def test_a_trimmed_export_has_fewer_pieces_and_the_same_tags(trained, tmp_path):
    folder = trained.model_folder("lora")
    given = tmp_path / "words.txt"
    given.write_text("tickets outsiders\n", encoding="utf-8")
    export.run(folder, "pos", None, tmp_path / "pos", True, "cpu", trim=True, words=given)
    exported = load_model(tmp_path / "pos" / "model.safetensors")
    pieces, table = exported.details["pieces"], exported.values["body.embeddings.word_embeddings.weight"]
    assert pieces["kept"] == len(table) == exported.details["model"]["architecture"]["vocab_size"] < pieces["of"]
    assert f"{pieces['kept']:,} of {pieces['of']:,} pieces" in model_card(exported)
    own, joint = Tagger.load(tmp_path / "pos"), Tagger.load(folder)
    taggers = (own, OnnxTagger.load(tmp_path / "pos"), joint)
    for split in ("dev", "train"):
        words = load_text(trained.data / f"{split}.safetensors")["pos"].words()
        tags = [[sentence.tags["pos"] for sentence in tagger.tag(words, ["pos"])] for tagger in taggers]
        assert tags[0] == tags[1] == tags[2]
    assert len(own.tag([["outsiders", "xylophone", "\u200b"]])[0].tags["pos"]) == 3


@pytest.mark.skipif(not ONNX, reason="needs the packages of the extra onnx")
def test_a_mask_over_heads_and_inner_units_is_exported_as_a_smaller_network(trained, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "units")
    keys = {"granularity": "unit", "source": "magnitude", "meaning": "zero", "final_density": 0.5}
    units = type(trained)(tmp_path / "units", trained.values).changed(prune=keys)
    for task in TASKS:
        units.prune(task, "initial")
    units.select("part", "initial")
    units.train("zero")
    folder = units.model_folder("zero")
    export.run(folder, "pos", None, tmp_path / "pos", onnx=True, device="cpu")
    whole, small = (load_model(path / "model.safetensors") for path in (folder, tmp_path / "pos"))
    assert not small.masks
    assert sum(small.details["units"].values()) == 26  # half of 4 heads and 48 units of feed-forward networks
    assert small.details["parameters"] < whole.details["parameters"]
    words = load_text(trained.data / "test.safetensors")["pos"].words()
    own, joint = (Tagger.load(path).tag(words, ["pos"]) for path in (tmp_path / "pos", folder))
    assert [sentence.tags for sentence in own] == [sentence.tags for sentence in joint]
    onnx = OnnxTagger.load(tmp_path / "pos").tag(words)
    assert [sentence.tags for sentence in onnx] == [sentence.tags for sentence in joint]


def test_words_that_cannot_be_read_are_refused(trained, tmp_path):
    folder = trained.model_folder("hard")
    with pytest.raises(ConfigError, match="--words needs --trim"):
        export.run(folder, "pos", None, tmp_path / "pos", False, "cpu", words=tmp_path)
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "words.txt", tmp_path / "missing.txt"):
        with pytest.raises(ConfigError, match="cannot be read as a text in UTF-8"):
            export.run(folder, "pos", None, tmp_path / "pos", False, "cpu", trim=True, words=path)
    assert not (tmp_path / "pos").exists()


@pytest.mark.parametrize(("system", "start"), [("lora", "initial"), ("bitfit", "warmup")])
def test_frozen_weights_are_those_of_the_start_and_only_tensors_of_tasks_are_trained(trained, system, start):
    first = to_tensors(load_weights(trained.weights(start)))
    model = load_model(trained.model_folder(system) / "model.safetensors")
    own = {name: value.size for name, value in model.values.items() if name.startswith("tasks.")}
    for name, value in model.values.items():
        if name not in own and not name.startswith("heads."):
            assert np.array_equal(value, first[name].numpy()), name
    assert {name.split("/")[0] for name in own} == {f"tasks.{task}" for task in TASKS}
    assert model.details["trained_parameters"] == sum(own.values())
    hard = load_model(trained.model_folder("hard") / "model.safetensors")
    assert model.details["parameters"] == hard.details["parameters"] + sum(own.values())
    assert "trained_parameters" not in hard.details
    sizes = storage_sizes(model)
    assert sizes["stored"]["tasks"] == 4 * sum(own.values())
    assert sizes["stored"]["shared"] == storage_sizes(hard)["stored"]["shared"]
    assert sizes["separate"]["tasks"] == 0


def test_tables_have_trained_and_stored_parameters(trained):
    frame = pd.read_csv(trained.path(layout.TABLES) / "summary.csv").set_index("system")
    for system in ("lora", "bitfit"):
        details = load_model(trained.model_folder(system) / "model.safetensors").details
        row = frame.loc[system].iloc[0]
        assert (row["parameters"], row["trained_parameters"]) == (details["parameters"], details["trained_parameters"])
    assert "| trained |" in (trained.path(layout.TABLES) / "summary.md").read_text(encoding="utf-8")


def test_a_system_has_its_own_learning_rate_and_no_grid(trained):
    grid = trained.changed(train={"learning_rates": [0.01, 0.03]})
    lora, hard = (grid.specs.train("joint", 1, system, "shared") for system in ("lora", "hard"))
    assert (lora.optimization.learning_rate, lora.learning_rates) == (0.02, None)
    assert (hard.optimization.learning_rate, hard.learning_rates) == (0.01, [0.01, 0.03])


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """For some systems the folder of the ONNX file with all tasks; in `pos`, one of a single task."""
    if not ONNX:
        pytest.skip("needs the packages of the extra onnx")
    folder = tmp_path_factory.mktemp("onnx")
    with pytest.MonkeyPatch.context() as patch:
        tiny_transformers.trace_once(patch)
        for system in ("hard", "delta", "lora"):
            export.run(trained.model_folder(system), None, None, folder / system, onnx=True, device="cpu")
        export.run(trained.model_folder("delta"), "pos", None, folder / "pos", onnx=True, device="cpu")
    return folder


@pytest.mark.parametrize("name", ["hard", "delta", "lora", "pos"])
def test_an_onnx_file_has_the_tags_of_torch(trained, exported, name):
    system, tasks = ("delta", ["pos"]) if name == "pos" else (name, list(TASKS))
    taggers = OnnxTagger.load(exported / name), Tagger.load(trained.model_folder(system))
    assert taggers[0].tasks == tasks
    words = [*load_text(trained.data / "test.safetensors")["pos"].words(), ["the", "\u200b", "[SEP]"] * 20]
    found, expected = (tagger.tag(words, tasks, probabilities=True) for tagger in taggers)
    for one, other in zip(found, expected, strict=True):
        assert one.tags == other.tags
        for task in tasks:
            assert one.probabilities[task] == pytest.approx(other.probabilities[task], abs=1e-4)


def test_the_proof_of_an_onnx_file_has_the_scores_on_dev(exported):
    details = load_json(exported / "delta" / "onnx.json", "onnx").details
    for task in TASKS:
        dev = details["proof"]["dev"][task]
        assert (dev["different"], dev["torch"]) == (0, dev["onnx"])
        assert details["proof"]["random"][task]["tokens"] > 0
    assert set(details["files"]) == {"network.onnx", "tokenizer.json", "vocabulary.json"}
    assert not {"tokenizer", "architecture"} & set(details["model"])


def test_the_card_names_the_pretrained_model(trained):
    card = model_card(load_model(trained.model_folder("delta") / "model.safetensors"))
    assert "tiny\\-bert" in card
    assert "apache\\-2\\.0; that licence applies" in card


def test_other_weights_in_the_folder_change_the_spec_and_are_refused(trained, folder, tmp_path):
    other = tiny_transformers.save(tmp_path / "tiny-bert", "bert", seed=2)
    changed = trained.changed(model={"pretrained": str(other)})
    assert changed.specs.warmup("joint", 1, "initial") != trained.specs.warmup("joint", 1, "initial")
    changed.specs.warmup = trained.specs.warmup
    with pytest.raises(ArtifactError, match="its files have digest"):
        changed.warm_up("initial", tmp_path / "weights.safetensors")


def test_a_folder_elsewhere_changes_no_spec(trained, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "tiny-bert")
    moved = trained.changed(model={"pretrained": str(tmp_path / "tiny-bert")})
    assert moved.specs.warmup("joint", 1, "initial") == trained.specs.warmup("joint", 1, "initial")


@pytest.mark.parametrize(
    "system",
    [{"sharing": "soft"}, {"sharing": "hierarchical", "task_layers": {"pos": 1, "chunk": 2, "ner": 2}}],
)
def test_ways_of_sharing_that_need_layers_of_a_bilstm_are_refused(trained, system):
    with pytest.raises(ConfigError, match="encoder 'transformer'"):
        trained.changed(train={"systems": [{"name": "other", **system}]}, tables={"baseline": "other"})


@pytest.mark.parametrize("sharing", ["lora", "bitfit"])
def test_systems_with_frozen_weights_need_pretrained_ones(prepared, sharing):
    with pytest.raises(ConfigError, match="has no pretrained weights"):
        prepared.changed(train={"systems": [{"name": "other", "sharing": sharing}]}, tables={"baseline": "other"})


def test_frozen_matrices_and_masks_exclude_each_other(trained):
    with pytest.raises(ConfigError, match="matrices: frozen"):
        trained.changed(model={"matrices": "frozen"})


def test_hard_sharing_equals_masks_of_ones(trained, tmp_path):
    from sparse_sharing.training.inputs import build_network, load_task_data, load_vocabulary
    from sparse_sharing.training.loop import Progress, train_epochs
    from sparse_sharing.training.trainer import Trainer

    spec = trained.specs.train("joint", 1, "hard", "shared")
    tags = {task: spec.tags[task] for task in ("ner", "pos")}
    vocabulary = load_vocabulary(trained.data / "vocabulary.json", spec.data, tags)
    artifact = load_weights(trained.weights("initial"))
    data = load_task_data(*trained.texts[1:], tags, spec.data, vocabulary)
    found = []
    for ones in (False, True):
        network, _ = build_network(trained.weights("initial"), artifact, vocabulary, None, torch.device("cpu"))
        if ones:
            network.keep_base()
            mask = Mask.dense(network.prunable_shapes, "")
            network.set_masks({"ner": mask, "pos": mask}, simplify=False)
        trainer = Trainer(network, spec.optimization)
        list(train_epochs(network, trainer, data, spec.optimization, ("train",), Progress(), 1))
        found.append(network.copy_values())
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name


def test_diagnostics_leave_out_systems_whose_tasks_train_no_common_weight(trained):
    measured = trained.changed(train={"measure_conflict": 8, "measure_affinity": {"sentences": 8}})
    for system, expected in (("lora", False), ("bitfit", False), ("hard", True), ("delta", True)):
        spec = measured.specs.train("joint", 1, system, "shared")
        assert (spec.conflict is not None, spec.affinity is not None) == (expected, expected)
