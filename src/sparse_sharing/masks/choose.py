"""Chooses the round of a pruning for a task's mask (paper, section "Subnet Selection")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.config.schema import Choice
from sparse_sharing.errors import ConfigError
from sparse_sharing.storage.artifacts import Artifact, load_tensors, parts_of


@dataclass(frozen=True)
class Round:
    """One round of a pruning: its mask, and the dev score of the training under it (percent).

    A round that was not trained has no dev score and no best epoch.
    """

    round: int
    density: float
    kept: int
    dev_score: float | None
    best_epoch: int | None
    epochs: int


def read_rounds(files: Mapping[str, Path], task: str, digest: str) -> tuple[Artifact, list[Round]]:
    """The masks of a pruning of a task, and its rounds from 0.

    Args:
        files: for each task the file of its masks.
        task: the task.
        digest: the digest of the spec that the file was written with.

    Raises:
        ArtifactError: The file is missing, damaged, foreign, or of another spec.
        ConfigError: No file is given for the task.
    """
    if task not in files:
        raise ConfigError(f"missing the masks of task '{task}'; add --masks {task}=FILE")
    artifact = load_tensors(files[task], "masks", digest)
    with parts_of(files[task]):
        return artifact, [Round(**row) for row in artifact.details["rounds"]]


def allowed_rounds(choice: Choice, rounds: Sequence[Round]) -> list[Round]:
    """The rounds that a choice may take: subnetworks, and with allow_dense the whole network."""
    return [candidate for candidate in rounds if candidate.round > 0 or choice.allow_dense]


def choose_round(choice: Choice, task: str, rounds: Sequence[Round]) -> Round:
    """The round that a rule chooses; of equally good rounds the one with the lowest density.

    Raises:
        ConfigError: No round is near enough to the target density, or the listed round does not exist.
    """
    allowed = allowed_rounds(choice, rounds)
    if choice.rule == "best_dev":
        return max(
            allowed,
            key=lambda candidate: (-1.0 if candidate.dev_score is None else candidate.dev_score, candidate.round),
        )
    return _numbered(choice, task, allowed) if choice.rule == "rounds" else _nearest(choice, task, allowed)


def _numbered(choice: Choice, task: str, allowed: Sequence[Round]) -> Round:
    """The round with the number that the choice names."""
    wanted = choice.rounds[task] if isinstance(choice.rounds, dict) else choice.rounds
    match = [candidate for candidate in allowed if candidate.round == wanted]
    if not match:
        available = f"{allowed[0].round} to {allowed[-1].round}"
        hint = "; round 0 is the whole network: set allow_dense to choose it" if wanted == 0 else ""
        raise ConfigError(f"choice '{choice.name}', task '{task}': no round {wanted}, only {available}{hint}")
    return match[0]


def _nearest(choice: Choice, task: str, allowed: Sequence[Round]) -> Round:
    """The round whose density is nearest to the target."""
    target = choice.density_of(task) or 0.0
    nearest = min(allowed, key=lambda candidate: (abs(candidate.density - target), -candidate.round))
    if abs(nearest.density - target) > choice.tolerance:
        raise ConfigError(
            f"choice '{choice.name}', task '{task}': the round nearest to target_density {target:g} is "
            f"{nearest.round} with density {nearest.density:.4f}, further than tolerance "
            f"{choice.tolerance:g}; prune in more rounds or without stop_after, or change target_density or tolerance"
        )
    return nearest
