"""How a network is trained: the keys that warm-up, pruning and joint training share."""

from typing import Literal

from pydantic import Field, model_validator

from sparse_sharing.config.section import Section


class Optimization(Section):
    """How a network is trained; warm-up, pruning and joint training each have their own values."""

    optimizer: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, as in the paper, or Adam."""
    learning_rate: float = Field(default=0.1, gt=0)
    """The learning rate of the first epoch."""
    learning_rate_decay: float = Field(default=0.0, ge=0)
    """d in learning_rate / (1 + d * epoch), epochs counted from 0."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD; Adam uses 0.9 and 0.999."""
    batch_size: int = Field(default=10, ge=1)
    """Sentences in a batch."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the training data of all tasks trained."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many epochs without a better dev score, counted from the first score above 0; none: never."""
    gradient_clip: float | None = Field(default=5.0, gt=0)
    """Largest norm of the gradient of a step; none: no clipping."""
    sampling: Literal["proportional", "round_robin"] = "proportional"
    """How the task of the next batch is drawn: in proportion to its data size, as in the paper, or in turn."""
    accumulation: int | None = Field(default=None, ge=2)
    """A step adds the gradients of this many batches, which run one after the other: it is the step of a batch that is
    this many times as large, in the memory of one. none: of one batch."""
    activation_checkpointing: Literal[True] | None = None
    """Only with a transformer. true: the backward pass computes the states inside of layers again, so that they need
    not be stored: less memory, more time, the same gradients. none: they are stored."""
    length_buckets: int = Field(default=50, ge=1)
    """Number of shuffled batches whose sentences are sorted by length together, for speed; 1: no sorting."""
    precision: Literal["bfloat16"] | None = None
    """Precision of the encoder in training. bfloat16: only on a GPU, and only the encoder: weights, heads and losses
    stay float32. none: float32."""
    weight_decay: float | None = Field(default=None, gt=0)
    """Only with adam, which becomes AdamW (Loshchilov and Hutter 2019): a step multiplies the weights that take part in
    it and belong to a matrix or an embedding of the encoder by 1 - rate * weight_decay. none: no decay."""
    head_learning_rate: float | None = Field(default=None, gt=0)
    """The learning rate of the heads; it changes over time as learning_rate does. none: learning_rate."""
    embedding_learning_rate: float | None = Field(default=None, gt=0)
    """The learning rate of the word or piece embeddings; it changes as learning_rate does. none: learning_rate."""
    layer_decay: float | None = Field(default=None, gt=0, lt=1)
    """The learning rate of layer l of L is multiplied by layer_decay ** (L - l), that of the embeddings by
    layer_decay ** L; heads keep theirs. none: all layers have the same rate."""
    warmup_steps: int | None = Field(default=None, ge=1)
    """The learning rates rise linearly over this many first steps. none: they do not rise."""
    schedule: Literal["linear"] | None = None
    """linear: after warmup_steps the learning rates fall linearly, to 0 at the end of the last epoch. none: they do
    not."""

    @model_validator(mode="after")
    def check_rates(self) -> "Optimization":
        """Check keys that exclude each other."""
        if self.weight_decay is not None and self.optimizer != "adam":
            raise ValueError("weight_decay needs optimizer: adam")
        if self.schedule is not None and self.learning_rate_decay:
            raise ValueError("schedule and learning_rate_decay exclude each other; leave one out")
        return self

    @property
    def step_size(self) -> int:
        """Sentences of a step."""
        return self.batch_size * (self.accumulation or 1)

    def rate_share(self, step: int, steps: int) -> float:
        """The factor of the learning rates at step `step`, counted from 1, of a training of `steps` steps."""
        rise = self.warmup_steps or 0
        if step <= rise:
            return step / (rise + 1)
        return (steps - step + 1) / (steps - rise) if self.schedule == "linear" and step <= steps else 1.0
