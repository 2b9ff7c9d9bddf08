"""Optional inputs of words through the stages: resumed to the same bytes, tagged, exported, extended."""

import copy
import shutil

import numpy as np
import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.config import parse_config
from sparse_sharing.network.storage import load_model
from sparse_sharing.tagging import adding, export
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.text.features import FEATURES

TASKS = ("chunk", "ner", "pos")
INPUTS = {
    "features": {"prefix": 1, "suffix": [2, 3], "shape": True, "case": True, "rows": 60, "width": 3},
    "character_widths": [2, 3],
    "rare_word_dropout": 0.5,
}
STRANGE = [["Zyxwvving", "zyxwvved", "1996-08", "ZYX"], ["the", "Qqrst"]]
"""Sentences with words that training has not seen."""

PAIR = {"name": "pair", "sharing": "sparse", "start": "warmup", "choice": "half", "tasks": ["pos", "chunk"]}


def evaluated(folder, task):
    """The words and predicted tags in the results of an evaluation."""
    blocks = (folder / "predictions" / f"{task}.txt").read_text(encoding="utf-8").strip("\n").split("\n\n")
    rows = [[line.split(" ") for line in block.split("\n")] for block in blocks]
    return [[row[0] for row in own] for own in rows], [[row[2] for row in own] for own in rows]


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    """The pipeline with all optional inputs and masks over units, up to the model of sparse sharing."""
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(prepared.folder, folder, dirs_exist_ok=True)
    pipeline = type(prepared)(folder, prepared.values).changed(
        model=INPUTS, prune={"granularity": "unit", "rounds": 1, "final_density": 0.5}
    )
    pipeline.warm_up("warmup")
    for task in TASKS:
        pipeline.prune(task)
    pipeline.select("half")
    pipeline.train("sparse")
    return pipeline


def test_the_text_is_prepared_as_without_the_inputs(prepared, trained):
    assert trained.specs.prepare("joint").digest() == prepared.specs.prepare("joint").digest()


def test_an_interrupted_training_resumes_to_the_same_bytes(trained, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        trained.train("sparse", output=tmp_path)
    trained.train("sparse", output=tmp_path)
    first = trained.model_folder() / "model.safetensors"
    assert (tmp_path / "model.safetensors").read_bytes() == first.read_bytes()


def test_the_tagger_gives_the_tags_of_the_network_and_so_does_each_export(trained, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = trained.model_folder()
    export.run(folder, None, trained.data / "dev.safetensors", tmp_path / "all", True, "cpu")
    export.run(folder, "ner", trained.data / "dev.safetensors", tmp_path / "ner", True, "cpu")
    units = load_model(tmp_path / "ner" / "model.safetensors").details["units"]
    assert {"characters.width_2", "characters.width_3"} <= set(units)
    whole, results = Tagger.load(folder), trained.evaluate("sparse")
    for task in TASKS:
        words, tags = evaluated(results, task)
        taggers = [whole, OnnxTagger.load(tmp_path / "all")]
        taggers += [Tagger.load(tmp_path / task), OnnxTagger.load(tmp_path / task)] if task == "ner" else []
        strange = [one.tags for one in whole.tag(STRANGE, [task])]
        for tagger in taggers:
            assert [one.tags[task] for one in tagger.tag(words, [task])] == tags
            assert [one.tags for one in tagger.tag(STRANGE, [task])] == strange


def test_a_model_with_features_is_extended_and_its_features_stay(trained, tmp_path):
    pair = trained.changed(prune={"granularity": None}, train={"systems": [PAIR]})
    pair = type(pair)(tmp_path / "run", pair.values)
    shutil.copytree(trained.folder, pair.folder)
    for task in TASKS:
        pair.prune(task)
    pair.select("half")
    before = pair.train("pair")
    new = copy.deepcopy(pair.values)
    new["data_root"] = str(pair.folder)
    new["data"]["datasets"][0]["corpora"][0]["tasks"] = [{"name": "ner", "column": 3, "scheme": "iob2"}]
    new["train"]["systems"] = [{"name": "single", "sharing": "single"}]
    adding.run(before, parse_config(new), "ner", tmp_path / "more", "cpu")
    old, made = (load_model(folder / "model.safetensors") for folder in (before, tmp_path / "more"))
    assert made.tasks == [*old.tasks, "ner"]
    assert np.array_equal(old.values[FEATURES], made.values[FEATURES])
    said = [Tagger.load(folder).tag(STRANGE, PAIR["tasks"]) for folder in (before, tmp_path / "more")]
    assert [one.tags for one in said[0]] == [one.tags for one in said[1]]
