"""The keys of the BiLSTM encoder (paper, section "Base Model")."""

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from sparse_sharing.config.encoders.base import ENCODERS, EncoderSection
from sparse_sharing.config.features import Features, Lengths


class BiLstm(EncoderSection):
    """The base network (paper, section "Base Model"): word and character embeddings, a BiLSTM, a head per task."""

    kind: ClassVar[str] = "bilstm"
    implementation: ClassVar[str] = "sparse_sharing.encoders.bilstm"

    encoder: Literal["bilstm"] | None = None
    """The encoder; none: bilstm."""
    word_dimension: int = Field(default=100, ge=1)
    """Width of the word embedding; if the word vectors are narrower, the rest starts at random."""
    character_dimension: int = Field(default=30, ge=1)
    """Width of the character embedding."""
    character_filters: int = Field(default=30, ge=1)
    """Filters of the character convolution."""
    character_width: int = Field(default=3, ge=1)
    """Width of a filter in characters; odd, so that a word keeps its length."""
    character_widths: Lengths | None = None
    """Widths of several convolutions, such as [2, 3, 4], each with character_filters filters, instead of one of
    character_width."""
    features: Features | None = None
    """Hashed features of the spelling: prefixes, suffixes, shape and case."""
    hidden: int = Field(default=200, ge=1)
    """Units of the LSTM, per direction."""
    layers: int = Field(default=1, ge=1)
    """BiLSTM layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Dropout after the embeddings and before the heads."""
    word_dropout: float = Field(default=0.01, ge=0, lt=1)
    """Share of training tokens that are read as the unknown word."""
    rare_word_dropout: float | None = Field(default=None, gt=0)
    """Read rare words as the unknown word more often in training: each token of a word that occurs n times in the text
    with probability a / (a + n), at least word_dropout, where a is this number, such as 0.25."""

    @field_validator("encoder")
    @classmethod
    def drop_default(cls, value: str | None) -> None:
        """Drop the name of the default encoder, so that it changes no spec."""

    @model_validator(mode="after")
    def check(self) -> "BiLstm":
        """Check that the filter is centred, so its width is odd."""
        if self.character_width % 2 == 0:
            raise ValueError(f"character_width must be odd, got {self.character_width}")
        return self

    @property
    def depth(self) -> int:
        """See `EncoderSection`."""
        return self.layers

    @property
    def vector_width(self) -> int:
        """See `EncoderSection`."""
        return self.word_dimension

    def with_depth(self, layers: int) -> Self:
        """See `EncoderSection`."""
        return self.model_copy(update={"layers": layers})

    def with_stacks(self, tasks: list[str]) -> EncoderSection:
        """See `EncoderSection`."""
        return ENCODERS["cross_stitch"].model_validate({**dict(self), "stacks": tasks})
