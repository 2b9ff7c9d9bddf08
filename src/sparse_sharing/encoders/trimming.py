"""Removes pieces from a tokenizer that given words do not need, and numbers the others from 0.

Words of the pieces that are kept are split as before. Other words are split into smaller pieces: single characters and
bytes are always kept.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

_MARK = re.compile("^(##|▁|Ġ)")
_BYTE = re.compile("^<0x[0-9A-F]{2}>$")


def trimmed(description: str, needed: Collection[int]) -> tuple[str, np.ndarray]:
    """A tokenizer with fewer pieces.

    Args:
        description: the content of `tokenizer.json`.
        needed: the ids of pieces that must be kept.

    Returns:
        The content of `tokenizer.json` with the remaining pieces, and for each of them its id before, int64 [K], in
        ascending order.
    """
    parts = json.loads(description)
    model = parts["model"]
    names = _names(model["vocab"])
    added = parts.get("added_tokens") or []
    kept = {*needed, *(token["id"] for token in added)}
    kept |= {number for name, number in names.items() if len(_MARK.sub("", name)) <= 1 or _BYTE.match(name)}
    if model.get("unk_token") in names:
        kept.add(names[model["unk_token"]])
    if model.get("unk_id") is not None:
        kept.add(model["unk_id"])
    merges = [_pair(merge) for merge in model.get("merges") or []]
    prefix = model.get("continuing_subword_prefix") or ""
    made = [(*pair, pair[0] + pair[1].removeprefix(prefix)) for pair in merges]
    kept = _with_parts(kept, made, names)
    ids = sorted(kept)
    number_of = {old: new for new, old in enumerate(ids)}
    if isinstance(model["vocab"], dict):
        model["vocab"] = {name: number_of[number] for name, number in names.items() if number in kept}
    else:
        model["vocab"] = [entry for number, entry in enumerate(model["vocab"]) if number in kept]
    if merges:
        model["merges"] = [
            original
            for original, triple in zip(model["merges"], made, strict=True)
            if all(names.get(name) in kept for name in triple)
        ]
    if model.get("unk_id") is not None:
        model["unk_id"] = number_of[model["unk_id"]]
    parts["added_tokens"] = [{**token, "id": number_of[token["id"]]} for token in added]
    if parts.get("padding"):
        parts["padding"]["pad_id"] = number_of.get(parts["padding"]["pad_id"], 0)
    parts["post_processor"] = _renumbered(parts.get("post_processor"), number_of)
    return json.dumps(parts, ensure_ascii=False), np.array(ids, np.int64)


def _names(vocabulary: Any) -> Mapping[str, int]:
    """The id of each piece."""
    if isinstance(vocabulary, dict):
        return vocabulary
    return {name: number for number, (name, _) in enumerate(vocabulary)}


def _pair(merge: Any) -> tuple[str, str]:
    """The two parts of a merge, which is a pair or a text with one space."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _with_parts(kept: set[int], merges: list[tuple[str, str, str]], names: Mapping[str, int]) -> set[int]:
    """Pieces with all pieces from which they are merged."""
    parts_of: dict[int, set[int]] = {}
    for first, second, whole in merges:
        if whole in names:
            parts_of.setdefault(names[whole], set()).update({names[first], names[second]})
    with_parts, waiting = set(kept), list(kept)
    while waiting:
        new = parts_of.get(waiting.pop(), set()) - with_parts
        with_parts |= new
        waiting += new
    return with_parts


def _renumbered(processor: Any, number_of: Mapping[int, int]) -> Any:
    """A post-processor with other ids for its special tokens."""
    if processor is None:
        return None
    renumbered = dict(processor)
    if "processors" in renumbered:
        renumbered["processors"] = [_renumbered(part, number_of) for part in renumbered["processors"]]
    for key in ("sep", "cls"):
        if isinstance(renumbered.get(key), list):
            name, number = renumbered[key]
            renumbered[key] = [name, number_of[number]]
    if "special_tokens" in renumbered:
        renumbered["special_tokens"] = {
            name: {**token, "ids": [number_of[number] for number in token["ids"]]}
            for name, token in renumbered["special_tokens"].items()
        }
    return renumbered
