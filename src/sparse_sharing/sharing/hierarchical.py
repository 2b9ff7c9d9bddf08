"""Hierarchical sharing: each task keeps the layers up to its own (Søgaard and Goldberg 2016)."""

from collections.abc import Mapping

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.sources.layers import up_to_layer
from sparse_sharing.pipeline.specs import TrainSpec
from sparse_sharing.sharing.base import Sharing


class Hierarchical(Sharing, name="hierarchical"):
    """Each task keeps the layers up to the one at which it is supervised."""

    def masks(self, spec: TrainSpec, dense: Mask, chosen: Mapping[str, Mask] | None) -> dict[str, Mask]:
        """For each task the layers up to that of `task_layers`."""
        layers = spec.task_layers or {}
        return {task: up_to_layer(dense, layers[task]) for task in spec.tasks}
