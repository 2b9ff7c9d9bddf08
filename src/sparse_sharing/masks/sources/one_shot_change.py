"""One-shot pruning by change: one dense training, and masks of all densities from the changes of its weights.

This is how Ansell et al. (2022) find sparse fine-tunings.
"""

from sparse_sharing.masks.sources.change import Change
from sparse_sharing.masks.sources.one_shot import OneShot


class OneShotChange(Change, OneShot, name="one_shot_change"):
    """Ranks the weights once, by the scores of `Change`, for the masks of `OneShot`."""
