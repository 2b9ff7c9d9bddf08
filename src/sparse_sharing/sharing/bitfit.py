"""BitFit: each task has copies of the biases and normalizations of a frozen encoder."""

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.pipeline.specs import TrainSpec
from sparse_sharing.sharing.base import Sharing


class BitFit(Sharing, name="bitfit"):
    """Each task has copies of the biases and normalizations; they start with the values of the frozen encoder."""

    def encoder(self, spec: TrainSpec, model: EncoderSection) -> EncoderSection:
        """See `Sharing`."""
        return model.adapted(None)
