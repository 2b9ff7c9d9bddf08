"""Finds the layer of a tensor of a mask from its name, if there is only a file of masks and no encoder.

Encoders declare the layer of each tensor (`TensorInfo.layer`). Files of masks have only names and shapes, so names
follow a rule: the first number in a name is the layer, counted from 0; a name without a number is below the layers.
"""

ALL_LAYERS = "all"
"""Stands for all layers together, where tables have a row for each layer."""


def layer_number(name: str) -> int:
    """The layer of a tensor of the encoder, counted from 1; 0 for tensors below the first layer."""
    return next((int(part) + 1 for part in name.split(".") if part.isdecimal()), 0)


def layer_of(name: str) -> str:
    """The name of a tensor's layer in tables: `characters`, `lstm 1`, `lstm 2`, ..., `layer 1` of other encoders."""
    number, first = layer_number(name), name.partition(".")[0]
    kind = "lstm" if first == "recurrent" else "layer"
    return f"{kind} {number}" if number else first
