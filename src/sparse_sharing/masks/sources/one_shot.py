"""One-shot magnitude pruning: one dense training, and masks of all densities from its weights."""

from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import kept_after
from sparse_sharing.masks.sources.magnitude import Magnitude


class OneShot(Magnitude, name="one_shot"):
    """Ranks the weights once; each round keeps the largest of them."""

    def masks_after(self, round_: int, values: Tensor, mask: Mask) -> list[Mask]:
        """The masks of all rounds."""
        masks = [mask]
        for number in range(1, self.plan.rounds + 1):
            kept = kept_after(number, self.plan.rounds, self.plan.final_density, mask.keep.numel())
            masks.append(self.prune(values, masks[-1], kept))
        return masks[1:]
