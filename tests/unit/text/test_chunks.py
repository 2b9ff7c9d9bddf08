"""Chunks from trees: the examples of the CoNLL-2000 shared task, and what holds for every tree."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.text.chunks import CHUNK_TYPES, Leaf, Phrase, chunk_spans
from sparse_sharing.text.schemes import write_tags

# The first sentence of the shared task's training text, its tree without traces and functions.
CONFIDENCE = """
(S (NP (NP (NN Confidence)) (PP (IN in) (NP (DT the) (NN pound))))
   (VP (VBZ is) (ADVP (RB widely))
       (VP (VBN expected)
           (S (VP (TO to)
                  (VP (VB take) (NP (DT another) (JJ sharp) (NN dive))
                      (SBAR (IN if)
                            (S (NP (NP (NN trade) (NNS figures)) (PP (IN for) (NP (NNP September))) (, ,)
                                   (ADJP (JJ due) (PP (IN for) (NP (NN release))) (NP (NN tomorrow))) (, ,))
                               (VP (VB fail)
                                   (S (VP (TO to)
                                          (VP (VB show)
                                              (NP (NP (DT a) (JJ substantial) (NN improvement))
                                                  (PP (IN from)
                                                      (NP (NP (NNP July) (CC and) (NNP August) (POS 's))
                                                          (JJ near-record) (NNS deficits))))))))))))))) (. .))
"""
CONFIDENCE_CHUNKS = """
[NP Confidence] [PP in] [NP the pound] [VP is widely expected to take] [NP another sharp dive] [SBAR if]
[NP trade figures] [PP for] [NP September] , [ADJP due] [PP for] [NP release] [NP tomorrow] , [VP fail to show]
[NP a substantial improvement] [PP from] [NP July and August] [NP 's near-record deficits] .
"""

# Trees of our own, most of them for a construction that the paper of the shared task describes.
EXAMPLES = {
    "possessives are split before the marker": (
        "(NP (NP (NNP Eastern) (NNPS Airlines) (POS ')) (NNS creditors))",
        "[NP Eastern Airlines] [NP ' creditors]",
    ),
    "possessives of possessives": (
        "(NP (NP (NP (PRP$ my) (NN aunt) (POS 's)) (NN dog) (POS 's)) (NN bone))",
        "[NP my aunt] [NP 's dog] [NP 's bone]",
    ),
    "a marker before an adjective phrase behind a possible head stands alone": (
        "(NP (NP (NNP Ann) (POS 's)) (ADJP (RB very) (JJ old)) (NN boat))",
        "[NP Ann] [NP 's] [ADJP very old] [NP boat]",
    ),
    "an adjective phrase before a noun is part of its chunk": (
        "(NP (DT the) (ADJP (RBS most) (JJ volatile)) (NN form))",
        "[NP the most volatile form]",
    ),
    "quantities are part of the noun chunk": (
        "(NP (QP (RB about) (CD 30) (CD million)) (NNS euros))",
        "[NP about 30 million euros]",
    ),
    "grouped modifiers, which only newer trees have, are part of the noun chunk": (
        "(NP (DT the) (NML (NN sea) (NN water)) (NN pump))",
        "[NP the sea water pump]",
    ),
    "coordinated nouns in one phrase are one chunk": ("(NP (NNS cats) (CC and) (NNS dogs))", "[NP cats and dogs]"),
    "coordinated noun phrases are several": (
        "(NP (NP (DT the) (NN cat)) (CC and) (NP (DT the) (NN dog)))",
        "[NP the cat] and [NP the dog]",
    ),
    "apposition": (
        "(NP (NP (NNP Bo)) (, ,) (NP (DT the) (NN cook)) (, ,))",
        "[NP Bo] , [NP the cook] ,",
    ),
    "verbs that contain each other are one chunk, negation included": (
        "(S (NP (NNP Mr.) (NNP Ray)) (VP (MD may) (RB not) (VP (VB want) (S (VP (TO to) (VP (VB sell)))))) (. .))",
        "[NP Mr. Ray] [VP may not want to sell] .",
    ),
    "verb phrases that do not overlap are two chunks": (
        "(S (NP (NP (DT the) (NN hope)) (SBAR (S (NP (PRP I)) (VP (VBP have) (VP (VBN got)))))) (VP (VBZ is) (SBAR (S "
        "(NP (PRP they)) (VP (MD 'd) (VP (VB love) (S (VP (TO to) (VP (VB do) (PRT (RP away)) (PP (IN with) (NP (PRP "
        "it))))))))))))",
        "[NP the hope] [NP I] [VP have got] [VP is] [NP they] [VP 'd love to do] [PRT away] [PP with] [NP it]",
    ),
    "adverb phrases before the main verb are part of the verb chunk": (
        "(S (NP (PRP it)) (VP (MD could) (ADVP (RB very) (RB well)) (VP (VB show) (ADVP (RB soon)))))",
        "[NP it] [VP could very well show] [ADVP soon]",
    ),
    "an adverb phrase before the verb phrase is a chunk": (
        "(S (NP (PRP it)) (ADVP (RB often)) (VP (VBZ rains)))",
        "[NP it] [ADVP often] [VP rains]",
    ),
    "coordinated verb phrases share an auxiliary with the first": (
        "(S (NP (PRP he)) (VP (VBZ has) (VP (VP (VBN sold) (NP (NNS cars))) (CC and) (VP (VBN bought) (NP (NNS bikes"
        "))))))",
        "[NP he] [VP has sold] [NP cars] and [VP bought] [NP bikes]",
    ),
    "coordinated verbs in one phrase are one chunk": (
        "(S (NP (PRP they)) (VP (VBP buy) (CC and) (VBP sell) (NP (NNS cars))))",
        "[NP they] [VP buy and sell] [NP cars]",
    ),
    "a clause with a subject does not join the verb": (
        "(S (NP (PRP we)) (VP (VBP want) (S (NP (PRP them)) (VP (TO to) (VP (VB go))))))",
        "[NP we] [VP want] [NP them] [VP to go]",
    ),
    "a clause behind an object does not join the verb": (
        "(S (NP (PRP we)) (VP (VBD asked) (NP (PRP them)) (S (VP (TO to) (VP (VB go))))))",
        "[NP we] [VP asked] [NP them] [VP to go]",
    ),
    "a clause that is labelled as an adverbial does not join the verb": (
        "(S (NP (PRP we)) (VP (VBD stopped) (S-PRP (VP (TO to) (VP (VB rest))))))",
        "[NP we] [VP stopped] [VP to rest]",
    ),
    "negation before an infinitive stays outside": (
        "(S (NP (PRP I)) (VP (VBD told) (NP (PRP him)) (S (RB not) (VP (TO to) (VP (VB go))))))",
        "[NP I] [VP told] [NP him] not [VP to go]",
    ),
    "negation behind the main verb stays outside": (
        "(S (NP (DT these)) (VP (VBP are) (RB not) (NP (NNS facts))))",
        "[NP these] [VP are] not [NP facts]",
    ),
    "predicative adjectives are chunks": (
        "(S (NP (PRP they)) (VP (VBP are) (ADJP (RB very) (JJ unhappy))))",
        "[NP they] [VP are] [ADJP very unhappy]",
    ),
    "in inversion the auxiliary stays outside": (
        "(SINV (CONJP (RB not) (RB only)) (VBZ does) (NP (PRP$ your) (NN product)) (VP (VB have) (S (VP (TO to) (VP "
        "(VB be) (ADJP (JJ excellent)))))) (, ,) (CC but))",
        "[CONJP not only] does [NP your product] [VP have to be] [ADJP excellent] , but",
    ),
    "an adverb phrase with a noun phrase is two chunks": (
        "(ADVP (NP (DT a) (NN year)) (RBR earlier))",
        "[NP a year] [ADVP earlier]",
    ),
    "an adjective phrase with a noun phrase is two chunks": (
        "(ADJP (NP (CD 68) (NNS years)) (JJ old))",
        "[NP 68 years] [ADJP old]",
    ),
    "a preposition is a chunk without its noun phrase": ("(PP (IN on) (NP (NNP Monday)))", "[PP on] [NP Monday]"),
    "prepositions of several words": ("(PP (JJ such) (IN as) (NP (NN tea)))", "[PP such as] [NP tea]"),
    "modified prepositions": ("(PP (RB well) (IN above) (NP (DT the) (NN sea)))", "[PP well above] [NP the sea]"),
    "coordinated prepositions": (
        "(PP (IN inside) (CC and) (IN outside) (NP (NNP Rome)))",
        "[PP inside and outside] [NP Rome]",
    ),
    "complementizers": (
        "(VP (VBP say) (SBAR (IN that) (S (NP (PRP it)) (VP (VBZ works)))))",
        "[VP say] [SBAR that] [NP it] [VP works]",
    ),
    "complementizers of several words": (
        "(SBAR (RB even) (IN though) (S (NP (PRP it)) (VP (VBZ works))))",
        "[SBAR even though] [NP it] [VP works]",
    ),
    "relative and interrogative phrases are those without WH": (
        "(NP (NP (DT the) (NN man)) (SBAR (WHNP (WP who)) (S (VP (VBD knew) (SBAR (WHADVP (WRB why)) (S (NP (PRP he)) "
        "(VP (VBD left))))))))",
        "[NP the man] [NP who] [VP knew] [ADVP why] [NP he] [VP left]",
    ),
    "prepositions with a relative phrase": (
        "(SBAR (WHPP (IN with) (WHNP (WDT which))) (S (NP (PRP we)) (VP (VBP work))))",
        "[PP with] [NP which] [NP we] [VP work]",
    ),
    "conjunctions of several words": (
        "(NP (NP (NN tea)) (CONJP (RB as) (RB well) (IN as)) (NP (NN milk)))",
        "[NP tea] [CONJP as well as] [NP milk]",
    ),
    "interjections": ("(S (INTJ (UH oh) (UH no)) (. !))", "[INTJ oh no] !"),
    "list markers": ("(S (LST (LS 1) (. .)) (NP (NN tea)))", "[LST 1] . [NP tea]"),
    "unlike coordination before a noun is part of its chunk": (
        "(NP (UCP (NN state) (CC and) (JJ local)) (NNS taxes))",
        "[NP state and local taxes]",
    ),
    "titles around names": (
        "(NP (NAC (NNP Minister) (PP (IN of) (NP (NN trade)))) (NNP Ann) (NNP Lee))",
        "Minister [PP of] [NP trade] [NP Ann Lee]",
    ),
    "a phrase without a word that can head it is no chunk": ("(NP (NP (, ,)) (NN tea))", ", [NP tea]"),
    "parentheses and fragments have no chunks of their own": (
        "(FRAG (PRN (: --) (RB yes) (: --)) (NP (NN tea)))",
        "-- yes -- [NP tea]",
    ),
}


def read_tree(text):
    """The tree of a bracketed text, and its words."""
    root, words = Phrase("TOP", []), []
    stack = [root]
    for label, tag, word, close in re.findall(r"\((\S+)(?=\s+\()|\((\S+) ([^\s()]+)\)|(\))", text):
        if label:
            phrase = Phrase(label, [])
            stack[-1].parts.append(phrase)
            stack.append(phrase)
        elif close:
            stack.pop()
        else:
            stack[-1].parts.append(Leaf(len(words), tag))
            words.append(word)
    assert stack == [root]
    return root, words


def bracketed(spans, words):
    """A sentence with its chunks in square brackets."""
    opens = {span.start: f"[{span.type} " for span in spans}
    closes = {span.end - 1: "]" for span in spans}
    return " ".join(f"{opens.get(i, '')}{word}{closes.get(i, '')}" for i, word in enumerate(words))


def test_the_first_sentence_of_the_shared_task_has_its_published_chunks():
    tree, words = read_tree(CONFIDENCE)
    assert bracketed(chunk_spans(tree), words) == " ".join(CONFIDENCE_CHUNKS.split())


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_each_construction_has_the_chunks_of_the_shared_task(text, expected):
    tree, words = read_tree(text)
    assert bracketed(chunk_spans(tree), words) == expected


def test_the_types_are_those_of_the_shared_task():
    assert list(CHUNK_TYPES) == ["ADJP", "ADVP", "CONJP", "INTJ", "LST", "NP", "PP", "PRT", "SBAR", "UCP", "VP"]


def test_a_deep_tree_needs_no_deep_stack():
    tree = Phrase("NP", [Leaf(0, "NN")])
    for _ in range(5000):
        tree = Phrase("S", [tree])
    assert [tuple(span) for span in chunk_spans(tree)] == [("NP", 0, 1)]


LABELS = st.sampled_from(
    [
        "TOP",
        "S",
        "SBAR",
        "NP",
        "VP",
        "PP",
        "ADVP",
        "ADJP",
        "QP",
        "NML",
        "WHNP",
        "UCP",
        "CONJP",
        "PRT",
        "PRN",
        "NP-SBJ",
        "X",
    ]
)
TAGS = st.sampled_from(
    ["NN", "DT", "JJ", "IN", "RB", "VB", "MD", "TO", "POS", "CC", "CD", "PRP", ",", ".", "WP", "RP", "UH"]
)
SHAPES = st.recursive(
    TAGS, lambda parts: st.tuples(LABELS, st.lists(parts, min_size=1, max_size=4)), max_leaves=20
).filter(lambda shape: isinstance(shape, tuple))


def grow(shape, tags):
    """The tree of a shape; the tags of its tokens are put behind those of the list."""
    if isinstance(shape, str):
        tags.append(shape)
        return Leaf(len(tags) - 1, shape)
    return Phrase(shape[0], [grow(part, tags) for part in shape[1]])


@given(SHAPES)
def test_the_chunks_of_every_tree_are_spans_in_order_that_do_not_overlap(shape):
    tags = []
    spans = chunk_spans(grow(shape, tags))
    assert spans == sorted(spans, key=lambda span: span.start)
    assert {span.type for span in spans} <= set(CHUNK_TYPES)
    assert len(write_tags(spans, len(tags), "iob2")) == len(tags)
