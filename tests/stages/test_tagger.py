"""The tagger: what it says of a text is what the stage evaluate says of it, with and without word vectors."""

import subprocess
import sys

import numpy as np
import pytest

import sparse_sharing
from sparse_sharing.errors import ArtifactError, ConfigError, DataError
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import evaluate
from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.tagging import encoding, export
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.tagger import LONG_SENTENCE, Tagger
from sparse_sharing.text.demo.corpora import generate
from sparse_sharing.text.schemes import read_spans

TASKS = ("chunk", "ner", "pos")
SENTENCE = "Bob Lee visits New York ."


def evaluated(folder, task):
    """The words and the predicted tags of each sentence, as the stage evaluate has written them."""
    blocks = (folder / "predictions" / f"{task}.txt").read_text(encoding="utf-8").strip("\n").split("\n\n")
    rows = [[line.split(" ") for line in block.split("\n")] for block in blocks]
    return [[row[0] for row in block] for block in rows], [[row[2] for row in block] for block in rows]


@pytest.fixture(scope="module")
def tagger(finished):
    return Tagger.load(finished.model_folder())


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    """The tagger of the same model, exported."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("onnx")
    export.run(finished.model_folder(), None, None, folder, True, "cpu")
    return OnnxTagger.load(folder)


@pytest.fixture(scope="module")
def with_vectors(finished, tmp_path_factory):
    """A pipeline with word vectors for half of the words of each split, and a hard model of it."""
    folder = tmp_path_factory.mktemp("vectors")
    for name, text in generate("joint", {"train": 40, "dev": 10, "test": 40}, 1).items():
        write_text(folder / name, text)
    lines = "".join((folder / f"{split}.txt").read_text() for split in ("train", "test")).split("\n")
    words = sorted({line.split(" ")[0].lower() for line in lines if line})[::2]
    random = np.random.default_rng(1)
    rows = (" ".join([word, *(f"{x:.3f}" for x in random.normal(size=6))]) for word in words)
    write_text(folder / "vectors.txt", "".join(f"{row}\n" for row in rows))
    pipeline = type(finished)(folder, finished.values).changed(data={"vectors": "vectors.txt"})
    pipeline.prepare(vectors=folder / "vectors.txt")
    pipeline.warm_up("initial")
    pipeline.train("hard")
    pipeline.evaluate("hard")
    return pipeline


@pytest.mark.parametrize(
    ("system", "model"), [("sparse", "shared"), ("hard", "shared"), ("single", "ner"), ("single", "pos")]
)
@pytest.mark.parametrize("batch_size", [1, 7, 128])
def test_tags_are_those_of_the_stage_evaluate(finished, system, model, batch_size):
    tagger = Tagger.load(str(finished.model_folder(system, model)), device="cpu")
    folder = finished.path(layout.EVALUATION, system=system, model=model)
    assert tagger.tasks == (list(TASKS) if model == "shared" else [model])
    for task in tagger.tasks:
        words, tags = evaluated(folder, task)
        found = tagger.tag(words, [task], batch_size=batch_size)
        assert [sentence.tags for sentence in found] == [{task: own} for own in tags]
        assert [list(sentence.words) for sentence in found] == words


def test_with_the_vectors_tags_are_those_of_the_stage_evaluate_without_them_some_differ(with_vectors):
    folder = with_vectors.path(layout.EVALUATION, system="hard", model="shared")
    full = Tagger.load(with_vectors.model_folder("hard"), vectors=with_vectors.folder / "vectors.txt")
    less = Tagger.load(with_vectors.model_folder("hard"))
    differing = 0
    for task in TASKS:
        words, tags = evaluated(folder, task)
        assert [sentence.tags[task] for sentence in full.tag(words)] == tags
        differing += sum(sentence.tags[task] != own for sentence, own in zip(less.tag(words), tags, strict=True))
    assert differing
    assert (full.lacks_vectors, less.lacks_vectors) == (False, True)


def test_vectors_of_words_with_capitals_are_found_as_the_stage_prepare_finds_them(with_vectors, tmp_path):
    cased = with_vectors.changed(data={"lowercase": False})
    cased = type(with_vectors)(tmp_path, cased.values)
    for split in ("train", "dev", "test"):
        write_text(tmp_path / f"{split}.txt", (with_vectors.folder / f"{split}.txt").read_text())
    vectors = with_vectors.folder / "vectors.txt"
    cased.prepare(vectors=vectors)
    cased.warm_up("initial")
    cased.train("single", "pos")
    words, tags = evaluated(cased.evaluate("single", "pos"), "pos")
    found = Tagger.load(cased.model_folder("single", "pos"), vectors).tag(words)
    assert [sentence.tags["pos"] for sentence in found] == tags


def test_vectors_that_do_not_fit_the_model_are_refused(finished, with_vectors, tmp_path):
    path = with_vectors.folder / "vectors.txt"
    with pytest.raises(ConfigError, match="the model was trained without word vectors; leave the vectors out"):
        Tagger.load(finished.model_folder(), path)
    (tmp_path / "wide.txt").write_text("a " + "1 " * 8 + "1\n")
    with pytest.raises(ConfigError, match="has 9 dimensions, but the model's word vectors have 8"):
        Tagger.load(with_vectors.model_folder("hard"), tmp_path / "wide.txt")
    with pytest.raises(DataError, match="there is no such file"):
        Tagger.load(with_vectors.model_folder("hard"), tmp_path / "nowhere.txt")


def test_a_sentence_is_text_or_tokens_and_gives_tags_and_spans(tagger):
    tagged = tagger(SENTENCE)
    assert tagged == tagger(SENTENCE.split(" "))
    assert tagged.words == tuple(SENTENCE.split(" "))
    assert tagged.tags.keys() == set(TASKS)
    assert tagged.spans.keys() == {"chunk", "ner"}
    assert {len(tags) for tags in tagged.tags.values()} == {6}
    for task, spans in tagged.spans.items():
        places = [(span.label, span.first_token, span.end_token) for span in spans]
        assert places == [tuple(span) for span in read_spans(tagged.tags[task], "iob2")]
        assert all(span.text == SENTENCE[span.start_char : span.end_char] for span in spans)
        assert all(span.text.split() == list(tagged.words[span.first_token : span.end_token]) for span in spans)
        assert all(0 < span.score <= 1 for span in spans)
    assert tagged.spans["chunk"]
    assert tagged.probabilities == {}


def test_the_score_of_a_span_is_the_mean_probability_of_its_tags(tagger):
    tagged = tagger(SENTENCE, ["chunk"], probabilities=True)
    for span in tagged.spans["chunk"]:
        assert span.score == pytest.approx(
            np.mean(tagged.probabilities["chunk"][span.first_token : span.end_token]), rel=1e-5
        )


def test_texts_are_copied_unchanged_from_the_source(tagger):
    text = "  Bob  Lee visits   New\tYork.  "
    tagged = tagger(text)
    assert tagged.text == text
    assert [text[start:end] for _, start, end in tagged.tokens] == ["Bob", "Lee", "visits", "New", "York", "."]
    assert all(span.text == text[span.start_char : span.end_char] for span in tagged.spans["chunk"])


def test_a_document_is_split_into_sentences_and_its_characters_are_counted_in_the_whole_text(tagger):
    text = "Bob left. Ann didn't.\n\n New York is big"
    found = tagger.document(text, probabilities=True)
    assert [sentence.text for sentence in found] == ["Bob left.", "Ann didn't.", "New York is big"]
    for sentence in found:
        assert text[sentence.start_char :].startswith(sentence.text)
        assert all(text[start:end] == word for word, start, end in sentence.tokens)
        for span in sentence.spans["chunk"]:
            assert text[span.start_char : span.end_char] == span.text
            assert span.text.split() == list(sentence.words[span.first_token : span.end_token])
    assert found[2].tags == tagger("New York is big").tags


def test_empty_text_gives_empty_results(tagger):
    assert tagger.document("") == tagger.document(" \n") == tagger.tag([]) == []
    assert tagger("").tags == {task: [] for task in TASKS}
    assert tagger("").spans == {"chunk": [], "ner": []}


@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_what_is_no_list_of_sentences_of_words_is_refused(tagger, exported, kind):
    tagger = tagger if kind == "torch" else exported
    with pytest.raises(ValueError, match=r"sentence 1, token 2 \(counted from 0\) is empty"):
        tagger.tag([["Bob"], ["Bob", "left", "", "Oslo"]])
    with pytest.raises(TypeError, match="tag\\(\\) takes a list of sentences; got one string"):
        tagger.tag("Bob left")
    with pytest.raises(TypeError, match="sentence 0, token 1: got 3; expected a string"):
        tagger.tag([["Bob", 3]])
    with pytest.raises(TypeError, match="document\\(\\) takes a string; got list"):
        tagger.document(["Bob"])


@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_no_tag_is_given_if_scores_are_not_numbers(tagger, exported, monkeypatch, kind):
    tagger = tagger if kind == "torch" else exported
    wrong = {"pos": (np.array([0]), np.array([np.nan], np.float32))}
    monkeypatch.setattr(tagger, "predict_surfaces", lambda *arguments: wrong)
    with pytest.raises(ArtifactError, match="the scores of task 'pos' are not finite numbers"):
        tagger.tag([["Bob"]], ["pos"])


def test_a_space_in_a_token_is_read_as_the_training_reads_it(tagger):
    assert tagger(["New York", "is"]).tags == tagger(["New\u00a0York", "is"]).tags


def test_many_different_words_are_forgotten_between_calls_and_tags_stay(finished, monkeypatch):
    monkeypatch.setattr(encoding, "MOST_SURFACES", 3)
    tagger = Tagger.load(finished.model_folder())
    first = tagger(SENTENCE)
    generation = tagger.surfaces.generation
    for words in (["Ann", "sees", "Paris"], ["a", "b"]):
        tagger(words)
    assert tagger.surfaces.generation > generation
    assert tagger(SENTENCE).tags == first.tags


def test_probabilities_are_those_of_the_best_tags(tagger):
    tagged = tagger(SENTENCE, tasks=["pos"], probabilities=True)
    count = len(tagger.vocabulary.tasks["pos"].tags)
    assert list(tagged.tags) == list(tagged.probabilities) == ["pos"]
    assert all(1 / count <= value <= 1 for value in tagged.probabilities["pos"])
    assert tagged.tags == tagger(SENTENCE, tasks=["pos"]).tags


def test_sentences_may_be_empty_and_of_any_length(tagger):
    words = SENTENCE.split(" ")
    sentences = [[], words * (LONG_SENTENCE // 2), "", words, words * 2]
    found = tagger.tag(sentences, batch_size=2)
    assert [len(sentence.tokens) for sentence in found] == [0, 3 * LONG_SENTENCE, 0, 6, 12]
    assert found[0].tags == {task: [] for task in TASKS}
    assert found[1].tags == tagger(sentences[1]).tags
    assert tagger.tag([]) == []


def test_a_task_that_the_model_lacks_is_refused_with_those_it_has(tagger):
    with pytest.raises(ConfigError, match="the model has no task 'srl'; its tasks are chunk, ner, pos"):
        tagger(SENTENCE, tasks=["ner", "srl"])


def test_the_package_gives_the_tagger_but_loads_nothing_for_it():
    assert sparse_sharing.Tagger is Tagger
    with pytest.raises(AttributeError, match="has no attribute 'Taggr'"):
        _ = sparse_sharing.Taggr
    code = "import sys, sparse_sharing.cli.tagging; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_vocabulary_of_another_model_is_refused(pipeline):
    other = pipeline.path(layout.MODEL, system="single", model="pos")
    path = pipeline.model_folder() / "vocabulary.json"
    path.write_bytes((other / "vocabulary.json").read_bytes())
    with pytest.raises(ArtifactError, match=r"vocabulary\.json: is not the vocabulary that .* was trained with"):
        Tagger.load(pipeline.model_folder())
    spec = pipeline.specs.evaluate("joint", 1, "sparse", "shared")
    with pytest.raises(ArtifactError, match="is not the vocabulary"):
        evaluate.run(spec, pipeline.model_folder(), pipeline.data / "test.safetensors", pipeline.folder / "out", "cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
def test_a_damaged_file_is_refused_by_name(pipeline, name):
    path = pipeline.model_folder() / name
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.") + ": is damaged"):
        Tagger.load(pipeline.model_folder())


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match=r"model\.safetensors: cannot be read"):
        Tagger.load(tmp_path)
