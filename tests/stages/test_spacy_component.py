"""The component of spaCy: the tags of the tagger on spaCy's tokens, where users of spaCy look for them."""

import pytest

from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import layout
from sparse_sharing.tagging.tagger import Tagger

spacy = pytest.importorskip("spacy")
component = pytest.importorskip("sparse_sharing.tagging.spacy_component")

TEXT = "Bob Lee left Berlin with Ann.\n\nShe didn't  call the Acme Corporation."


@pytest.fixture(scope="module")
def model(finished):
    return finished.path(layout.MODEL, system="sparse", model="shared")


def pipeline_of(model, **config):
    """A blank English pipeline with the component of a model."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sparse_sharing", config={"model": str(model), **config})
    return nlp


def words_of(doc):
    return [[token.text for token in sentence] for sentence in component.sentences_of(doc)]


def test_the_tags_are_those_of_the_tagger_for_the_same_tokens(model):
    doc = pipeline_of(model)(TEXT)
    words = words_of(doc)
    assert [own[0] for own in words] == ["Bob", "She"]
    expected = Tagger.load(model).tag(words)
    tokens = [token for token in doc if not token.is_space]
    assert [token.tag_ for token in tokens] == [tag for one in expected for tag in one.tags["pos"]]
    assert [token._.sparse_sharing for token in tokens] == [{"pos": token.tag_} for token in tokens]
    for task in ("ner", "chunk"):
        spans = [(span.text.replace(" ", ""), span.label_) for span in doc.spans[task]]
        assert spans == [(span.text.replace(" ", ""), span.label) for one in expected for span in one.spans[task]]
        scores = [span.score for one in expected for span in one.spans[task]]
        assert doc.spans[task].attrs["scores"] == pytest.approx(scores)
    assert [(span.text, span.label_) for span in doc.ents] == [(span.text, span.label_) for span in doc.spans["ner"]]
    assert len(doc.spans["chunk"]) > 3


def test_sentences_that_are_marked_before_are_kept(model):
    nlp = pipeline_of(model)
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp("Bob left. Ann left.")
    assert words_of(doc) == [["Bob", "left", "."], ["Ann", "left", "."]]


def test_many_documents_give_what_each_gives_by_itself(model):
    nlp = pipeline_of(model)
    texts = [TEXT, "", "   ", "Ann.", TEXT * 3]
    together = [doc.to_json() for doc in nlp.pipe(texts, batch_size=2)]
    assert together == [nlp(text).to_json() for text in texts]


def test_a_task_can_be_chosen_for_entities_and_none_for_tags(model):
    doc = pipeline_of(model, entities="chunk", tag="")(TEXT)
    assert [span.label_ for span in doc.ents] == [span.label_ for span in doc.spans["chunk"]]
    assert not any(token.tag_ for token in doc)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"entities": "pos"}, "entities: got 'pos'; expected one of chunk, ner"),
        ({"tag": "nothing"}, "tag: got 'nothing'; expected one of pos"),
        ({"coarse": "pos"}, "coarse: task 'pos' has the tag .*, which is not a universal part of speech"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(model, config, message):
    with pytest.raises(ConfigError, match=message):
        pipeline_of(model, **config)


def test_the_entry_point_names_the_component(repository):
    import tomllib

    points = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["entry-points"]
    module, name = points["spacy_factories"]["sparse_sharing"].split(":")
    assert module == component.__name__
    assert callable(getattr(component, name))
