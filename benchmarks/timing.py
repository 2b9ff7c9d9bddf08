"""Measures several actions in turn, repeatedly, so that disturbances affect all of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np


@dataclass(frozen=True)
class Series:
    """Repeated measurements of one thing, in the order they were taken."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return float(np.median(self.values))

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return min(self.values), max(self.values)

    def ratio(self, other: "Series") -> float:
        """The median of the ratios of values that were measured one after the other."""
        return float(np.median(np.array(self.values) / np.array(other.values)))


class Clock:
    """The clock for measurements: wall time, or process time, which other processes disturb less."""

    read = staticmethod(time.perf_counter)

    @classmethod
    def of_process(cls) -> None:
        """Count only the time that this process runs."""
        cls.read = staticmethod(time.process_time)


def seconds(action: Callable[[], object]) -> float:
    """The time that an action takes."""
    start = Clock.read()
    action()
    return Clock.read() - start


def side_by_side(
    actions: Mapping[str, Callable[[int], object]], amounts: Sequence[float], warm_up: int = 1
) -> dict[str, Series]:
    """Amounts per second of each action, each called with 0, 1, ... in turn with the others.

    Args:
        actions: what to measure; called with the number of the repetition.
        amounts: the amount of work, such as tokens, of each repetition.
        warm_up: the number of first repetitions that are not counted.
    """
    taken = {name: [] for name in actions}
    names = list(actions)
    for number in range(-warm_up, len(amounts)):
        # The order rotates, so that no action always follows the same other one.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken[name].append(seconds(partial(actions[name], max(number, 0))))
    return {
        name: Series(tuple(amount / spent for amount, spent in zip(amounts, values[warm_up:], strict=True)))
        for name, values in taken.items()
    }
