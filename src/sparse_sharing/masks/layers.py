"""Which layer a prunable tensor belongs to, by its name."""


def layer_number(name: str) -> int:
    """The BiLSTM layer that a tensor of the encoder belongs to, counted from 1; 0 for the characters."""
    parts = name.split(".")
    return int(parts[1]) + 1 if parts[0] == "recurrent" else 0


def layer_of(name: str) -> str:
    """The layer that a prunable tensor belongs to: `characters`, `lstm 1`, `lstm 2`, ..."""
    number = layer_number(name)
    return f"lstm {number}" if number else "characters"
