"""How a network is trained: the keys that warm-up, pruning and joint training have in common."""

from typing import Literal

from pydantic import Field, model_validator

from sparse_sharing.config.section import Section


class Optimization(Section):
    """How a network is trained; warm-up, pruning and joint training each have their own values."""

    optimizer: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, as in the paper, or Adam."""
    learning_rate: float = Field(default=0.1, gt=0)
    """The rate of the first epoch."""
    learning_rate_decay: float = Field(default=0.0, ge=0)
    """d in learning_rate / (1 + d * epoch), epochs counted from 0."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD; Adam has its usual 0.9 and 0.999."""
    batch_size: int = Field(default=10, ge=1)
    """Sentences in a batch."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the training data of all tasks trained."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many epochs without a better dev score, counted from the first above 0; none: never."""
    gradient_clip: float | None = Field(default=5.0, gt=0)
    """Largest norm of a step's gradient; none: no bound."""
    sampling: Literal["proportional", "round_robin"] = "proportional"
    """How the task of the next batch is drawn: by data size, as in the paper, or in turn."""
    length_buckets: int = Field(default=50, ge=1)
    """Shuffled batches whose sentences are sorted by length together, for speed; 1: no sorting."""
    precision: Literal["bfloat16"] | None = None
    """Run the encoder in bfloat16 while training, on a GPU alone; weights, heads and losses, and none: float32."""
    weight_decay: float | None = Field(default=None, gt=0)
    """Adam only, which it makes AdamW (Loshchilov and Hutter 2019): a step multiplies by 1 - rate * weight_decay the
    weights that take part in it and belong to a matrix or an embedding of the encoder. none: no decay."""
    head_learning_rate: float | None = Field(default=None, gt=0)
    """The rate of the heads, where it is another one; it changes over time as learning_rate does."""
    embedding_learning_rate: float | None = Field(default=None, gt=0)
    """The rate of the table of word vectors, or pieces, where it is another one; it changes as learning_rate does."""
    warmup_steps: int | None = Field(default=None, ge=1)
    """Over so many first steps of a training the rates rise linearly. none: they do not."""
    schedule: Literal["linear"] | None = None
    """linear: after warmup_steps the rates fall linearly, towards 0 at the end of the last epoch. none: they do not."""

    @model_validator(mode="after")
    def check_rates(self) -> "Optimization":
        """Keys that exclude each other."""
        if self.weight_decay is not None and self.optimizer != "adam":
            raise ValueError("weight_decay needs optimizer: adam")
        if self.schedule is not None and self.learning_rate_decay:
            raise ValueError("schedule and learning_rate_decay exclude each other; leave one out")
        return self

    def rate_share(self, step: int, steps: int) -> float:
        """The share of the rates that a step of a training has: step `step`, counted from 1, of `steps`."""
        rise = self.warmup_steps or 0
        if step <= rise:
            return step / (rise + 1)
        return (steps - step + 1) / (steps - rise) if self.schedule == "linear" and step <= steps else 1.0
