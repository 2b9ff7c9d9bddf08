"""Two specs are compared key by key."""

from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.inspection.specs import differences, flat

leaves = st.none() | st.integers() | st.text(max_size=3)
specs = st.dictionaries(st.text("abc", min_size=1, max_size=2), leaves | st.dictionaries(st.sampled_from("de"), leaves))


@given(specs)
def test_a_spec_does_not_differ_from_itself(spec):
    assert differences(spec, spec) == {}


@given(specs, specs)
def test_differences_are_those_of_the_other_way_round_mirrored(old, new):
    assert differences(new, old) == {key: (b, a) for key, (a, b) in differences(old, new).items()}


def test_keys_are_dotted_and_named_items_go_by_their_name():
    corpora = [{"name": "news", "tasks": [{"name": "ner", "column": 3}]}]
    assert flat({"corpora": corpora, "seeds": [1, 2]}) == {"corpora.news.tasks.ner.column": 3, "seeds": [1, 2]}


def test_a_key_that_only_one_side_has_is_reported():
    assert differences({"a": {"b": 1}}, {"a": {"c": "x"}}) == {"a.b": ("1", "nothing"), "a.c": ("nothing", '"x"')}
