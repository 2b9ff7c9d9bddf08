"""Taking one task out: its weights alone, the same tags, and files that are checked before they are used."""

import json

import numpy as np
import pytest

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.network.storage import load_model, storage_sizes
from sparse_sharing.pipeline.specs import ExportSpec, TrainSpec
from sparse_sharing.storage import artifacts
from sparse_sharing.storage.artifacts import load_json, load_tensors, save_tensors
from sparse_sharing.tagging import export, onnx_graph
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.proof import random_text
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import load_text

TASKS = ("chunk", "ner", "pos")


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    """For each task the folder that it was exported into, with its ONNX network."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    for task in TASKS:
        export.run(finished.model_folder(), task, None, folder / task, True, "cpu")
    return folder


@pytest.fixture
def copied(exported, tmp_path):
    """A copy of the exported folder of ner, to be changed."""
    for path in (exported / "ner").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def words_of(pipeline, split, task="pos"):
    """The sentences of a split."""
    return load_text(pipeline.data / f"{split}.safetensors")[task].words()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_exported_model_gives_the_tags_of_the_model_it_came_from(finished, exported, task, split):
    words = words_of(finished, split)
    whole, own = Tagger.load(finished.model_folder()), Tagger.load(exported / task)
    assert own.tasks == [task]
    assert [s.tags for s in own.tag(words)] == [s.tags for s in whole.tag(words, [task])]
    probabilities = [[s.probabilities for s in t.tag(words, [task], probabilities=True)] for t in (own, whole)]
    assert probabilities[0] == probabilities[1]


def test_it_has_only_the_weights_of_its_task(finished, exported):
    whole, own = (
        load_model(finished.model_folder() / "model.safetensors"),
        load_model(exported / "ner/model.safetensors"),
    )
    mask = whole.masks["ner"]
    assert own.masks.keys() == {"ner"}
    assert own.masks["ner"].keep.equal(mask.keep)
    assert storage_sizes(own)["stored"]["weights"] == 4 * mask.kept
    assert {name for name in own.values if name.startswith("heads")} == {"heads.ner.weight", "heads.ner.bias"}
    assert own.details["parameters"] < whole.details["parameters"]
    for key in ("densities", "dev"):
        assert own.details[key] == {"ner": whole.details[key]["ner"]}
    assert list(own.details["data"]["tasks"]) == ["ner"]


def test_the_proof_is_written_down(finished, exported):
    whole, own = (
        load_model(finished.model_folder() / "model.safetensors"),
        load_model(exported / "ner/model.safetensors"),
    )
    tokens = sum(map(len, words_of(finished, "dev")))
    proof = own.details["exported"]
    assert (proof["source"], proof["sentences"], proof["tokens"]) == (whole.digest, 10, tokens)
    assert proof["random_tokens"] > 1000
    card = (exported / "ner" / "README.md").read_text(encoding="utf-8")
    random = f"{proof['random_tokens']:,} tokens of random sequences of its vocabulary"
    assert f"10 dev sentences ({tokens} tokens) and for {random} are all the same" in card
    assert whole.digest in card


def test_a_model_whose_tags_would_differ_is_not_written(finished, tmp_path, monkeypatch):
    def head_lost(values, *_):
        return {name: np.zeros_like(value) for name, value in values.items()}

    monkeypatch.setattr(export, "values_of_task", head_lost)
    with pytest.raises(ArtifactError, match="dev tokens got another tag of task 'pos' from the task's weights only"):
        export.run(finished.model_folder(), "pos", None, tmp_path / "out", False, "cpu")
    assert not (tmp_path / "out").exists()


def test_a_model_of_one_task_needs_no_name_and_an_exported_one_can_be_exported_again(finished, exported, tmp_path):
    dev = finished.data / "dev.safetensors"
    export.run(finished.model_folder("single", "pos"), None, None, tmp_path / "single", False, "cpu")
    assert Tagger.load(tmp_path / "single").tasks == ["pos"]
    export.run(exported / "ner", None, dev, tmp_path / "again", False, "cpu")
    first, again = (load_tensors(f / "model.safetensors", "model") for f in (exported / "ner", tmp_path / "again"))
    assert all(first.tensors[name].tobytes() == array.tobytes() for name, array in again.tensors.items())


def test_exporting_twice_gives_the_same_bytes(finished, exported, tmp_path):
    export.run(finished.model_folder(), "ner", None, tmp_path / "out", True, "cpu")
    for path in (exported / "ner").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name


def test_what_cannot_be_exported_is_refused_with_the_reason(finished, tmp_path):
    folder, out = finished.model_folder(), tmp_path / "out"
    with pytest.raises(ConfigError, match="--task is missing; its tasks are chunk, ner, pos"):
        export.run(folder, None, None, out, False, "cpu")
    with pytest.raises(ConfigError, match="the model has no task 'srl'; its tasks are chunk, ner, pos"):
        export.run(folder, "srl", None, out, False, "cpu")
    with pytest.raises(ConfigError, match="is the folder of the model itself"):
        export.run(folder, "ner", None, folder, False, "cpu")
    assert not out.exists()


def test_a_copied_model_is_proved_on_random_sequences_and_a_foreign_dev_text_is_refused(pipeline, tmp_path):
    moved = tmp_path / "moved"
    pipeline.model_folder().rename(moved)
    export.run(moved, "ner", None, tmp_path / "ner", False, "cpu")
    assert Tagger.load(tmp_path / "ner").tasks == ["ner"]
    card = (tmp_path / "ner" / "README.md").read_text(encoding="utf-8")
    assert "tokens of random sequences of its vocabulary are all the same" in card
    other = pipeline.changed(data={"lowercase": False}).prepare(tmp_path / "other")
    with pytest.raises(ArtifactError, match=r"dev\.safetensors: was made with other settings"):
        export.run(moved, "ner", other / "dev.safetensors", tmp_path / "out", False, "cpu")
    assert not (tmp_path / "out").exists()


def test_no_text_of_the_corpus_is_in_the_files_of_a_model(finished, exported):
    sentences = [words for split in ("train", "dev", "test") for words in words_of(finished, split)]
    phrases = {" ".join(words[place : place + 3]) for words in sentences for place in range(len(words) - 2)}
    assert len(phrases) > 100
    for folder in (finished.model_folder(), exported / "ner"):
        for path in (path for path in folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            assert not [phrase for phrase in phrases if phrase.encode() in content], path


def test_random_text_is_the_same_every_time_and_of_the_vocabulary(finished):
    vocabulary = Tagger.load(finished.model_folder()).vocabulary
    text = random_text(vocabulary)
    words = {word for sentence in text.words() for word in sentence}
    assert text.words() == random_text(vocabulary).words()
    assert words >= set(vocabulary.words)
    assert words - set(vocabulary.words)


@pytest.mark.parametrize("task", TASKS)
def test_the_onnx_network_gives_the_tags_of_torch(finished, exported, task):
    words = [*words_of(finished, "test"), [], ["unheard-of"]]
    found = OnnxTagger.load(exported / task).tag(words, batch_size=3)
    expected = Tagger.load(exported / task).tag(words)
    assert tags_and_places(found) == tags_and_places(expected)


def tags_and_places(sentences):
    """What must be equal whatever runs the network: all but the scores, which are rounded."""
    return [
        (one.text, one.tokens, one.tags, {task: [span[:6] for span in spans] for task, spans in one.spans.items()})
        for one in sentences
    ]


@pytest.fixture(scope="module")
def together(finished, tmp_path_factory):
    """For each system the folder of its model exported with all tasks in one file."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("together")
    for system in ("hard", "sparse"):
        export.run(finished.model_folder(system), None, None, folder / system, True, "cpu")
    return folder


@pytest.mark.parametrize("system", ["hard", "sparse"])
def test_one_onnx_file_tags_all_tasks_of_a_model_as_torch_does(finished, together, system):
    words = [*words_of(finished, "test"), [], ["unheard-of"]]
    ours, theirs = OnnxTagger.load(together / system), Tagger.load(finished.model_folder(system))
    assert ours.tasks == theirs.tasks
    found, expected = (tagger.tag(words, probabilities=True) for tagger in (ours, theirs))
    assert tags_and_places(found) == tags_and_places(expected)
    for one, other in zip(found, expected, strict=True):
        for task in TASKS:
            assert one.probabilities.get(task, []) == pytest.approx(other.probabilities.get(task, []), abs=1e-4)
    assert tags_and_places(ours.document("Bob left. Ann didn't.")) == tags_and_places(
        theirs.document("Bob left. Ann didn't.")
    )
    assert {path.name for path in (together / system).iterdir()} == {
        *("network.onnx", "onnx.json", "vocabulary.json", "README.md")
    }


def test_one_onnx_file_takes_less_than_one_for_each_task(exported, together):
    whole = (together / "sparse" / "network.onnx").stat().st_size
    assert whole < sum((exported / task / "network.onnx").stat().st_size for task in TASKS)


def test_weights_of_eight_bits_are_written_with_what_they_cost(finished, together, tmp_path):
    export.run(finished.model_folder(), None, None, tmp_path, True, "cpu", int8=True)
    assert (tmp_path / "network.onnx").stat().st_size < (together / "sparse" / "network.onnx").stat().st_size
    details = load_json(tmp_path / "onnx.json", "onnx").details
    assert details["int8"] is True
    for task in TASKS:
        assert set(details["proof"]["dev"][task]) == {"tokens", "different", "metric", "torch", "onnx"}
        assert set(details["proof"]["random"][task]) == {"tokens", "different"}
    assert OnnxTagger.load(tmp_path).tasks == list(TASKS)
    with pytest.raises(ConfigError, match="--int8 needs --onnx"):
        export.run(finished.model_folder(), "ner", None, tmp_path / "x", False, "cpu", int8=True)


def test_a_crf_is_decoded_as_a_path_without_torch(pipeline, tmp_path):
    pytest.importorskip("onnxruntime")
    crf = pipeline.changed(model={"head": "crf"})
    crf.warm_up("initial")
    folder = crf.train("single", "ner")
    crf.evaluate("single", "ner")
    export.run(folder, "ner", None, tmp_path / "ner", True, "cpu")
    words = words_of(crf, "train", "ner")
    found, expected = OnnxTagger.load(tmp_path / "ner").tag(words), Tagger.load(folder).tag(words)
    assert tags_and_places(found) == tags_and_places(expected)
    assert len(load_json(tmp_path / "ner" / "onnx.json", "onnx").details["tasks"]["ner"]["chain"]["transitions"]) > 1


def test_the_check_of_the_network_is_written_down(finished, exported):
    details = load_json(exported / "ner" / "onnx.json", "onnx").details
    dev = details["proof"]["dev"]["ner"]
    assert (dev["tokens"], dev["different"]) == (sum(map(len, words_of(finished, "dev"))), 0)
    assert dev["torch"] == dev["onnx"]
    assert details["proof"]["random"]["ner"]["different"] == 0
    assert details["tasks"]["ner"]["tags"] == list(Tagger.load(exported / "ner").vocabulary.tasks["ner"].tags)


def test_a_network_that_gives_other_tags_is_not_written(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "GATES", (0, 1, 2, 3))
    with pytest.raises(ArtifactError, match="dev tokens got another tag of task 'pos' from onnxruntime"):
        export.run(finished.model_folder(), "pos", None, tmp_path, True, "cpu")
    assert not (tmp_path / "network.onnx").exists()


def test_missing_packages_are_named_before_anything_is_done(finished, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ConfigError, match="--onnx needs onnx; pip install onnx onnxruntime"):
        export.run(finished.model_folder(), "ner", None, tmp_path / "out", True, "cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["network.onnx", "vocabulary.json", "onnx.json"])
def test_a_file_of_the_onnx_tagger_that_was_changed_is_refused(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        OnnxTagger.load(copied)


@pytest.mark.parametrize("name", ["network.onnx", "vocabulary.json"])
def test_a_file_of_another_export_is_refused(exported, finished, copied, name):
    other = exported / "pos" / name if name == "network.onnx" else None
    if other is None:
        vocabulary = json.loads((copied / name).read_text())
        vocabulary["details"]["words"][0] = "other"
        spec = finished.specs.prepare("joint")
        artifacts.save_json(copied / name, "vocabulary", spec, vocabulary["details"])
    else:
        (copied / name).write_bytes(other.read_bytes())
    with pytest.raises(ArtifactError, match=f"{name}: is not the file that .* was written with"):
        OnnxTagger.load(copied)


def resaved(path, spec, kind="model", **details):
    """A file written again with another kind or other details, and a valid digest."""
    artifact = load_tensors(path, "model")
    save_tensors(path, kind, spec, artifact.tensors, artifact.details | details)


@pytest.mark.parametrize("use", ["tag", "export"])
@pytest.mark.parametrize(
    ("kind", "details", "message"),
    [
        ("weights", {}, "expected model, got weights"),
        ("model", {"model": {"hidden": 6}}, "its parts do not fit each other"),
        ("model", {"tasks": ["chunk", "ner", "srl"]}, "its parts do not fit each other"),
        ("model", {"vocabulary": "0" * 64}, "is not the vocabulary"),
    ],
)
def test_a_foreign_model_is_refused_by_whatever_uses_it(pipeline, tmp_path, use, kind, details, message):
    path = pipeline.model_folder() / "model.safetensors"
    resaved(path, TrainSpec.model_validate(load_tensors(path, "model").spec), kind, **details)
    with pytest.raises(ArtifactError, match=message):
        if use == "tag":
            Tagger.load(path.parent)
        else:
            export.run(path.parent, "ner", None, tmp_path / "out", False, "cpu")


@pytest.mark.parametrize("use", ["tag", "export"])
def test_a_model_of_a_newer_program_is_refused_with_both_versions(pipeline, tmp_path, monkeypatch, use):
    path = pipeline.model_folder() / "model.safetensors"
    artifact = load_tensors(path, "model")
    with monkeypatch.context() as patch:
        patch.setitem(artifacts.FORMATS, "model", 3)
        spec = ExportSpec(model="m" * 16, task="ner")
        save_tensors(path, "model", spec, artifact.tensors, artifact.details)
    with pytest.raises(ArtifactError, match="has format version 3 of model; this program reads 2"):
        Tagger.load(path.parent) if use == "tag" else export.run(path.parent, "ner", None, tmp_path, False, "cpu")
