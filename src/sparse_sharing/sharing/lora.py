"""LoRA: each task has low-rank updates of the matrices of a frozen encoder."""

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.pipeline.specs import TrainSpec
from sparse_sharing.sharing.base import Sharing


class LowRank(Sharing, name="lora"):
    """Each task has low-rank updates of the matrices, which are zero before the first step."""

    def encoder(self, spec: TrainSpec, model: EncoderSection) -> EncoderSection:
        """See `Sharing`."""
        settings = spec.settings or {}
        return model.adapted((settings["rank"], settings["alpha"]))
