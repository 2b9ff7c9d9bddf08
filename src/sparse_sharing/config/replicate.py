"""Switches that bring back what the authors' code did otherwise than their paper, and than this program, does it."""

from typing import Literal, get_args

from sparse_sharing.config.section import Section

Switch = Literal[
    "clip_by_value",
    "crf_loss_per_sentence",
    "epoch_on_test",
    "fixed_learning_rate",
    "leaky_momentum",
    "lenient_spans",
    "round_robin",
]
"""In alphabetical order, in which specs have them."""

OF_ALL_TRAINING = ("crf_loss_per_sentence", "lenient_spans")
"""Switches that concern the training of single tasks as well, and pruning."""


class Replicate(Section):
    """What to do as the original code did; a run that uses a switch says so in its tables.

    crf_loss_per_sentence and lenient_spans concern all training, all others that of several tasks together alone.
    """

    clip_by_value: bool = False
    """Bound each number of a gradient by gradient_clip, not the norm of the whole."""
    crf_loss_per_sentence: bool = False
    """Divide the loss of a CRF head by the sentences of the batch, not by its tokens; also in warm-up and pruning."""
    epoch_on_test: bool = False
    """Choose the epoch by the score on test, which the training is then given: no honest result."""
    fixed_learning_rate: bool = False
    """Leave the learning rate as it is: learning_rate_decay is 0."""
    leaky_momentum: bool = False
    """Mask gradients alone: the optimizer's memory goes on moving what a mask excludes, other heads, absent words."""
    lenient_spans: bool = False
    """Count spans with the original's scorer for single tasks, on dev (also in pruning) and on test."""
    round_robin: bool = False
    """Draw the tasks in turn."""

    def switches(self) -> list[Switch]:
        """The switches that are on, by name."""
        return [name for name in get_args(Switch) if getattr(self, name)]

    def of_warmup(self) -> list[Switch] | None:
        """The one switch that concerns the warm-up, where it is on."""
        return ["crf_loss_per_sentence"] if self.crf_loss_per_sentence else None

    def of_pruning(self) -> list[Switch] | None:
        """The switches that concern pruning and are on."""
        return [name for name in self.switches() if name in OF_ALL_TRAINING] or None

    def check_fit(self, sharing: str, is_joint: bool) -> None:
        """Raise ValueError for a switch that does not concern a way of sharing."""
        if unfit := [name for name in self.switches() if not concerns(name, is_joint)]:
            raise ValueError(f"sharing '{sharing}' trains no tasks together, which replicate.{unfit[0]} is about")


def concerns(switch: Switch, is_joint: bool) -> bool:
    """Whether a switch changes anything where tasks are trained jointly, or each by itself."""
    return switch in OF_ALL_TRAINING or is_joint


def switches_of(is_joint: bool, *parts: Replicate | None) -> list[Switch] | None:
    """The switches that are on in any part and concern a way of sharing, by name; None where there are none."""
    used = {switch for part in parts if part is not None for switch in part.switches()}
    return [name for name in get_args(Switch) if name in used and concerns(name, is_joint)] or None


def settings_of(switches: list[Switch] | None) -> dict[str, object]:
    """The settings of an optimization that switches stand for."""
    settings = {"fixed_learning_rate": {"learning_rate_decay": 0.0}, "round_robin": {"sampling": "round_robin"}}
    return {key: value for switch in switches or () for key, value in settings.get(switch, {}).items()}
