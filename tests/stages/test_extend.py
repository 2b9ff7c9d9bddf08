"""A task is added to a finished model, a second and a third, and one is removed: the others stay as they are."""

import copy

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from sparse_sharing.cli.program import app
from sparse_sharing.config import parse_config
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.network.storage import load_model, union_of
from sparse_sharing.stages import add_task
from sparse_sharing.storage.artifacts import content_digest, write_text
from sparse_sharing.tagging import adding, export, removal
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.text.demo.corpora import generate
from sparse_sharing.text.random_text import random_sentences

SIZES = {"train": 30, "dev": 10, "test": 10}
STRANGE = [["Zyxwv", "of", "the", "qqrst"], ["qqrst", "Zyxwv"]]
"""Sentences with words that only the new task's text has."""


def pair_of(finished):
    """The tiny configuration with sparse sharing of two of its tasks."""
    tasks = ["pos", "chunk"]
    sparse = {"name": "pair", "sharing": "sparse", "start": "warmup", "choice": "half", "tasks": tasks}
    systems = [{**sparse, "epochs_after_start": 3}, {"name": "hard", "sharing": "hard", "tasks": tasks}]
    return finished.changed(train={"systems": systems})


@pytest.fixture(scope="module")
def model(finished, tmp_path_factory):
    """A model of two tasks that share sparsely, copied from its run."""
    return pair_of(finished).train("pair", output=tmp_path_factory.mktemp("model") / "pair")


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """Values of a configuration with a task of names in a corpus of its own, which has words that the model lacks."""
    folder = tmp_path_factory.mktemp("new")
    for name, text in generate("joint", SIZES, 2).items():
        blocks = ["\n".join(f"{word} NN B-NP B-PER" for word in words) for words in STRANGE]
        write_text(folder / name, text + "\n" * (not text.endswith("\n\n")) + "\n\n".join(blocks) + "\n")
    files = {split: f"{split}.txt" for split in SIZES}
    tasks = [
        {"name": "ner", "column": 3, "scheme": "iob2"},
        {"name": "parts", "column": 1},
        {"name": "phrases", "column": 2, "scheme": "iob2"},
    ]
    corpus = {"name": "other", **files, "tasks": tasks}
    return {
        "run": "new",
        "data_root": str(folder),
        "data": {"datasets": [{"name": "other", "corpora": [corpus]}]},
        "train": {
            **{"optimizer": "adam", "learning_rate": 0.1, "batch_size": 4, "epochs": 3},
            "systems": [{"name": "single", "sharing": "single"}],
        },
    }


def add(model, new, task, output, **options):
    """Add a task of the new configuration to a model."""
    return adding.run(model, parse_config(new), task, output, "cpu", **options)


@pytest.fixture(scope="module")
def extended(model, new, tmp_path_factory):
    """The model with three tasks more, one after the other: the folder of each step, by the task that it adds."""
    root, before, steps = tmp_path_factory.mktemp("extended"), model, {}
    for task in ("ner", "parts", "phrases"):
        steps[task] = root / task
        add(before, new, task, steps[task])
        before = steps[task]
    return steps


def said(folder, tasks, sentences):
    """Tags and probabilities of tasks on sentences."""
    tagged = Tagger.load(folder, device="cpu").tag(sentences, tasks, probabilities=True)
    return [(one.tags, one.probabilities) for one in tagged]


def read_by(folder, task, words):
    """The digest of all that a task reads of a model, of the first words of its vocabulary."""
    trained = load_model(folder / "model.safetensors")
    values = add_task.values_of_task(trained.values, task, trained.masks[task])
    return content_digest({**values, "words.weight": np.ascontiguousarray(values["words.weight"][:words])})


def test_every_task_that_was_there_gives_the_tags_and_probabilities_that_it_gave(model, extended):
    before, tasks = model, ["chunk", "pos"]
    for task, folder in extended.items():
        vocabulary = Tagger.load(folder, device="cpu").vocabulary
        sentences = [*random_sentences(vocabulary)[:40], *STRANGE]
        assert said(folder, tasks, sentences) == said(before, tasks, sentences)
        before, tasks = folder, [*tasks, task]


def test_everything_that_a_task_reads_is_the_same_to_the_byte(model, extended):
    words = Tagger.load(model, device="cpu").vocabulary.word_count
    for task in ("chunk", "pos"):
        assert {read_by(folder, task, words) for folder in extended.values()} == {read_by(model, task, words)}


def test_new_words_come_behind_those_of_the_model_and_only_later_tasks_know_them(model, extended):
    before = Tagger.load(model, device="cpu").vocabulary
    after = Tagger.load(extended["ner"], device="cpu").vocabulary
    assert after.words[: len(before.words)] == before.words
    assert {"zyxwv", "qqrst"} <= set(after.words) - set(before.words)
    limits = load_model(extended["phrases"] / "model.safetensors").details["word_limits"]
    assert limits["chunk"] == limits["pos"] == before.word_count
    assert limits["ner"] == after.word_count


def test_a_new_task_uses_every_weight_that_is_kept_and_takes_a_share_of_the_free_ones(model, extended):
    before = model
    for task, folder in extended.items():
        old, made = load_model(before / "model.safetensors"), load_model(folder / "model.safetensors")
        kept, mask = union_of(old.masks.values()), made.masks[task].keep.numpy()
        facts = made.details["extension"]
        assert mask[kept].all()
        assert facts["free"] == (~kept).sum()
        assert facts["taken"] == mask.sum() - kept.sum() == round(facts["free"] / 2)
        assert facts["left"] == facts["free"] - facts["taken"]
        before = folder


def test_the_new_task_learns(extended):
    dev = load_model(extended["parts"] / "model.safetensors").details["dev"]["parts"]
    assert dev["accuracy"] > 40


def test_without_a_task_the_others_stay_and_what_only_it_kept_is_free(extended, tmp_path):
    whole = extended["phrases"]
    free, weights = removal.run(whole, "phrases", tmp_path / "less", "cpu")
    facts = load_model(whole / "model.safetensors").details["extension"]
    assert (free, weights) == (facts["free"], facts["weights"])
    sentences = [*random_sentences(Tagger.load(whole, device="cpu").vocabulary)[:40], *STRANGE]
    tasks = ["chunk", "pos", "ner", "parts"]
    assert said(tmp_path / "less", tasks, sentences) == said(whole, tasks, sentences)
    assert load_model(tmp_path / "less" / "model.safetensors").tasks == tasks


def test_what_a_later_task_reads_of_an_earlier_one_stays_when_that_is_removed(extended, new, tmp_path):
    removal.run(extended["parts"], "ner", tmp_path / "less", "cpu")
    sentences = [*random_sentences(Tagger.load(extended["parts"], device="cpu").vocabulary)[:40], *STRANGE]
    tasks = ["chunk", "pos", "parts"]
    assert said(tmp_path / "less", tasks, sentences) == said(extended["parts"], tasks, sentences)
    add(tmp_path / "less", new, "phrases", tmp_path / "more")
    assert said(tmp_path / "more", tasks, sentences) == said(extended["parts"], tasks, sentences)


def test_a_task_that_is_taken_out_of_an_extended_model_gives_the_same_tags(model, extended, tmp_path):
    export.run(extended["ner"], "pos", None, tmp_path / "pos", False, "cpu")
    sentences = [*random_sentences(Tagger.load(extended["ner"], device="cpu").vocabulary)[:40], *STRANGE]
    assert said(tmp_path / "pos", ["pos"], sentences) == said(model, ["pos"], sentences)


def test_one_onnx_file_for_tasks_that_know_different_words_is_refused(extended, tmp_path):
    with pytest.raises(ConfigError, match="have different vocabularies, which one ONNX file cannot have"):
        export.run(extended["ner"], None, None, tmp_path / "onnx", True, "cpu")


def test_hard_sharing_leaves_nothing_free_and_is_refused(finished, new, tmp_path):
    hard = pair_of(finished).train("hard", output=tmp_path / "hard")
    with pytest.raises(ConfigError, match=r"every one of the \d+ weights is kept by a task, so none is free"):
        add(hard, new, "ner", tmp_path / "more")
    assert not (tmp_path / "more" / "model.safetensors").exists()


def test_a_model_that_would_change_another_task_is_not_written(model, new, tmp_path, monkeypatch):
    merged = add_task._merged

    def changed(*arguments):
        values, masks = merged(*arguments)
        values["heads.pos.bias"] = values["heads.pos.bias"] + np.float32(1e-6)
        return values, masks

    monkeypatch.setattr(add_task, "_merged", changed)
    with pytest.raises(ArtifactError, match="with task 'ner', the weights of task 'pos' would change"):
        add(model, new, "ner", tmp_path / "more")
    assert not (tmp_path / "more" / "model.safetensors").exists()


def test_a_task_that_is_there_is_refused(model, new, tmp_path):
    same = copy.deepcopy(new)
    same["data"]["datasets"][0]["corpora"][0]["tasks"][1]["name"] = "pos"
    with pytest.raises(ConfigError, match="already has a task 'pos'; give the new task another name"):
        add(model, same, "pos", tmp_path / "more")


def test_a_configuration_with_several_new_tasks_needs_the_name_of_one(model, new, tmp_path):
    with pytest.raises(ConfigError, match=r"tasks that the model lacks: ner, parts, phrases\. Name one with --task"):
        add(model, new, None, tmp_path / "more")


def test_the_commands_say_what_is_left_free(model, new, tmp_path):
    config = tmp_path / "new.yaml"
    config.write_text(yaml.safe_dump(new))
    arguments = [str(model), str(config), "--task", "ner", "--output", str(tmp_path / "more"), "--device", "cpu"]
    done = CliRunner().invoke(app, ["extend", *arguments, "--share", "1"])
    assert done.exit_code == 0, done.output
    assert "0 are left" in done.output
    assert not (tmp_path / "more" / "prepared").exists()
    done = CliRunner().invoke(app, ["remove", str(tmp_path / "more"), "ner", "--output", str(tmp_path / "less")])
    assert done.exit_code == 0, done.output
    assert "without task 'ner'" in done.output
