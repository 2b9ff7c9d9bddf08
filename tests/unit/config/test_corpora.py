"""Corpora and tasks in the configuration: formats, layers, derived tasks, and files that can be fetched."""

import json

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.config.corpora import LAYERS
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.text.readers import conllu

CORPUS = "data.datasets.1.corpora.0"
URL = "https://example.org/a.txt"


def with_corpus(changed, tasks, **keys):
    """The small configuration, one corpus of it with other tasks and keys."""
    values = changed()
    values["data"]["datasets"][1]["corpora"][0] |= {"tasks": tasks, **keys}
    return values


def with_download(changed, *sources):
    """The small configuration with sources of files."""
    return changed("download", [{"path": "a", "url": URL, **source} for source in sources])


def corpus_spec(values):
    """The spec of the changed corpus as the stage `prepare` gets it, without its tasks."""
    return json.loads(Specs(parse_config(values)).prepare("pair").canonical())["corpora"][0]


def task_spec(values, task):
    """The spec of the changed corpus as the stage `prepare_task` gets it, with one task."""
    return json.loads(Specs(parse_config(values)).prepare_task("pair", task).canonical())["corpus"]


def refusal(values):
    """The message of the error that the values raise."""
    with pytest.raises(ConfigError) as caught:
        parse_config(values)
    return str(caught.value)


def test_a_corpus_of_columns_has_the_spec_that_it_had_before_there_were_other_formats(changed):
    values = with_corpus(changed, [{"name": "pos", "column": 1}], format="columns")
    expected = {"name": "first", "dev_fraction": 0.1, "split_seed": 1, "word_column": 0, "repair": False}
    task = {"name": "pos", "column": 1, "scheme": "none", "model_scheme": "none"}
    assert corpus_spec(values) == {**expected, "tasks": []}
    assert task_spec(values, "pos") == {**expected, "tasks": [task]}


def test_the_spec_of_another_format_holds_what_its_reader_uses(changed):
    tasks = [{"name": "pos", "layer": "pos"}, {"name": "position", "derive": "position"}]
    documents = {"train": "t", "test": "e"}
    values = with_corpus(changed, tasks, format="conll2012", documents=documents)
    spec = corpus_spec(values)
    assert (spec["format"], spec["skip_domains"], spec["documents"]) == ("conll2012", ["pt"], ["train", "test"])
    assert "word_column" not in spec
    assert spec["tasks"] == []
    for task in tasks:
        assert task_spec(values, task["name"]) == {
            **spec,
            "tasks": [{**task, "scheme": "none", "model_scheme": "none"}],
        }
    spec = corpus_spec(with_corpus(changed, tasks[:1], format="conll2012", skip_domains=["nw", "bc"]))
    assert spec["skip_domains"] == ["bc", "nw"]
    assert "skip_domains" not in corpus_spec(with_corpus(changed, [{"name": "pos", "layer": "upos"}], format="conllu"))


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, "got none of them"),
        ({"column": 1, "derive": "position"}, "got column and derive"),
        ({"column": 1, "layer": "pos"}, "got column and layer"),
    ],
)
def test_a_task_has_exactly_one_source(changed, keys, found):
    message = refusal(with_corpus(changed, [{"name": "x", **keys}]))
    assert "task 'x' needs exactly one of column (column files), layer (conll2012, conllu) and derive" in message
    assert found in message


@pytest.mark.parametrize(
    ("kind", "task", "message"),
    [
        ("columns", {"layer": "pos"}, "task 'x': column files have no layers; set its column"),
        ("conll2012", {"column": 4}, "format 'conll2012' has no column 4; its layers are pos, chunk, ner"),
        ("conll2012", {"layer": "upos"}, "format 'conll2012' has no layer 'upos'; its layers are pos, chunk, ner"),
        ("conll2012", {"layer": "ner"}, "layer 'ner' is read with scheme: iob2, got 'none' (model_scheme may differ)"),
        ("conllu", {"layer": "misc:"}, "format 'conllu' has no layer 'misc:'; its layers are upos, xpos, misc:KEY"),
        ("conllu", {"layer": "upos", "scheme": "iob2"}, "layer 'upos' is read with scheme: none, got 'iob2'"),
        ("columns", {"derive": "position", "scheme": "iob2"}, "positions are not spans; set scheme: none"),
        ("columns", {"derive": "length"}, "derive: got 'length'"),
    ],
)
def test_a_task_names_what_its_format_has_in_the_scheme_that_it_has(changed, kind, task, message):
    assert message in refusal(with_corpus(changed, [{"name": "x", **task}], format=kind))


def test_tags_in_misc_have_any_key_and_scheme(changed):
    tasks = [{"name": "entity", "layer": "misc:Entity", "scheme": "bioes"}, {"name": "language", "layer": "misc:Lang"}]
    assert parse_config(with_corpus(changed, tasks, format="conllu"))


@pytest.mark.parametrize(
    ("kind", "keys", "message"),
    [
        ("columns", {"documents": {"train": "a"}}, "format 'columns' does not use the key 'documents'"),
        ("conllu", {"skip_domains": []}, "format 'conllu' does not use the key 'skip_domains'"),
        ("conll2012", {"word_column": 3}, "format 'conll2012' does not use the key 'word_column'"),
        ("conll2012", {"documents": {"dev": "a"}}, "documents.dev needs the key 'dev'"),
        ("conll", {}, "format: got 'conll'"),
    ],
)
def test_keys_that_a_format_does_not_use_are_refused(changed, kind, keys, message):
    task = {"name": "x", "column": 1} if kind == "columns" else {"name": "x", "layer": "upos"}
    task = {"name": "x", "layer": "pos"} if kind == "conll2012" else task
    assert message in refusal(with_corpus(changed, [task], format=kind, **keys))


def test_the_layers_of_conllu_are_columns_of_the_format():
    assert {layer.upper() for layer in LAYERS["conllu"]} < set(conllu.COLUMNS)


def test_a_source_of_a_file_becomes_the_spec_of_its_fetching_and_of_no_other_stage(changed):
    values = with_download(changed, {"member": "b", "sha256": "0" * 64})
    specs = Specs(parse_config(values))
    assert json.loads(specs.download("a").canonical()) == {"url": URL, "member": "b", "sha256": "0" * 64}
    assert specs.tables() == Specs(parse_config(changed())).tables()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"url": "file:///etc/passwd"}, "url 'file:///etc/passwd' must start with http:// or https://"),
        ({"url": "https:/example.org/a"}, "must start with http:// or https://"),
        ({"url": "https://example.org/a b"}, "must start with http:// or https://"),
        ({"sha256": "abc"}, "sha256 'abc' must be 64 digits"),
        ({"sha256": "A" * 64}, "must be 64 digits"),
        ({"path": "demo:joint/train.txt"}, "'demo:joint/train.txt' is a generated demo file"),
        ({"path": "/etc/a"}, "path '/etc/a' must stay below data_root"),
        ({"path": "a/../../b"}, "path 'a/../../b' must stay below data_root"),
    ],
)
def test_sources_that_are_no_files_of_the_web_for_data_root_are_refused(changed, source, message):
    assert message in refusal(with_download(changed, source))


def test_a_file_has_one_source(changed):
    assert "download: duplicate path a" in refusal(with_download(changed, {}, {}))
