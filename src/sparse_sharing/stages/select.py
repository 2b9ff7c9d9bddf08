"""Stage `select`: one round's mask for each task, by target density, best dev score, or by hand; or masks of a file."""

import logging
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pandas as pd

from sparse_sharing import marks
from sparse_sharing.artifacts import load_tensors, parts_of, save_tensors, write_text
from sparse_sharing.config.corpora import cannot_choose
from sparse_sharing.config.schema import Choice
from sparse_sharing.config.specs import SelectSpec
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks import Mask, chance_overlap, overlap, pack, shuffled
from sparse_sharing.models.encoder import by_layer
from sparse_sharing.stages.inputs import load_mask
from sparse_sharing.stages.prune import Round, mask_name
from sparse_sharing.training.seeds import generator

log = logging.getLogger(__name__)


def run(spec: SelectSpec, masks: dict[str, Path], output: Path, given: Path | None = None) -> None:
    """Write `masks.safetensors` with one mask per task, `choice.csv` and `overlap.csv` into `output`.

    Rule `file` takes the masks of the file `given`, all others those of the tasks' prunings.

    Raises:
        ConfigError: The pruning of a task, or the file, was not given, or no round satisfies the rule.
        ArtifactError: A file was made under other settings, or tasks were pruned from different weights.
    """
    if (given is not None) != (spec.choice.rule == "file"):
        verb = "needs" if given is None else "takes no"
        raise ConfigError(
            f"choice '{spec.choice.name}' with rule '{spec.choice.rule}' {verb} masks of a file (--file FILE)"
        )
    chosen = _prunings(spec, masks) if given is None else _given(spec, given)
    if spec.choice.random:
        stream = ("random mask", spec.choice.name)
        chosen = {
            task: (row, shuffled(mask, generator(spec.seed, *stream, task))) for task, (row, mask) in chosen.items()
        }
    first = next(iter(chosen.values()))[1]
    details = {
        "weights": first.weights,
        "shapes": [[name, list(shape)] for name, shape in first.shapes.items()],
        "rounds": {task: row["round"] for task, (row, _) in chosen.items() if "round" in row},
    }
    for task, (row, _) in chosen.items():
        if "tie" in row:
            details.setdefault("ties", {})[task] = asdict(row["tie"])
            for mark in marks.of_choice(row["tie"], row["dev_score"], task):
                log.warning("choice '%s': %s. Systems that use it get no verdict", spec.choice.name, mark.sentence)
    packed = {task: pack(mask) for task, (_, mask) in chosen.items()}
    save_tensors(output / "masks.safetensors", "selection", spec, packed, details)
    write_text(
        output / "choice.csv", _choice_table(chosen).to_csv(index=False, float_format="%.6f", lineterminator="\n")
    )
    write_text(
        output / "overlap.csv", _overlap_table(chosen).to_csv(index=False, float_format="%.6f", lineterminator="\n")
    )


def _prunings(spec: SelectSpec, masks: dict[str, Path]) -> dict[str, tuple[dict, Mask]]:
    """For each task the round that the rule picks, and its mask."""
    chosen: dict[str, tuple[dict, Mask]] = {}
    for task, digest in spec.masks.items():
        if task not in masks:
            raise ConfigError(f"no masks of task '{task}' were given (--masks {task}=FILE)")
        artifact = load_tensors(masks[task], "masks", digest)
        with parts_of(masks[task]):
            rounds = [asdict(Round(**row)) for row in artifact.details["rounds"]]
        if spec.choice.rule == "best_dev" and artifact.details.get("chosen_on_dev") is False:
            raise ConfigError(f"choice '{spec.choice.name}' with {cannot_choose(task)}")
        row = choose_round(spec.choice, task, rounds)
        chosen[task] = (row, load_mask(artifact, mask_name(row["round"]), masks[task]))
    _require_common_start(chosen, masks)
    return chosen


def _given(spec: SelectSpec, path: Path) -> dict[str, tuple[dict, Mask]]:
    """The masks of a file, which must have one for each task; they come from no round."""
    artifact = load_tensors(path, "selection")
    masks = {task: load_mask(artifact, task, path) for task in spec.tasks}
    return {task: ({"density": mask.density, "kept": mask.kept}, mask) for task, mask in masks.items()}


def choose_round(choice: Choice, task: str, rounds: list[dict]) -> dict:
    """The row of the round that a rule picks (paper, section "Subnet Selection"); ties go to the lower density.

    With rule best_dev the row also holds the `tie` among the rounds that could be chosen.

    Raises:
        ConfigError: No round is near enough to the target density, or the listed round does not exist.
    """
    allowed = [row for row in rounds if row["round"] > 0 or choice.allow_dense]
    if choice.rule == "best_dev":
        best = max(allowed, key=lambda row: (row["dev_score"], row["round"]))
        return best | {"tie": marks.tie_of(allowed)}
    if choice.rule == "rounds":
        wanted = choice.rounds[task] if isinstance(choice.rounds, dict) else choice.rounds
        match = [row for row in allowed if row["round"] == wanted]
        if not match:
            known = f"{allowed[0]['round']} to {allowed[-1]['round']}"
            hint = "; round 0 is the whole network: set allow_dense to choose it" if wanted == 0 else ""
            raise ConfigError(f"choice '{choice.name}', task '{task}': no round {wanted}, only {known}{hint}")
        return match[0]
    target = choice.target_density[task] if isinstance(choice.target_density, dict) else choice.target_density
    nearest = min(allowed, key=lambda row: (abs(row["density"] - target), -row["round"]))
    if abs(nearest["density"] - target) > choice.tolerance:
        raise ConfigError(
            f"choice '{choice.name}', task '{task}': the round nearest to target_density {target:g} is "
            f"{nearest['round']} with density {nearest['density']:.4f}, further off than tolerance "
            f"{choice.tolerance:g}; prune in more rounds or without stop_after, or change target_density or tolerance"
        )
    return nearest


def _require_common_start(chosen: dict[str, tuple[dict, Mask]], masks: dict[str, Path]) -> None:
    """Masks may be combined only if they were cut from the same starting weights."""
    first = next(iter(chosen.values()))[1]
    for task, (_, mask) in chosen.items():
        mask.require_fit(first.shapes, first.weights, str(masks[task]))


def _choice_table(chosen: dict[str, tuple[dict, Mask]]) -> pd.DataFrame:
    """One row per task: its round, density and dev score, and the density of each layer.

    Where dev scores have chosen, also how many rounds share the best one, and how many could be chosen.
    """
    rows = []
    for task, (row, mask) in chosen.items():
        plain = {"task": task} | {key: row.get(key) for key in ("round", "density", "kept", "dev_score", "best_epoch")}
        plain |= {f"density {layer}": value for layer, value in layer_densities(mask).items()}
        tie = row.get("tie")
        rows.append(plain if tie is None else plain | {"tied_rounds": tie.tied, "allowed_rounds": tie.allowed})
    return pd.DataFrame(rows)


def layer_densities(mask: Mask) -> dict[str, float]:
    """Share of kept weights in each layer: the character convolution, and each BiLSTM layer."""
    return {layer: part.density for layer, part in by_layer(mask).items()}


def _overlap_table(chosen: dict[str, tuple[dict, Mask]]) -> pd.DataFrame:
    """For each pair of tasks, and for all together: the overlap, and what independent masks would have by chance."""
    groups = list(combinations(chosen, 2))
    if len(chosen) > 2:
        groups.append(tuple(chosen))
    rows = []
    for group in groups:
        masks = [chosen[task][1] for task in group]
        chance = chance_overlap([mask.density for mask in masks])
        rows.append({"tasks": "&".join(group), "overlap": overlap(masks), "chance": chance})
    return pd.DataFrame(rows, columns=["tasks", "overlap", "chance"])
