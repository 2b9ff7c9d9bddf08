"""Files whose digests are right but whose parts do not fit: refused with their name by the stage that reads them."""

import numpy as np
import pytest

from sparse_sharing.errors import ArtifactError, TrainingError
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_json, load_tensors, save_json, save_tensors
from sparse_sharing.tagging.tagger import Tagger

CORPUS = "text"
"""The corpus of the tiny configuration."""


def forge(path, kind, spec, change):
    """Change tensors and details of an artifact, and give it the digests that then are right."""
    if path.suffix == ".json":
        details = load_json(path, kind).details
        change(details)
        save_json(path, kind, spec, details)
        return
    found = load_tensors(path, kind)
    tensors, details = {name: array.copy() for name, array in found.tensors.items()}, dict(found.details)
    change(tensors, details)
    save_tensors(path, kind, spec, tensors, details)


def refused(path, act):
    """What a stage says about a forged file."""
    with pytest.raises(ArtifactError) as error:
        act()
    message = str(error.value)
    assert message.startswith(str(path))
    assert "Rebuild it" in message
    return message


def of_text(name, change):
    """A change of one array of the text."""

    def apply(tensors, details):
        tensors[f"{CORPUS}/{name}"] = change(tensors[f"{CORPUS}/{name}"])

    return apply


def at(place, value):
    """A change of one number of an array."""

    def apply(array):
        array[place] = value
        return array

    return apply


TEXTS = {
    "a token's surface beyond the last": (of_text("tokens", at(3, 10**6)), "surfaces of tokens have numbers from"),
    "a negative surface": (of_text("tokens", at(3, -1)), "surfaces of tokens have numbers from -1"),
    "a word beyond the vocabulary": (of_text("surface_words", at(0, 10**6)), "words have numbers from"),
    "a character beyond the vocabulary": (of_text("surface_characters", at((0, 0), 999)), "characters have numbers"),
    "offsets that go back": (of_text("offsets", at(1, 10**6)), "the sentences' offsets do not increase"),
    "sentences that end before the text": (of_text("offsets", lambda array: array[:-1]), "do not cover the"),
    "no sentence list": (of_text("offsets", lambda array: array[:0]), "do not cover the"),
    "numbers with a point": (
        of_text("tokens", lambda array: array.astype(np.float32)),
        "tokens has the wrong type or shape: float32",
    ),
    "a table for a row": (of_text("tokens", lambda array: array[None]), "tokens has the wrong type or shape"),
    "letters that are no text": (of_text("spelling", at(0, 255)), "can't decode"),
    "spellings without end": (of_text("spelling_ends", at(-1, 10**9)), "ends do not increase"),
    "surfaces without spelling": (of_text("spelling_ends", lambda array: array[:-1]), "surfaces have"),
    "an array that nobody knows": (lambda tensors, details: tensors.update({f"{CORPUS}/more": np.zeros(1)}), "more"),
    "an array that is gone": (lambda tensors, details: tensors.pop(f"{CORPUS}/spelling"), "spelling"),
    "corpora in no mapping": (lambda tensors, details: details.update(corpora=[CORPUS]), "has no attribute"),
    "no corpora": (lambda tensors, details: details.pop("corpora"), "'corpora' is missing"),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(("split", "stage"), [("train", "train"), ("dev", "prune"), ("test", "evaluate")])
def test_a_text_whose_numbers_point_to_nothing(pipeline, name, split, stage):
    change, problem = TEXTS[name]
    path = pipeline.data / f"{split}.safetensors"
    forge(path, "text", pipeline.specs.prepare("joint"), change)
    stages = {
        "train": lambda: pipeline.train("hard"),
        "prune": lambda: pipeline.prune("ner"),
        "evaluate": lambda: pipeline.evaluate("hard"),
    }
    assert problem in refused(path, stages[stage])


TAGS = {
    "beyond the set of tags": (lambda tensors, details: at(0, 99)(tensors["tags"]), "have numbers from"),
    "too few": (lambda tensors, details: tensors.update(tags=tensors["tags"][:-1]), "tokens have"),
    "none": (lambda tensors, details: tensors.pop("tags"), "'tags' is missing"),
    "of another task": (lambda tensors, details: details.update(task="pos"), "tags of task pos"),
    "of another split": (lambda tensors, details: details.update(split="x"), "tags of task ner, x"),
    "of other sentences": (lambda tensors, details: details.update(sentences="x"), "was read with other sentences"),
}


@pytest.mark.parametrize("name", TAGS)
@pytest.mark.parametrize(("split", "stage"), [("train", "train"), ("dev", "prune"), ("test", "evaluate")])
def test_tags_that_do_not_fit_the_text(pipeline, name, split, stage):
    change, problem = TAGS[name]
    path = pipeline.data / "tags" / "ner" / f"{split}.safetensors"
    forge(path, "tags", pipeline.specs.prepare_task("joint", "ner"), change)
    stages = {
        "train": lambda: pipeline.train("hard"),
        "prune": lambda: pipeline.prune("ner"),
        "evaluate": lambda: pipeline.evaluate("hard"),
    }
    text = pipeline.data / f"{split}.safetensors"
    with pytest.raises(ArtifactError) as error:
        stages[stage]()
    assert str(error.value).startswith((f"{path}:", f"{text}:"))
    assert problem in str(error.value)


def test_a_training_text_without_sentences(pipeline):
    def empty(tensors, details):
        tensors[f"{CORPUS}/tokens"] = tensors[f"{CORPUS}/tokens"][:0]
        tensors[f"{CORPUS}/offsets"] = tensors[f"{CORPUS}/offsets"][:1]

    def without(tensors, details):
        tensors["tags"] = tensors["tags"][:0]

    forge(pipeline.data / "train.safetensors", "text", pipeline.specs.prepare("joint"), empty)
    for task in ("chunk", "ner", "pos"):
        path = pipeline.data / "tags" / task / "train.safetensors"
        forge(path, "tags", pipeline.specs.prepare_task("joint", task), without)
    with pytest.raises(TrainingError, match="'chunk' has no training sentence"):
        pipeline.train("hard")


def test_a_training_text_with_labels_that_the_vocabulary_lacks(pipeline):
    path = pipeline.data / "tags" / "pos" / "train.safetensors"

    def add(tensors, details):
        details["unseen"] = ["NEW"]

    forge(path, "tags", pipeline.specs.prepare_task("joint", "pos"), add)
    assert "tags of task 'pos' that are not in the vocabulary" in refused(path, lambda: pipeline.train("hard"))


VOCABULARIES = {
    "words twice": (lambda details: details["words"].append(details["words"][0]), "words must be distinct"),
    "fewer words than the text has": (lambda details: details.update(words=[]), "words have numbers from"),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_that_makes_no_sense(pipeline, name):
    change, problem = VOCABULARIES[name]
    path = pipeline.data / "vocabulary.json"
    forge(path, "words", pipeline.specs.prepare("joint"), change)
    told = pipeline.data / "train.safetensors" if "numbers from" in problem else path
    assert problem in refused(told, lambda: pipeline.train("hard"))


TAG_SETS = {
    "no labels": (lambda tensors, details: details.update(tags=[]), "task ner has no tag"),
    "labels twice": (lambda tensors, details: details["tags"].append("O"), "must be distinct strings"),
    "labels that are numbers": (lambda tensors, details: details.update(tags=[1, 2]), "must be distinct strings"),
    "an unknown scheme": (lambda tensors, details: details.update(scheme="x"), "unknown scheme 'x'"),
    "no scheme": (lambda tensors, details: details.pop("scheme"), "'scheme' is missing"),
}


@pytest.mark.parametrize("name", TAG_SETS)
def test_a_set_of_tags_that_makes_no_sense(pipeline, name):
    change, problem = TAG_SETS[name]
    path = pipeline.data / "tags" / "ner" / "train.safetensors"
    forge(path, "tags", pipeline.specs.prepare_task("joint", "ner"), change)
    assert problem in refused(path, lambda: pipeline.train("hard"))


def spoil(name, value):
    """A change of the first number of a tensor."""

    def apply(tensors, details):
        tensors[name].reshape(-1)[0] = value

    return apply


WEIGHTS = {
    "not a number": (spoil("words.weight", np.nan), "the weights words.weight are not all finite"),
    "infinite": (spoil("heads.ner.bias", np.inf), "the weights heads.ner.bias are not all finite"),
    "missing": (lambda tensors, details: tensors.pop("heads.ner.bias"), "weight heads.ner.bias: expected shape"),
    "of another shape": (
        lambda tensors, details: tensors.update({"words.weight": np.zeros((2, 2), np.float32)}),
        "weight words.weight: expected shape",
    ),
    "of no network": (lambda tensors, details: details.pop("model"), "'model' is missing"),
    "of an impossible network": (lambda tensors, details: details.update(model={"hidden": -1}), "hidden"),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("stage", ["train", "prune"])
def test_starting_weights_that_fit_no_network(pipeline, name, stage):
    change, problem = WEIGHTS[name]
    path = pipeline.weights("warmup")
    forge(path, "weights", pipeline.specs.warmup("joint", 1, "warmup"), change)
    act = {"train": lambda: pipeline.train("sparse"), "prune": lambda: pipeline.prune("ner")}[stage]
    assert problem in refused(path, act)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, details: tensors.update(vectors=np.zeros((2, 0), np.float32)),
        lambda tensors, details: tensors.update(vectors=np.zeros((len(tensors["vectors"]), 99), np.float32)),
        lambda tensors, details: tensors.update(has_vector=tensors["has_vector"][:-1]),
        lambda tensors, details: tensors.pop("vectors"),
    ],
)
def test_vectors_that_fit_no_vocabulary(pipeline, tmp_path, change):
    path = pipeline.data / "vectors.safetensors"
    forge(path, "vectors", pipeline.specs.prepare("joint"), change)
    refused(path, lambda: pipeline.warm_up("initial", tmp_path / "new" / "weights.safetensors"))


MASKS = {
    "too short": lambda tensors, details: tensors.update(ner=tensors["ner"][:-1]),
    "no bits": lambda tensors, details: tensors.update(ner=tensors["ner"].astype(np.float32)),
    "without shapes": lambda tensors, details: details.pop("shapes"),
    "with shapes that are none": lambda tensors, details: details.update(shapes=[["w", ["x"]]]),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_that_fit_no_network(pipeline, name):
    path = pipeline.selection("sparse")
    forge(path, "selection", pipeline.specs.select("joint", 1, "warmup", "half"), MASKS[name])
    refused(path, lambda: pipeline.train("sparse"))


def test_masks_of_another_network(pipeline):
    path = pipeline.selection("sparse")

    def rename(tensors, details):
        details["shapes"][0][0] = "other"

    forge(path, "selection", pipeline.specs.select("joint", 1, "warmup", "half"), rename)
    with pytest.raises(ArtifactError, match=r"masks\.safetensors, task 'chunk': the mask is for tensors"):
        pipeline.train("sparse")


@pytest.mark.parametrize("change", [lambda row: row.pop("density"), lambda row: row.update(more=1)])
def test_rounds_of_a_pruning_that_lack_something(pipeline, tmp_path, change):
    path = pipeline.masks("ner")
    forge(
        path,
        "masks",
        pipeline.specs.prune("joint", 1, "warmup", "ner"),
        lambda tensors, details: change(details["rounds"][1]),
    )
    refused(path, lambda: pipeline.select("half", output=tmp_path / "new"))


def rename_mask_shape(tensors, details):
    """The masks of a model with a tensor that the network lacks."""
    details["shapes"][0][0] = "characters.convolution.other"


MODELS = {
    "not a number": (spoil("words.weight", np.nan), "words.weight are not all finite"),
    "a head is gone": (lambda tensors, details: tensors.pop("heads.ner.weight"), "heads.ner.weight"),
    "too few kept weights": (lambda tensors, details: tensors.update(kept=tensors["kept"][:-1]), "fit"),
    "a mask too short": (lambda tensors, details: tensors.update({"masks/ner": tensors["masks/ner"][1:]}), "mask of"),
    "a mask of another network": (rename_mask_shape, "characters.convolution"),
    "a task that it lacks": (lambda tensors, details: details["tasks"].append("srl"), "srl"),
    "no network": (lambda tensors, details: details.pop("model"), "'model' is missing"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_whose_parts_do_not_fit(pipeline, name):
    change, problem = MODELS[name]
    folder = pipeline.path(layout.MODEL, system="sparse", model="shared")
    path = folder / "model.safetensors"
    forge(path, "model", pipeline.specs.train("joint", 1, "sparse", "shared"), change)
    assert problem in refused(path, lambda: pipeline.evaluate("sparse"))
    refused(path, lambda: Tagger.load(folder))
