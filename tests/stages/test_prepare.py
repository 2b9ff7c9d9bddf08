"""Stage prepare: what is learned from training text alone, what is reported, and which files are refused."""

import numpy as np
import pytest
from preparing import prepare_all

from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.stages import prepare
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.text import corpus as corpora
from sparse_sharing.training.inputs import load_text, load_vocabulary

FOR_TRAINING = (
    *("vocabulary.json", "vectors.safetensors", "train.safetensors", "dev.safetensors"),
    *(f"tags/{task}/{split}.safetensors" for task in ("chunk", "ner", "pos") for split in ("train", "dev")),
)
# no word of this sentence stands in the demo corpus, nor the tag XYZ, nor the span type NEW
STRANGE = "Qwzx XYZ B-NP B-NEW\nqzwx NN I-NP I-NEW\n\n"

PREPARED_FILES = {
    "vocabulary.json",
    "vectors.safetensors",
    "train.safetensors",
    "dev.safetensors",
    "test.safetensors",
    "summary.json",
    *(
        f"tags/{task}/{name}"
        for task in ("chunk", "ner", "pos")
        for name in ("train.safetensors", "dev.safetensors", "test.safetensors", "summary.json")
    ),
}


def read_blocks(path):
    """The sentences of a column file as text."""
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")


def summary(pipeline, split, corpus="text"):
    """What the summary says of a split of a corpus."""
    return pipeline.summary()["splits"][split]["corpora"][corpus]


def append(path, text):
    """Write behind a file."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def write_vectors(path, dimension, *more):
    """Vectors of some words of the demo corpus and of others; each is filled with its line's number."""
    words = ["the", ".", "of", *more]
    rows = [[word, *[str(number)] * dimension] for number, word in enumerate(words, start=1)]
    path.write_text("".join(" ".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def with_vectors(pipeline, **model):
    """The pipeline with word vectors."""
    return pipeline.changed(data={"vectors": "vectors.txt"}, model=model)


def without_dev(pipeline, **corpus):
    """The pipeline with no dev file named."""
    values = pipeline.values["data"]["datasets"][0]["corpora"][0]
    own = {key: value for key, value in values.items() if key != "dev"} | corpus
    changed = pipeline.changed(data={"datasets": [{"name": "joint", "corpora": [own]}]})
    files = pipeline.files | {"dev": {}}
    prepare_all(changed.specs, "joint", files, changed.data)
    return changed


def test_the_files_are_those_of_the_layout(unprepared):
    unprepared.prepare()
    written = {str(path.relative_to(unprepared.data)) for path in unprepared.data.rglob("*") if path.is_file()}
    assert written == PREPARED_FILES


def test_the_encoded_text_reads_back_as_the_sentences_and_tags_of_the_files(finished):
    vocabulary = load_vocabulary(finished.data / "vocabulary.json")
    for split in ("train", "dev", "test"):
        texts = load_text(finished.data / f"{split}.safetensors")
        columns = [
            [line.split() for line in block.split("\n")] for block in read_blocks(finished.folder / f"{split}.txt")
        ]
        assert texts["pos"].words() == [[row[0] for row in rows] for rows in columns]
        assert texts["pos"].gold_tags("pos", vocabulary) == [[row[1] for row in rows] for rows in columns]
        assert texts["chunk"].gold_tags("chunk", vocabulary) == [[row[2] for row in rows] for rows in columns]
        # names are trained in BIOES
        assert {tag[0] for sentence in texts["ner"].gold_tags("ner", vocabulary) for tag in sentence} <= set("BIOES")


def test_the_vocabulary_is_that_of_the_training_text(finished):
    vocabulary = load_vocabulary(finished.data / "vocabulary.json")
    rows = [line.split() for line in (finished.folder / "train.txt").read_text(encoding="utf-8").splitlines() if line]
    assert set(vocabulary.words) == {row[0].lower() for row in rows}
    assert set(vocabulary.tasks["pos"].tags) == {row[1] for row in rows}
    assert vocabulary.tasks["ner"].model_scheme == "bioes"


def test_preparing_twice_gives_the_same_bytes(finished, tmp_path):
    finished.prepare(tmp_path / "again")
    for name in PREPARED_FILES:
        assert (tmp_path / "again" / name).read_bytes() == (finished.data / name).read_bytes(), name


@pytest.mark.parametrize("vectors", [False, True])
def test_what_training_reads_does_not_change_with_the_test_file(unprepared, tmp_path, vectors):
    given = write_vectors(tmp_path / "vectors.txt", 5, "qwzx") if vectors else None
    own = with_vectors(unprepared) if vectors else unprepared
    own.prepare(vectors=given)
    before = {name: (own.data / name).read_bytes() for name in FOR_TRAINING}
    test = (own.data / "test.safetensors").read_bytes()
    append(own.folder / "test.txt", STRANGE)
    own.prepare(vectors=given)
    assert {name: (own.data / name).read_bytes() for name in FOR_TRAINING} == before
    assert (own.data / "test.safetensors").read_bytes() != test


def test_a_tag_that_only_the_test_text_has_is_named_and_counts_as_wrong(pipeline):
    append(pipeline.folder / "test.txt", STRANGE)
    pipeline.prepare()
    named = summary(pipeline, "test")["tags_not_in_training"]
    assert named["pos"][-1] == "XYZ"
    assert named["ner"][-2:] == ["B-NEW", "E-NEW"]
    tasks = pipeline.details(pipeline.evaluate("hard") / "metrics.json")["tasks"]
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert tasks["ner"]["per_type"]["NEW"] == tasks["pos"]["per_type"]["XYZ"] == nothing


def test_dev_is_cut_from_train_where_there_is_no_dev_file(unprepared):
    own = without_dev(unprepared, dev_fraction=0.25)
    train, dev = (load_text(own.data / f"{split}.safetensors")["pos"].words() for split in ("train", "dev"))
    whole = [[line.split()[0] for line in block.split("\n")] for block in read_blocks(own.folder / "train.txt")]
    assert (len(train), len(dev)) == (30, 10)
    assert sorted(train + dev) == sorted(whole)
    assert summary(own, "dev")["cut"] == "0.25 of the training sentences, cut with seed 1"


def test_the_cut_depends_on_its_own_seed(unprepared):
    cuts = []
    for seed in (1, 2, 1):
        own = without_dev(unprepared, split_seed=seed)
        cuts.append(load_text(own.data / "dev.safetensors")["pos"].words())
    assert cuts[0] == cuts[2] != cuts[1]


def test_only_the_first_sentences_are_used_where_a_number_is_given(unprepared):
    own = without_dev(unprepared, train_sentences=20)
    assert summary(own, "train")["sentences"] + summary(own, "dev")["sentences"] == 20


def training_sentences(pipeline):
    """The prepared training and dev sentences, each as text."""
    texts = (load_text(pipeline.data / f"{split}.safetensors")["pos"] for split in ("train", "dev"))
    return {" ".join(words) for text in texts for words in text.words()}


def test_sentences_are_drawn_at_random_where_a_seed_is_given(unprepared):
    every = training_sentences(without_dev(unprepared))
    first = training_sentences(without_dev(unprepared, train_sentences=20))
    drawn = []
    for seed in (1, 2):
        own = without_dev(unprepared, train_sentences=20, train_sentences_seed=seed)
        assert summary(own, "train")["sentences"] + summary(own, "dev")["sentences"] == 20
        drawn.append(training_sentences(own))
        known = {word for sentence in training_sentences(own) for word in sentence.lower().split()}
        assert set(load_vocabulary(own.data / "vocabulary.json").words) <= known
    assert all(own < every and own != first for own in drawn)
    assert drawn[0] != drawn[1]


def test_sentences_that_two_splits_share_are_counted(unprepared):
    first, second = read_blocks(unprepared.folder / "train.txt")[:2]
    append(unprepared.folder / "test.txt", f"{first}\n\n{first}\n\n{second}\n\n")
    append(unprepared.folder / "dev.txt", f"{second}\n\n")
    unprepared.prepare()
    leaks = unprepared.details(unprepared.data / "summary.json")["leaks"]
    counts = {(leak["split"], leak["in_split"]): leak["sentences"] for leak in leaks}
    assert counts == {("dev", "train"): 1, ("test", "train"): 3, ("test", "dev"): 1}


def test_repairs_are_made_only_where_they_are_asked_for_and_counted(unprepared):
    append(unprepared.folder / "train.txt", "The DT I-NP O\ncat NN I-NP I-PER\nsat VBD I-VP O\n\n")
    with pytest.raises(DataError, match=r"train\.txt, line \d+: found the tag 'I-NP' of task chunk"):
        unprepared.prepare()
    corpus = unprepared.values["data"]["datasets"][0]["corpora"][0] | {"repair": True}
    own = unprepared.changed(data={"datasets": [{"name": "joint", "corpora": [corpus]}]})
    own.prepare()
    assert summary(own, "train")["repairs"] == {"chunk": 2, "ner": 1, "pos": 0}
    tags = load_text(own.data / "train.safetensors")["chunk"].gold_tags(
        "chunk", load_vocabulary(own.data / "vocabulary.json")
    )
    assert tags[-1] == ["B-NP", "I-NP", "B-VP"]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- -X- -X- O\n\n"])
def test_an_empty_file_is_refused_by_name(unprepared, split, content):
    (unprepared.folder / f"{split}.txt").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=rf"{split}\.txt: found no sentence"):
        unprepared.prepare()


def test_a_split_without_a_file_is_refused_with_the_option_to_give(unprepared):
    files = unprepared.files | {"test": {}}
    with pytest.raises(ConfigError, match=r"corpus 'text': missing the test file; add --test text=FILE"):
        prepare.run(unprepared.specs.prepare("joint"), files, None, unprepared.data)


def test_vectors_narrower_than_the_embedding_fill_its_first_columns(unprepared, tmp_path):
    own = with_vectors(unprepared)
    own.prepare(vectors=write_vectors(tmp_path / "vectors.txt", 5))
    vocabulary = load_vocabulary(own.data / "vocabulary.json")
    weights = load_tensors(own.warm_up("initial"), "weights").tensors["words.weight"]
    row = weights[vocabulary.word_ids["the"]]
    np.testing.assert_array_equal(row[:5], 1.0)
    # the rest is drawn, from a range that holds no 1
    assert len(set(row[5:])) == 3
    assert np.abs(row[5:]).max() < 1


def test_vectors_wider_than_the_embedding_are_refused_with_the_key_to_change(unprepared, tmp_path):
    own = with_vectors(unprepared)
    with pytest.raises(ConfigError, match=r"set model\.word_dimension to at least 9"):
        own.prepare(vectors=write_vectors(tmp_path / "vectors.txt", 9))
    with_vectors(unprepared, word_dimension=9).prepare(vectors=tmp_path / "vectors.txt")
    assert summary(unprepared, "train")["sentences"] == 40


def test_a_spec_and_files_that_disagree_on_vectors_are_refused(unprepared, tmp_path):
    with pytest.raises(ConfigError, match="do not agree: expected both or neither"):
        unprepared.prepare(vectors=write_vectors(tmp_path / "vectors.txt", 5))
    with pytest.raises(ConfigError, match="do not agree: expected both or neither"):
        with_vectors(unprepared).prepare()


def test_the_summary_says_what_share_of_the_tokens_has_a_vector(unprepared, tmp_path):
    own = with_vectors(unprepared)
    append(own.folder / "test.txt", STRANGE)
    own.prepare(vectors=write_vectors(tmp_path / "vectors.txt", 5, "qwzx", "neverseen"))
    details = own.details(own.data / "summary.json")
    assert details["vectors"] == {"dimension": 5, "words_found": 3}
    words = [line.split()[0] for line in (own.folder / "test.txt").read_text(encoding="utf-8").splitlines() if line]
    found = sum(word.lower() in {"the", ".", "of", "qwzx"} for word in words) / len(words)
    shares = details["splits"]["test"]["vector_coverage"]
    assert shares["missing"] == pytest.approx(1 - found)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_test_word_that_training_does_not_know_is_read_by_its_vector(unprepared, tmp_path):
    own = with_vectors(unprepared)
    append(own.folder / "test.txt", STRANGE)
    own.prepare(vectors=write_vectors(tmp_path / "vectors.txt", 5, "qwzx"))
    vocabulary, text = load_vocabulary(own.data / "vocabulary.json"), load_text(own.data / "test.safetensors")["pos"]
    known, unknown = text.surface_words[text.tokens[-2:]]
    np.testing.assert_array_equal(text.extra[known - vocabulary.word_count], np.full(5, 4.0, np.float32))
    assert unknown == 0


def test_the_summary_counts_sentences_tokens_and_unknown_words(finished):
    details = finished.details(finished.data / "summary.json")
    for split, sentences in (("train", 40), ("dev", 10), ("test", 10)):
        tokens = [line for line in (finished.folder / f"{split}.txt").read_text(encoding="utf-8").splitlines() if line]
        assert (summary(finished, split)["sentences"], summary(finished, split)["tokens"]) == (sentences, len(tokens))
    assert details["splits"]["train"]["unknown_words"] == 0
    assert 0 < details["splits"]["test"]["unknown_words"] < 1


def test_rare_words_are_unknown_where_a_minimum_is_set(unprepared):
    own = unprepared.changed(data={"minimum_word_count": 3})
    own.prepare()
    words = load_vocabulary(own.data / "vocabulary.json").words
    rows = [line.split()[0].lower() for line in (own.folder / "train.txt").read_text().splitlines() if line]
    assert set(words) == {word for word in rows if rows.count(word) >= 3}


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_file_that_changes_while_it_is_read_is_refused_by_name(unprepared, monkeypatch, split):
    path, read = unprepared.folder / f"{split}.txt", corpora.read_split

    def changing(spec, found, *others):
        yield from read(spec, found, *others)
        if found == path:
            append(path, STRANGE)

    monkeypatch.setattr(corpora, "read_split", changing)
    with pytest.raises(DataError, match=rf"{split}\.txt: was changed while it was read"):
        unprepared.prepare()
    assert list(unprepared.data.iterdir()) == []
