"""The keys of a pretrained transformer as the encoder (extra `transformers`)."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.config.section import Source
from sparse_sharing.errors import ConfigError

SMALLEST_WINDOW = 16
"""Pieces that a window must hold."""


class Transformer(EncoderSection):
    """A pretrained transformer, such as BERT, RoBERTa, XLM-R, ELECTRA, DeBERTa-v3, ModernBERT or MiniLM."""

    kind: ClassVar[str] = "transformer"
    implementation: ClassVar[str] = "sparse_sharing.encoders.transformer"

    extra: ClassVar[str | None] = "transformers"

    encoder: Literal["transformer"]
    """transformer."""
    pretrained: Source
    """The folder of the pretrained model, with config.json, tokenizer.json and weights in safetensors, below data_root;
    or `package:NAME/FOLDER`, a folder of an installed Python package; or, with `revision`, its name on the Hugging Face
    Hub."""
    revision: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    """The commit of a model that is taken from the Hub, 40 hexadecimal digits; it is downloaded once."""
    pieces: Literal["first", "last", "mean"] = "first"
    """The state of a word: that of its first or last piece, or the mean over its pieces."""
    window: int | None = Field(default=None, ge=SMALLEST_WINDOW)
    """Pieces that run at once, special tokens included; longer sentences run in windows that overlap. none: as many as
    the model has positions for."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Dropout of states and of attention while training; none: as in config.json."""
    embeddings: Literal["shared", "frozen"] = "shared"
    """The tables of pieces, positions and types. shared: every task trains them. frozen: they stay as pretrained."""
    norms: Literal["shared", "frozen"] = "shared"
    """The normalizations: shared or frozen, as the embeddings."""
    biases: Literal["shared", "frozen"] = "shared"
    """The biases: shared or frozen, as the embeddings."""
    digest: str | None = Field(default=None, pattern="^[0-9a-f]{16}$")
    """The digest of the pretrained files, which every spec holds; given here, other files are refused."""
    architecture: dict[str, Any] | None = None
    """What config.json says; the program fills this in."""
    tokenizer: str | None = None
    """What tokenizer.json says; the program fills this in."""
    licence: str | None = None
    """The licence that the README.md of the folder names; the program fills this in."""
    folder: str | None = Field(default=None, exclude=True)
    """Where the first weights are read from; the program fills this in."""

    @model_validator(mode="after")
    def check(self) -> Self:
        """A model is in a folder, or it has a name and a commit."""
        if self.architecture or self.tokenizer:
            return self
        if self.revision is not None and self.pretrained.startswith((".", "/", "package:")):
            raise ValueError(f"revision is for a model on the Hub, and '{self.pretrained}' is a folder; leave it out")
        return self

    def check_system(self, sharing: str, layers: int | None) -> None:
        """See `EncoderSection`."""
        if sharing in ("soft", "hierarchical"):
            raise ValueError(f"sharing '{sharing}' is not possible with encoder '{self.kind}'; take hard or sparse")
        if layers is not None:
            raise ValueError(f"encoder '{self.kind}' has the layers of its pretrained model; leave 'layers' out")

    @property
    def source(self) -> str | None:
        """See `EncoderSection`."""
        return None if self.revision else self.pretrained

    def identified(self, digest: str) -> Self:
        """See `EncoderSection`; where a folder is does not count, only what is in it.

        Raises:
            ConfigError: The configuration asks for files of another digest.
        """
        if self.digest not in (None, digest):
            raise ConfigError(
                f"model.digest: the files of '{self.pretrained}' have digest {digest}, not {self.digest}; get the "
                "files that were meant, or change the digest"
            )
        return self.model_copy(update={"pretrained": self.pretrained.rstrip("/").rpartition("/")[2], "digest": digest})
