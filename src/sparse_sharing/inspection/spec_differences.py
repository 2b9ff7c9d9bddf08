"""Specs as flat keys, and the differences between two specs."""

import json
from collections.abc import Mapping

MISSING = "nothing"
"""Shown for a key that one side lacks."""


def flat(value: object, key: str = "") -> dict[str, object]:
    """Nested values under dotted keys; items of a list with a name use it as key: `corpora.news.tasks.ner.scheme`."""
    if isinstance(value, Mapping):
        items = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) and "name" in part for part in value):
        items = [(part["name"], {name: inner for name, inner in part.items() if name != "name"}) for part in value]
    else:
        return {key: value}
    if not items:
        return {key: value} if key else {}
    return {
        dotted: leaf for name, part in items for dotted, leaf in flat(part, f"{key}.{name}" if key else name).items()
    }


def differences(old: Mapping, new: Mapping) -> dict[str, tuple[str, str]]:
    """The flat keys in which two specs differ, with both values as text."""
    before, after = flat(old), flat(new)
    keys = [*before, *(key for key in after if key not in before)]
    return {
        key: (_text(before, key), _text(after, key))
        for key in keys
        if key not in before or key not in after or before[key] != after[key]
    }


def _text(values: Mapping[str, object], key: str) -> str:
    return json.dumps(values[key], ensure_ascii=False) if key in values else MISSING
