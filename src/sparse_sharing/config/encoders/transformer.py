"""The keys of a pretrained transformer as the encoder (extra `transformers`)."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.config.section import Section, Source
from sparse_sharing.errors import ConfigError

SMALLEST_WINDOW = 16
"""The smallest window, in pieces."""


class Lora(Section):
    """The size of low-rank updates of matrices (Hu et al. 2022)."""

    rank: int = Field(default=8, ge=1)
    """The rank r of the updates."""
    alpha: float = Field(default=16, gt=0)
    """The updates are multiplied by alpha / r."""

    @property
    def scale(self) -> float:
        """The factor of an update."""
        return self.alpha / self.rank


class Transformer(EncoderSection):
    """A pretrained transformer, such as BERT, RoBERTa, XLM-R, ELECTRA, DeBERTa-v3, ModernBERT or MiniLM."""

    kind: ClassVar[str] = "transformer"
    implementation: ClassVar[str] = "sparse_sharing.encoders.transformer"

    extra: ClassVar[str | None] = "transformers"
    checkpoints_activations: ClassVar[bool] = True

    encoder: Literal["transformer"]
    """transformer."""
    pretrained: Source
    """The folder of the pretrained model, with config.json, tokenizer.json and weights in safetensors, below data_root;
    or `package:NAME/FOLDER`, a folder of an installed Python package; or, with `revision`, its name on the Hugging Face
    Hub."""
    revision: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    """The commit of a model from the Hub, 40 hexadecimal digits; the model is downloaded once."""
    pieces: Literal["first", "last", "mean"] = "first"
    """The state of a word: the state of its first or last piece, or the mean over its pieces."""
    window: int | None = Field(default=None, ge=SMALLEST_WINDOW)
    """Size of a window in pieces, special tokens included; longer sentences are split into overlapping windows. none:
    the number of positions of the model."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Dropout of states and attention in training; none: as in config.json."""
    embeddings: Literal["shared", "frozen"] = "shared"
    """The tables of pieces, positions and types. shared: every task trains them. frozen: they stay as pretrained."""
    norms: Literal["shared", "frozen", "private"] = "shared"
    """The normalizations: shared or frozen, like the embeddings; or private: each task trains a copy."""
    biases: Literal["shared", "frozen", "private"] = "shared"
    """The biases: shared, frozen or private, like the normalizations."""
    matrices: Literal["frozen"] | None = None
    """The matrices of attention and feed-forward networks. none: trained. frozen: they stay as pretrained; then no
    masks are possible."""
    lora: Lora | None = None
    """The low-rank updates of systems with sharing lora; filled in by the program."""
    digest: str | None = Field(default=None, pattern="^[0-9a-f]{16}$")
    """The digest of the pretrained files, which every spec contains; if given here, other files are rejected."""
    architecture: dict[str, Any] | None = None
    """The content of config.json; filled in by the program."""
    tokenizer: str | None = None
    """The content of tokenizer.json; filled in by the program."""
    licence: str | None = None
    """The licence in the README.md of the folder; filled in by the program."""
    folder: str | None = Field(default=None, exclude=True)
    """Where the pretrained weights are read from; filled in by the program."""

    @model_validator(mode="after")
    def check(self) -> Self:
        """Check that the model is a folder, or has a name and a commit."""
        if self.architecture or self.tokenizer:
            return self
        if self.revision is not None and self.pretrained.startswith((".", "/", "package:")):
            raise ValueError(
                f"revision applies to models on the Hub only, and '{self.pretrained}' is a folder; leave it out"
            )
        return self

    def adapted(self, lora: tuple[int, float] | None) -> Self:
        """See `EncoderSection`."""
        frozen = {"embeddings": "frozen", "matrices": "frozen"}
        if lora is None:
            return self.model_copy(update={**frozen, "norms": "private", "biases": "private"})
        adaptation = Lora(rank=lora[0], alpha=lora[1])
        return self.model_copy(update={**frozen, "norms": "frozen", "biases": "frozen", "lora": adaptation})

    def check_system(self, sharing: str, layers: int | None) -> None:
        """See `EncoderSection`."""
        if sharing in ("soft", "hierarchical"):
            raise ValueError(f"sharing '{sharing}' is not possible with encoder '{self.kind}'; use hard or sparse")
        if self.matrices is not None and sharing in ("sparse", "extended", "merged"):
            raise ValueError(f"sharing '{sharing}' is not possible with matrices: frozen; leave that key out")
        if sharing in ("extended", "merged") and "private" in (self.norms, self.biases):
            raise ValueError(f"sharing '{sharing}' is not possible with norms or biases that are private")
        if layers is not None:
            raise ValueError(f"encoder '{self.kind}' has the layers of its pretrained model; leave 'layers' out")

    @property
    def source(self) -> str | None:
        """See `EncoderSection`."""
        return None if self.revision else self.pretrained

    def identified(self, digest: str) -> Self:
        """See `EncoderSection`; the spec depends on the content of the folder, not on its path.

        Raises:
            ConfigError: The configuration gives another digest.
        """
        if self.digest not in (None, digest):
            raise ConfigError(
                f"model.digest: the files of '{self.pretrained}' have digest {digest}, expected {self.digest}; get the "
                "right files, or change the digest"
            )
        return self.model_copy(update={"pretrained": self.pretrained.rstrip("/").rpartition("/")[2], "digest": digest})
