"""Compact networks: the subnetwork of a task as a smaller dense network, if its mask removes whole units."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import torch

from sparse_sharing.heads.base import head_name
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.tensor_info import TensorInfo
from sparse_sharing.masks.units import compact
from sparse_sharing.network.network import Network


def below_the_layers(network: Network) -> set[str]:
    """The groups of units below the first layer, such as the character filters.

    Their values do not depend on the task: a task that removes one of them does not read it. So several tasks can run
    them once.
    """
    return {axis.group for info in network.parameters.infos.values() if info.layer == 0 for axis in info.units}


def compact_network(network: Network, task: str, mask: Mask, whole: Collection[str] = ()) -> Network | None:
    """The subnetwork of a task as a network without masks, which gives the same tags apart from rounding.

    Args:
        network: the network of all tasks; its tables of rows are shared, not copied.
        task: the task.
        mask: the mask of the task, over units, or expanded to weights and biases.
        whole: groups of units of which none is removed, so that tasks can share their computation.

    Returns:
        The network on the CPU; None if the mask does not remove whole units, removes all units of a group, or keeps
        changes.
    """
    if network.base is not None:
        # The removed weights are not zero.
        return None
    over_units = mask if network.units.is_over_units(mask) else network.units.collapse(mask)
    if over_units is None or network.readouts[task] != network.model.depth:
        return None
    kept_units = {group: keep.numpy() for group, keep in over_units.tensors().items()}
    if not all(keep.any() for keep in kept_units.values()):
        return None
    kept_units = {group: keep for group, keep in kept_units.items() if group not in whole}
    values = _values(network, task, over_units, whole)
    infos = [info for info in network.parameters.infos.values() if info.role != "rows"]
    small = Network(
        network.model,
        replace(network.vocabulary, words=(), tasks={task: network.vocabulary.tasks[task]}),
        units={group: int(keep.sum()) for group, keep in kept_units.items()},
    )
    small.vocabulary = replace(network.vocabulary, tasks={task: network.vocabulary.tasks[task]})
    small.parameters.rows = {name: rows.cpu() for name, rows in network.rows.items()}
    tensors = compact(values, infos, kept_units) | _head(network, task, kept_units)
    small.load({name: torch.from_numpy(value) for name, value in tensors.items()} | small.rows)
    small.encoder.eval()
    return small


def _values(network: Network, task: str, mask: Mask, whole: Collection[str]) -> dict[str, np.ndarray]:
    """The encoder's tensors as the task keeps them; those that compute the groups `whole` as all tasks have them."""
    keeps = network.units.expand(mask).tensors()
    kept_values = {}
    for name, value in network.parts(network.theta).items():
        info = network.parameters.infos[name]
        shared = bool(info.units) and all(axis.group in whole for axis in info.units)
        keep = 1 if shared or name not in keeps else keeps[name].to(value.device)
        kept_values[name] = (value * keep).cpu().numpy()
    return kept_values


def _head(network: Network, task: str, kept_units: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The head's tensors without the columns that read removed units."""
    head = network.head_kinds[task]
    axes = network.encoder.state_units(network.readouts[task])
    parts = {name: part.cpu().numpy() for name, part in head.parts(network.heads[task].detach()).items()}
    infos: list[TensorInfo] = []
    for info in head.tensors():
        at = head.state_axis(info.name)
        infos.append(info if at is None else replace(info, units=tuple(replace(axis, axis=at) for axis in axes)))
    return {head_name(task, name): part for name, part in compact(parts, infos, kept_units).items()}
