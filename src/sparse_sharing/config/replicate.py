"""Switches that reproduce deviations of the authors' code from their paper, and from this program."""

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
"""All switches in alphabetical order, as in specs."""

OF_ALL_TRAINING = ("crf_loss_per_sentence", "lenient_spans")
"""Switches that also apply to the training of single tasks and to pruning."""


class Replicate(Section):
    """Reproduce deviations of the authors' code from their paper; the tables name the switches that a run uses.

    crf_loss_per_sentence and lenient_spans apply to all training, all others only to joint training.
    """

    clip_by_value: bool = False
    """Clip each value of a gradient at gradient_clip, instead of the norm of the whole gradient."""
    crf_loss_per_sentence: bool = False
    """Divide the loss of a CRF head by the number of sentences in the batch, instead of its tokens; also in warm-up and
    pruning."""
    epoch_on_test: bool = False
    """Choose the epoch by the score on the test text, which the training then reads: test scores are biased upwards."""
    fixed_learning_rate: bool = False
    """Keep the learning rate constant: learning_rate_decay is 0."""
    leaky_momentum: bool = False
    """Mask only the gradients: the optimizer's momentum goes on changing weights outside the mask, other heads and
    words that are not in the batch."""
    lenient_spans: bool = False
    """Count spans with the original code's scorer for single tasks, on dev (also in pruning) and on test."""
    round_robin: bool = False
    """Draw the tasks in turn."""

    def switches(self) -> list[Switch]:
        """The names of the switches that are on."""
        return [name for name in get_args(Switch) if getattr(self, name)]

    def of_warmup(self) -> list[Switch] | None:
        """The one switch that applies to the warm-up, if it is on."""
        return ["crf_loss_per_sentence"] if self.crf_loss_per_sentence else None

    def of_pruning(self) -> list[Switch] | None:
        """The switches that apply to pruning and are on."""
        return [name for name in self.switches() if name in OF_ALL_TRAINING] or None

    def check_fit(self, sharing: str, is_joint: bool) -> None:
        """Raise ValueError for a switch that does not apply to a way of sharing."""
        if unfit := [name for name in self.switches() if not concerns(name, is_joint)]:
            raise ValueError(
                f"replicate.{unfit[0]} applies to joint training only, and sharing "
                f"'{sharing}' trains each task "
                "by itself"
            )


def concerns(switch: Switch, is_joint: bool) -> bool:
    """Whether a switch applies to joint training (`is_joint`), or to the training of single tasks."""
    return switch in OF_ALL_TRAINING or is_joint


def switches_of(is_joint: bool, *parts: Replicate | None) -> list[Switch] | None:
    """The names of the switches that are on in any part and apply to a way of sharing; None if there are none."""
    used = {switch for part in parts if part is not None for switch in part.switches()}
    return [name for name in get_args(Switch) if name in used and concerns(name, is_joint)] or None


def settings_of(switches: list[Switch] | None) -> dict[str, object]:
    """The settings of an optimization that switches replace."""
    settings = {"fixed_learning_rate": {"learning_rate_decay": 0.0}, "round_robin": {"sampling": "round_robin"}}
    return {key: value for switch in switches or () for key, value in settings.get(switch, {}).items()}
