"""The units of transformer layers: attention heads, and the inner units of feed-forward networks.

A head is its rows of query, key and value with their biases, and the columns of the output that read it (Michel et al.
2019). An inner unit is its row of the first matrix with its bias, and the column of the second matrix that reads it.
Only layers that are built as those of BERT, RoBERTa, XLM-R, ELECTRA and MiniLM have units.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils import skip_init

from sparse_sharing.masks.tensor_info import UnitAxis

_layer = re.compile(r"encoder\.layer\.(\d+)")


@dataclass(frozen=True)
class _Group:
    """The units of a group, of which each has `size` numbers: the maps that write them and the one that reads them."""

    name: str
    size: int
    writing: tuple[str, ...]
    reading: str


def unit_axes(body: nn.Module) -> dict[str, tuple[UnitAxis, ...]]:
    """The units of each parameter of a body by its name; parameters without units are left out."""
    axes: dict[str, tuple[UnitAxis, ...]] = {}
    modules = dict(body.named_modules())
    for group in _groups(body):
        count = _linear(modules, group.reading).in_features // group.size
        for name in group.writing:
            rows = UnitAxis(group.name, axis=0, count=count, size=group.size)
            axes |= {f"{name}.weight": (rows,), f"{name}.bias": (rows,)}
        axes[f"{group.reading}.weight"] = (UnitAxis(group.name, axis=1, count=count, size=group.size),)
    return axes


def shrink(body: nn.Module, units: Mapping[str, int]) -> None:
    """Give groups of a body fewer units, with arbitrary weights; groups that are not named keep theirs."""
    modules = dict(body.named_modules())
    for group in list(_groups(body)):
        if group.name not in units:
            continue
        width = units[group.name] * group.size
        for name in group.writing:
            _replace(body, name, _linear(modules, name).in_features, width)
        _replace(body, group.reading, width, _linear(modules, group.reading).out_features)


def _groups(body: nn.Module) -> Iterator[_Group]:
    modules = dict(body.named_modules())
    for name, module in modules.items():
        match = _layer.fullmatch(name)
        attention = modules.get(f"{name}.attention.self")
        if match is None or attention is None or not isinstance(getattr(attention, "query", None), nn.Linear):
            continue
        writing = tuple(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))
        size = int(getattr(attention, "attention_head_size", 0))
        yield _Group(f"layer.{match[1]}.heads", size, writing, f"{name}.attention.output.dense")
        activation = getattr(module.intermediate, "intermediate_act_fn", None)
        # The state of a removed unit must be 0.
        if activation is not None and not activation(torch.zeros(1, device="cpu")).any():
            yield _Group(f"layer.{match[1]}.inner", 1, (f"{name}.intermediate.dense",), f"{name}.output.dense")


def _linear(modules: Mapping[str, nn.Module], name: str) -> nn.Linear:
    module = modules[name]
    if not isinstance(module, nn.Linear):
        raise TypeError(f"{name}: expected a linear map, got {type(module).__name__}")
    return module


def _replace(body: nn.Module, name: str, inputs: int, outputs: int) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(body.get_submodule(parent), leaf, skip_init(nn.Linear, inputs, outputs))
