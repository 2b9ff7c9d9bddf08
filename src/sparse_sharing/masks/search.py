"""Combines rounds of the prunings of several tasks, and ranks the combinations.

Successive halving (Jamieson and Talwalkar 2016): all combinations are trained for a few epochs, the better half is
trained to twice as many, and so on until one is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

Combination = Mapping[str, int]
"""The round of each task."""


@dataclass(frozen=True)
class Standing:
    """The result of a combination so far.

    Attributes:
        number: the number of the combination.
        score: the best mean dev score of its epochs so far, in percent.
        parameters: the number of parameters that it stores for all tasks.
    """

    number: int
    score: float
    parameters: int


def combinations(rounds: Mapping[str, Sequence[int]], limit: int, random: np.random.Generator) -> list[dict[str, int]]:
    """The combinations of the rounds of all tasks, at most `limit` of them, each once.

    If there are more, those with the same round for every task come first, and the others are drawn at random.
    """
    count = prod(len(numbers) for numbers in rounds.values())
    if count <= limit:
        return [dict(zip(rounds, combination, strict=True)) for combination in product(*rounds.values())]
    common = sorted(set.intersection(*(set(numbers) for numbers in rounds.values())))
    if len(common) > limit:
        common = sorted(random.choice(common, limit, replace=False).tolist())
    drawn = {(number,) * len(rounds): None for number in common}
    while len(drawn) < limit:
        drawn[tuple(numbers[int(random.integers(len(numbers)))] for numbers in rounds.values())] = None
    return [dict(zip(rounds, combination, strict=True)) for combination in drawn]


def best_of(standings: Sequence[Standing], count: int) -> list[Standing]:
    """The `count` best by dev score, best first; of equal scores those with fewer parameters."""
    return sorted(standings, key=lambda standing: (-standing.score, standing.parameters, standing.number))[:count]


def front(standings: Sequence[Standing]) -> list[bool]:
    """For each, whether it is on the Pareto front: no other has at most as many parameters and at least the same
    score.
    """
    return [
        not any(
            (other.parameters <= standing.parameters and other.score >= standing.score)
            and (other.parameters, other.score) != (standing.parameters, standing.score)
            for other in standings
        )
        for standing in standings
    ]
