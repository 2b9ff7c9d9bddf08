"""Text at its extremes goes through all stages: long and short sentences, few and many labels, hostile words."""

import copy
import logging

import numpy as np
import pytest

from sparse_sharing.encoders.bilstm import BiLstmEncoder
from sparse_sharing.errors import DataError, TrainingError
from sparse_sharing.masks.layers import layer_of
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import report
from sparse_sharing.storage.artifacts import load_tensors, save_tensors, write_text
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training import gradients

HARD = [{"name": "hard", "sharing": "hard"}]
EVIL = [
    "<script>alert(1)</script>",
    "a|b",
    "x_y",
    r"\input{/etc/passwd}",
    "$\\alpha$",
    "[x](javascript:0)",
    "`c`",
    "&amp;",
]
ESCAPE = "\x1b]0;owned\x07\x1b[31m"


@pytest.fixture
def made(unprepared):
    """A function that makes the pipeline of one corpus with one task, `pos`, from (word, tag) sentences by split."""

    def make(train, dev=None, test=None, **sections):
        for split, sentences in (("train", train), ("dev", dev or train), ("test", test or train)):
            rows = ("".join(f"{word} {tag}\n" for word, tag in sentence) for sentence in sentences)
            write_text(unprepared.folder / f"{split}.txt", "\n".join(rows))
        values = copy.deepcopy(unprepared.values)
        values["data"]["datasets"][0]["corpora"][0]["tasks"] = [{"name": "pos", "column": 1}]
        values["train"] |= {"systems": HARD, "epochs": 1}
        for name, changes in sections.items():
            values[name] = {**values.get(name, {}), **changes}
        return type(unprepared)(unprepared.folder, values)

    return make


def run(pipeline):
    """All stages up to the evaluation; returns its metrics."""
    pipeline.prepare()
    pipeline.warm_up("initial")
    pipeline.train("hard")
    return pipeline.details(pipeline.evaluate("hard") / "metrics.json")


def test_sentences_of_one_and_of_5000_tokens(made, monkeypatch):
    long = [("on", "IN"), ("and", "CC")] * 2_500
    pipeline = made([long] * 5 + [[("Go", "V")], [("on", "IN")]] * 2, dev=[long, [("Go", "V")]])
    forward, sizes = BiLstmEncoder.states, []

    def watch(encoder, vectors, batch, readout=None):
        sizes.append(batch.mask.numel())
        return forward(encoder, vectors, batch, readout)

    monkeypatch.setattr(BiLstmEncoder, "states", watch)
    assert 0 <= run(pipeline)["tasks"]["pos"]["test"]["accuracy"] <= 100
    assert max(sizes) <= gradients.CPU_POSITIONS
    predicted = pipeline.path(layout.EVALUATION, system="hard", model="shared") / "predictions" / "pos.txt"
    lengths = [block.count("\n") + 1 for block in predicted.read_text().strip().split("\n\n")]
    assert lengths == [5_000] * 5 + [1] * 4
    tagged = Tagger.load(pipeline.path(layout.MODEL, system="hard", model="shared")).tag([["on"] * 5_000, ["Go"]])
    assert [len(sentence.tags["pos"]) for sentence in tagged] == [5_000, 1]


@pytest.mark.parametrize("head", ["linear", "crf"])
@pytest.mark.parametrize("labels", [1, 1_000])
def test_one_label_and_a_thousand(made, head, labels):
    tokens = [(f"w{n}", f"T{n % labels}") for n in range(1_000)]
    # Few longer sentences: between two tokens a field with a thousand labels has a million transitions.
    sentences = [tokens[:4], tokens[4:7], *([token] for token in tokens[7:])]
    pipeline = made(sentences, dev=sentences[1:9], test=sentences[1:9], model={"head": head})
    pipeline = pipeline.changed(train={"batch_size": 25})
    accuracy = run(pipeline)["tasks"]["pos"]["test"]["accuracy"]
    assert accuracy == 100 if labels == 1 else 0 <= accuracy <= 100


def test_a_corpus_without_a_training_sentence_is_refused(made):
    pipeline = made([[("Go", "V")]])
    (pipeline.folder / "train.txt").write_text("\n-DOCSTART- X\n\n")
    with pytest.raises(DataError, match=r"train\.txt: found no sentence"):
        pipeline.prepare()


def test_a_loss_that_is_not_finite_ends_the_stage_and_leaves_no_model(made):
    pipeline = made([[("Go", "V"), ("on", "IN")]] * 40)
    pipeline = pipeline.changed(train={"optimizer": "sgd", "learning_rate": 1e38, "gradient_clip": None})
    with pytest.raises(TrainingError, match=r"epoch 1: the loss is (nan|inf) at step \d+/10, of task pos\. Lower"):
        run(pipeline)
    folder = pipeline.path(layout.MODEL, system="hard", model="shared")
    assert {path.name for path in folder.iterdir()} == {"work"}


@pytest.mark.parametrize("layer", ["lstm 1", "characters"])
def test_a_mask_that_empties_a_layer_is_logged_and_trained(pipeline, caplog, layer):
    path = pipeline.selection("sparse")
    found = load_tensors(path, "selection")
    masks = {name: mask.copy() for name, mask in found.tensors.items()}
    start = 0
    for name, shape in found.details["shapes"]:
        end = start + shape[0] * shape[1] * (shape[2] if len(shape) > 2 else 1)
        if layer_of(name) == layer:
            cleared = unpacked(masks["ner"], start, end)
            masks["ner"] = cleared
        start = end
    chosen = pipeline.specs.select("joint", 1, "warmup", "half")
    save_tensors(path, "selection", chosen, masks, found.details)
    with caplog.at_level(logging.WARNING):
        model = pipeline.train("sparse")
    assert f"the mask of task 'ner' keeps no weight of layer '{layer}'" in caplog.text
    assert "task 'pos'" not in caplog.text
    assert len(Tagger.load(model)(["Bob", "left"]).tags["ner"]) == 2


def unpacked(bits, start, end):
    """Packed bits with those from `start` to `end` set to zero."""
    flat = np.unpackbits(bits)
    flat[start:end] = 0
    return np.packbits(flat)


def test_hostile_labels_and_words_stay_text_in_every_output(made):
    sentences = [[(word + ESCAPE, tag) for word, tag in zip(EVIL, EVIL, strict=True)]] * 12
    pipeline = made(sentences)
    run(pipeline)
    folder = pipeline.tables()
    page = pipeline.folder / "report.html"
    report.run(pipeline.specs.report(), pipeline.path(layout.RUN), page)
    shown = page.read_text(encoding="utf-8")
    assert "alert(1)" in shown
    assert "<script>alert" not in shown
    assert "javascript:0)</a>" not in shown
    for path in folder.glob("*.tex"):
        assert r"\input" not in path.read_text()
    for path in pipeline.folder.rglob("*.md"):
        assert "<script" not in path.read_text()
    rows = (folder / "per_type.csv").read_text().splitlines()
    assert len(rows) == 1 + len(EVIL)
