"""Finds labels that look like typos of other labels."""

from collections.abc import Mapping

_labels = {
    "upos": "NOUN VERB PROPN ADJ ADP PRON ADV AUX DET PUNCT SCONJ CCONJ NUM PART INTJ SYM X",
    "pos": "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP TO UH VB VBD VBG VBN "
    "VBP VBZ WDT WP WP$ WRB ART APPR NE ADJA",
    "chunk": "NP VP PP ADVP ADJP SBAR PRT INTJ CONJP LST UCP NC VC PC",
    "ner": "PER LOC ORG MISC PERSON GPE NORP DATE FAC PRODUCT EVENT CARDINAL MONEY TIME GENE",
}
INVENTORIES = {name: frozenset(labels.split()) for name, labels in _labels.items()}
"""Well-known labels, which show what a column is about, and are never typos, however rare."""

RARE = 5
"""A label that occurs more often is not a typo."""

TIMES = 20
"""A typo must be at least this many times rarer than the label that was meant."""

SHORTEST = 3
"""Shorter labels, such as NN and NP, differ by one letter because they have few letters."""


def likely_typos(counts: Mapping[str, int]) -> dict[str, str]:
    """Rare labels that are one typo away from a frequent one, with the label that was probably meant.

    A typo is an extra, missing or wrong letter, two swapped letters, or another letter case. If frequent labels also
    differ by one letter, as in tag sets in which each letter has a meaning (Fpa, Fpt), only another letter case is a
    typo.
    """
    typos = {}
    systematic = _is_systematic([label for label, count in counts.items() if count > RARE])
    for label, count in sorted(counts.items()):
        if count > RARE or len(label) < SHORTEST or any(label in inventory for inventory in INVENTORIES.values()):
            continue
        meant = [
            other
            for other, often in counts.items()
            if often >= TIMES * count
            and len(other) >= SHORTEST
            and is_one_slip(label, other)
            and (not systematic or label.lower() == other.lower())
        ]
        if meant:
            typos[label] = max(meant, key=lambda other: (counts[other], other))
    return typos


def _is_systematic(labels: list[str]) -> bool:
    """Whether several labels that are not typos differ from another by one letter."""
    unknown = [
        label
        for label in labels
        if len(label) >= SHORTEST and not any(label in inventory for inventory in INVENTORIES.values())
    ]
    near = [label for label in unknown if any(is_one_slip(label, other) for other in unknown)]
    return len(near) >= max(2, len(unknown) / 4)


def is_one_slip(first: str, second: str) -> bool:
    """Whether two different texts are equal apart from letter case and at most one edit."""
    if first == second:
        return False
    first, second = first.lower(), second.lower()
    if first == second:
        return True
    if len(first) > len(second):
        first, second = second, first
    same = next((i for i, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), len(first))
    rest, longer = first[same:], second[same:]
    if len(rest) < len(longer):
        return rest == longer[1:]
    return rest[1:] == longer[1:] or (rest[:2] == longer[1::-1] and rest[2:] == longer[2:])
