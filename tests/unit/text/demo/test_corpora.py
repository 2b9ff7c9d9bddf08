"""The demo corpora are the same everywhere, agree across their layers, and are hard in the ways they promise."""

import hashlib
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.errors import ConfigError
from sparse_sharing.text.demo.corpora import CORPORA, LONGEST, SHORTEST, SPLITS, file_names, generate
from sparse_sharing.text.demo.lexicon import WORDS, inflect
from sparse_sharing.text.schemes import read_spans, violation

SIZES = {"train": 700, "dev": 200, "test": 300}
SMALL = {"train": 30, "dev": 10, "test": 10}
GOLDEN = {
    "joint": "0f668b52d76977f1d6b64d23da388b5cd1e8ea791d8bbf1edcab9208c26e30d6",
    "separate": "8e003e4ed50171ad98031d5d018f182e500ad8b1021c12afc12cd68852ee05e2",
}
WORD_TAGS = "CC CD DT EX IN JJ JJR MD NN NNP NNPS NNS POS PRP PRP$ RB RBR RP TO VB VBD VBG VBN VBP VBZ WDT WP WRB"
OTHER_TAGS = {"$", "''", "(", ")", ",", ".", ":", "``"}
CHUNK_TYPES = {"NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT"}
ENTITY_TYPES = {"PER", "LOC", "ORG", "MISC"}


def sentences(text):
    """Text in columns as a list of sentences, each the tuple of its columns."""
    return [
        tuple(zip(*(line.split(" ") for line in block.split("\n")), strict=True))
        for block in text.removesuffix("\n\n").split("\n\n")
    ]


@pytest.fixture(scope="module", params=CORPORA)
def files(request):
    return generate(request.param, SIZES, 1)


@pytest.fixture(scope="module")
def joint():
    return {name: sentences(text) for name, text in generate("joint", SIZES, 1).items()}


@pytest.fixture(scope="module")
def separate():
    return {name: sentences(text) for name, text in generate("separate", SIZES, 1).items()}


@pytest.fixture(scope="module")
def layers(joint):
    """The four columns of every sentence of the joint corpus."""
    return [sentence for split in joint.values() for sentence in split]


def unseen_share(train, test, entity_column):
    """The share of the names of persons, places and organisations in test of which a word is not in train."""
    known = {word.lower() for sentence in train for word in sentence[0]}
    names = [
        sentence[0][span.start : span.end]
        for sentence in test
        for span in read_spans(sentence[entity_column], "iob2")
        if span.type != "MISC"
    ]
    return sum(any(word.lower() not in known for word in name) for name in names) / len(names)


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_bytes_are_the_same_on_every_machine_until_the_grammar_version_is_raised(corpus):
    text = "".join(f"{name}\n{text}" for name, text in generate(corpus, SMALL, 1).items())
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN[corpus]


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_files_are_those_announced_in_their_order(corpus):
    assert tuple(generate(corpus, SMALL, 1)) == file_names(corpus)


def test_a_seed_decides_the_text():
    assert generate("joint", SMALL, 1) == generate("joint", SMALL, 1)
    assert generate("joint", SMALL, 1)["train.txt"] != generate("joint", SMALL, 2)["train.txt"]


def test_a_larger_training_file_begins_with_the_smaller_one():
    small, large = generate("joint", SMALL, 1), generate("joint", SMALL | {"train": 60}, 1)
    assert large["train.txt"].startswith(small["train.txt"])


@settings(max_examples=20, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(SPLITS, st.integers(1, 40))), st.integers(), st.sampled_from(CORPORA))
def test_every_file_has_the_sentences_asked_for(sizes, seed, corpus):
    for name, text in generate(corpus, sizes, seed).items():
        split = name.split(".")[-2]
        assert text.endswith("\n\n")
        assert len(sentences(text)) == sizes[split]


def test_no_sentence_occurs_twice_in_a_corpus(files):
    words = [sentence[0] for text in files.values() for sentence in sentences(text)]
    assert len(words) == len(set(words))


def test_sentences_are_neither_short_nor_endless(files):
    lengths = {len(sentence[0]) for text in files.values() for sentence in sentences(text)}
    assert min(lengths) == SHORTEST
    assert max(lengths) == LONGEST


def test_all_tags_are_known(layers):
    assert {tag for _, pos, _, _ in layers for tag in pos} == {*WORD_TAGS.split(), *OTHER_TAGS}
    assert {tag[2:] for _, _, chunks, _ in layers for tag in chunks if tag != "O"} == CHUNK_TYPES
    assert {tag[2:] for _, _, _, entities in layers for tag in entities if tag != "O"} == ENTITY_TYPES


def test_chunks_and_entities_are_valid_iob2(layers):
    assert [violation(tags, "iob2") for sentence in layers for tags in sentence[2:]] == [None] * (2 * len(layers))


def test_every_entity_is_in_one_noun_chunk(layers):
    for _, _, chunks, entities in layers:
        noun_chunks = [span for span in read_spans(chunks, "iob2") if span.type == "NP"]
        for entity in read_spans(entities, "iob2"):
            assert any(chunk.start <= entity.start and entity.end <= chunk.end for chunk in noun_chunks)


def test_entities_consist_of_proper_nouns_and_only_miscellaneous_ones_of_adjectives_or_peoples(layers):
    tags = defaultdict(set)
    for _, pos, _, entities in layers:
        for span in read_spans(entities, "iob2"):
            tags[span.type].update(pos[span.start : span.end])
    assert tags == {"PER": {"NNP"}, "LOC": {"NNP"}, "ORG": {"NNP"}, "MISC": {"NNP", "NNPS", "JJ"}}


def test_verbs_and_particles_have_chunks_of_their_own(layers):
    chunk_types = defaultdict(set)
    for _, pos, chunks, _ in layers:
        for tag, chunk in zip(pos, chunks, strict=True):
            chunk_types[tag].add(chunk[2:])
    assert chunk_types["VBZ"] == chunk_types["VB"] == chunk_types["MD"] == {"VP"}
    assert chunk_types["RP"] == {"PRT"}
    assert chunk_types["NNP"] == chunk_types["NN"] == chunk_types["PRP"] == {"NP"}


def test_many_words_have_several_parts_of_speech_in_training(joint):
    tags = defaultdict(set)
    for words, pos, _, _ in joint["train.txt"]:
        for word, tag in zip(words, pos, strict=True):
            tags[word.lower()].add(tag)
    assert sum(len(found) > 1 for found in tags.values()) >= 100
    assert tags["that"] == {"DT", "WDT", "IN"}
    assert tags["her"] == {"PRP", "PRP$"}
    assert {"NN", "VB", "VBD", "VBN"} <= tags["cut"]
    assert {"IN", "RB", "RP"} <= tags["up"]


def test_a_verb_and_its_particle_never_have_two_readings_in_one_context():
    motion = {*WORDS["move"], *WORDS["path"]}
    assert motion.isdisjoint([*WORDS["carry_on"], *WORDS["give_up"], *WORDS["break_down"]])


def test_names_name_a_person_a_place_and_an_organisation(joint):
    types = defaultdict(set)
    for words, _, _, entities in joint["train.txt"]:
        for word, entity in zip(words, entities, strict=True):
            types[word].add(entity[2:])
    assert sum({"PER", "LOC", "ORG"} <= found for found in types.values()) >= 10
    assert {"LOC", "ORG"} <= types["England"]


def test_a_third_of_the_names_in_test_is_not_in_training(joint, separate):
    assert 0.25 < unseen_share(joint["train.txt"], joint["test.txt"], 3) < 0.45
    assert 0.25 < unseen_share(separate["ner.train.txt"], separate["ner.test.txt"], 1) < 0.45


def test_separate_corpora_have_only_the_columns_of_their_task(separate):
    columns = {name: {len(sentence) for sentence in read} for name, read in separate.items()}
    assert columns == {
        f"{task}.{split}.txt": {count} for task, count in (("pos", 2), ("chunk", 3), ("ner", 2)) for split in SPLITS
    }


def test_separate_corpora_prefer_different_words(separate):
    """Of the 300 most frequent words of two tasks, less than two thirds are the same."""
    common = {}
    for task in ("pos", "chunk", "ner"):
        counts = Counter(word for sentence in separate[f"{task}.train.txt"] for word in sentence[0])
        common[task] = {word for word, _ in counts.most_common(300)}
    for one, other in (("pos", "chunk"), ("pos", "ner"), ("chunk", "ner")):
        assert len(common[one] & common[other]) < 200


@pytest.mark.parametrize(
    ("lemma", "tag", "form"),
    [
        ("plan/planned/planned/planning", "VBG", "planning"),
        ("take/took/taken/taking", "VBN", "taken"),
        ("carry", "VBD", "carried"),
        ("play", "VBZ", "plays"),
        ("agree", "VBG", "agreeing"),
        ("price", "VBG", "pricing"),
        ("match", "NNS", "matches"),
        ("child/children", "NNS", "children"),
        ("run/ran/run/running", "VBP", "run"),
    ],
)
def test_inflection(lemma, tag, form):
    assert inflect(lemma, tag) == form


@pytest.mark.parametrize("sizes", [{"train": 5, "dev": 5}, SMALL | {"extra": 5}, SMALL | {"dev": 0}])
def test_sizes_must_be_complete_and_positive(sizes):
    with pytest.raises(ConfigError, match=r"demo corpus sizes: .* number from 1 on"):
        generate("joint", sizes, 1)


def test_an_unknown_corpus_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'mixed'; choose one of joint, separate"):
        file_names("mixed")
