"""Initial values of tensors: functions for `TensorInfo.first`."""

from torch import Generator, Tensor, nn

from sparse_sharing.masks.tensor_info import FirstValues


def zeros(tensor: Tensor, source: Generator) -> None:
    """Leave the zeros."""


def xavier(tensor: Tensor, source: Generator) -> None:
    """Uniform, with the bound of Glorot and Bengio (2010)."""
    nn.init.xavier_uniform_(tensor, generator=source)


def unit_variance_rows(tensor: Tensor, source: Generator) -> None:
    """Uniform with variance 1 / dimension, for tables of vectors float [rows, dimension]."""
    bound = (3 / tensor.shape[1]) ** 0.5
    tensor.uniform_(-bound, bound, generator=source)


def with_padding(row: int) -> FirstValues:
    """Like `unit_variance_rows`, with zeros in the row of the padding."""

    def fill(tensor: Tensor, source: Generator) -> None:
        unit_variance_rows(tensor, source)
        tensor[row] = 0

    return fill


def open_forget_gates(tensor: Tensor, source: Generator) -> None:
    """Biases of an LSTM, in the order of PyTorch's gates: 1 for the forget gates, 0 for the others."""
    hidden = tensor.numel() // 4
    tensor[hidden : 2 * hidden] = 1
