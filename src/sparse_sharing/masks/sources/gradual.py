"""Gradual magnitude pruning: weights are removed during one training, by a cubic schedule.

Zhu and Gupta (2017), "To prune, or not to prune", equation 1; several cuts an epoch as in Kurtic and Alistarh (2022).
"""

from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.sources.base import Moment
from sparse_sharing.masks.sources.magnitude import Magnitude


class Gradual(Magnitude, name="gradual"):
    """Removes the smallest weights during training. Removed weights stay removed."""

    def cut(self, moment: Moment, values: Tensor, mask: Mask) -> Mask | None:
        """Shrink the mask if the schedule asks for fewer weights than there are."""
        cuts = self.plan.settings["cuts_per_epoch"]
        if moment.step * cuts // moment.steps == (moment.step - 1) * cuts // moment.steps:
            return None
        kept = round(mask.keep.numel() * self.density(moment))
        return self.prune(values, mask, kept) if kept < mask.kept else None

    def density(self, moment: Moment) -> float:
        """The share of weights to keep: final + (1 - final) * (1 - progress) ** 3.

        Progress is 0 until the end of the dense epochs, and 1 from the last cut but one on, so that training ends with
        the final mask. The final density is reached exactly.
        """
        dense, final = self.plan.settings["dense_epochs"], self.plan.final_density
        length = moment.epochs - dense - 1 / self.plan.settings["cuts_per_epoch"]
        progress = min(1.0, max(0.0, (moment.time - dense) / length)) if length > 0 else float(moment.time > dense)
        return final + (1 - final) * (1 - progress) ** 3
