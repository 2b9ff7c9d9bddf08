"""Which layer a prunable tensor belongs to, by its name."""

import re

_of_transformer = re.compile(r"(?:^|\.)\w*layers?\.(\d+)\.").search


def layer_number(name: str) -> int:
    """The BiLSTM layer that a tensor of the encoder belongs to, counted from 1; 0 for the characters."""
    parts = name.split(".")
    return int(parts[1]) + 1 if parts[0] == "recurrent" else 0


def layer_of(name: str) -> str:
    """The layer that a prunable tensor belongs to: `characters`, `lstm 1`, ..., or `layer 1`, ..."""
    if name.startswith("body.") and (found := _of_transformer(name)):
        return f"layer {int(found[1]) + 1}"
    number = layer_number(name)
    return f"lstm {number}" if number else "characters"
