"""Which layer a tensor of a mask belongs to, where only the file of the mask is at hand and no encoder.

Encoders declare the layer of each tensor (`TensorInfo.layer`). Files of masks hold only names and shapes, so names
follow a rule: the first number in a name is that of the layer, counted from 0; one without it is below the layers.
"""


def layer_number(name: str) -> int:
    """The layer that a tensor of the encoder belongs to, counted from 1; 0 for what is below the first layer."""
    return next((int(part) + 1 for part in name.split(".") if part.isdecimal()), 0)


def layer_of(name: str) -> str:
    """What tables call the layer of a tensor: `characters`, `lstm 1`, `lstm 2`, ..., `layer 1` of other encoders."""
    number, first = layer_number(name), name.partition(".")[0]
    kind = "lstm" if first == "recurrent" else "layer"
    return f"{kind} {number}" if number else first
