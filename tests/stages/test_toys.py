"""An encoder and a head from outside of the package go through all stages, up to a tagger and an export."""

import shutil

import numpy as np
import pandas
import pytest
import toys

from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.config.heads import HEADS, HeadFacts
from sparse_sharing.heads.base import build_head
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.tagging import export
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import open_model


@pytest.fixture(scope="module")
def known_head():
    """The head `scaled` has its entry while the tests of this file run; others expect the heads of the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HEADS, "scaled", HeadFacts("toys"))
        yield


@pytest.fixture(scope="module")
def trained(known_head, prepared, tmp_path_factory):
    """The pipeline with the encoder `bag` and the head `scaled`, up to a model of sparse sharing over units."""
    folder = tmp_path_factory.mktemp("toys")
    shutil.copytree(prepared.folder, folder, dirs_exist_ok=True)
    values = {**prepared.values, "model": {"encoder": "bag", "states": 6, "head": {"pos": "scaled"}}}
    pipeline = type(prepared)(folder, values).changed(prune={"granularity": "unit", "rounds": 1, "final_density": 0.5})
    pipeline.prepare()
    pipeline.warm_up("warmup")
    for task in ("chunk", "ner", "pos"):
        pipeline.prune(task)
    pipeline.select("half")
    pipeline.train("sparse")
    pipeline.evaluate("sparse")
    return pipeline


def test_it_is_described_and_built_by_its_name(trained):
    assert type(encoder_section({"encoder": "bag"})) is toys.BagSection
    assert load_model(trained.model_folder() / "model.safetensors").details["model"]["encoder"] == "bag"
    network = open_model(trained.model_folder(), "cpu").network
    assert type(network.encoder) is toys.Bag
    assert {task: type(head) for task, head in network.head_kinds.items() if task != "ner"} == {
        "pos": toys.ScaledHead,
        "chunk": type(build_head("linear", 1, network.vocabulary.tasks["pos"], network.device)),
    }


def test_it_learns_something_and_can_be_evaluated(trained):
    history = pandas.read_csv(trained.model_folder() / "history.csv")
    assert history["loss"].iloc[-1] < 0.9 * history["loss"].iloc[0]
    metrics = trained.details(trained.path(layout.EVALUATION, system="sparse", model="shared") / "metrics.json")
    assert metrics["tasks"].keys() == {"chunk", "ner", "pos"}


def test_it_tags_and_its_masks_over_units_make_it_smaller(trained, tmp_path):
    export.run(trained.model_folder(), "pos", None, tmp_path / "pos", False, "cpu")
    small = load_model(tmp_path / "pos" / "model.safetensors")
    assert small.details["units"] == {"layer": 3}
    assert small.values["heads.pos.weight"].shape[1] == 3
    text = load_text(trained.data / "test.safetensors")["pos"]
    expected = open_model(trained.model_folder(), "cpu").network.predict("pos", text)
    assert np.array_equal(open_model(tmp_path / "pos", "cpu").network.predict("pos", text), expected)
    words = text.words()
    whole, own = Tagger.load(trained.model_folder()).tag(words, ["pos"]), Tagger.load(tmp_path / "pos").tag(words)
    assert [sentence.tags for sentence in whole] == [sentence.tags for sentence in own]
