"""Stage `select`: one mask for each task, from its pruning, from a file, or of the largest starting weights."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from sparse_sharing.config.corpora import cannot_choose
from sparse_sharing.errors import ConfigError
from sparse_sharing.evaluation import marks
from sparse_sharing.masks.algebra import permuted, random_like
from sparse_sharing.masks.analysis import compare, layer_densities, overlap
from sparse_sharing.masks.choose import allowed_rounds, choose_round, read_rounds
from sparse_sharing.masks.files import load_mask, mask_name, write_selection
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.masks.sources.given import masks_of_file
from sparse_sharing.masks.sources.start import largest_at_start
from sparse_sharing.pipeline.specs import SelectSpec
from sparse_sharing.storage.artifacts import load_json, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.training.inputs import load_weights, start_magnitudes
from sparse_sharing.training.seeds import generator

OVERLAPS = ["tasks", "overlap", "chance", "chance_by_tensor", "overlap_with_start"]
"""The columns of `overlap.csv`."""
log = logging.getLogger(__name__)


Chosen = dict[str, tuple[dict, Mask]]
"""For each task the facts about its mask, such as its round, and the mask."""


def run(
    spec: SelectSpec,
    masks: dict[str, Path],
    weights: Path,
    output: Path,
    mask_file: Path | None = None,
    search: Path | None = None,
) -> None:
    """Write `masks.safetensors` with one mask per task, `choice.csv` and `overlap.csv` into `output`.

    Rule `file` uses the masks of `mask_file`, and rule `magnitude` the largest starting weights. All other rules use
    the masks of the tasks' prunings; rule `search` uses those of the rounds in the file `search`. Overlaps are also
    compared with those of the largest starting weights.

    Raises:
        ConfigError: The pruning of a task, or the file, was not given, or no round satisfies the rule.
        ArtifactError: A file was made with other settings, or masks do not belong to the starting weights.
    """
    meter = Meter()
    if (mask_file is not None) != (spec.choice.rule == "file"):
        verb = "needs" if mask_file is None else "takes no"
        raise ConfigError(
            f"choice '{spec.choice.name}' with rule '{spec.choice.rule}' {verb} masks of a file (--file FILE)"
        )
    if (search is not None) != (spec.choice.rule == "search"):
        verb = "needs the result of its" if search is None else "takes no"
        raise ConfigError(f"choice '{spec.choice.name}' with rule '{spec.choice.rule}' {verb} search (--search FILE)")
    artifact = load_weights(weights, spec.start)
    magnitudes, shapes, units = start_magnitudes(weights, artifact)
    chosen: Chosen = {}
    if mask_file is not None:
        chosen = _of_no_round(masks_of_file(mask_file, spec.tasks or ()))
    elif spec.choice.rule != "magnitude":
        chosen = _prunings(spec, masks, _found(spec, search))
    if spec.granularity or (chosen and all(units.is_over_units(mask) for _, mask in chosen.values())):
        magnitudes, shapes = units.scores(magnitudes), units.shapes
    dense = Mask.dense(shapes, artifact.digest)
    if spec.choice.rule == "magnitude":
        densities = {task: spec.choice.density_of(task) or 0.0 for task in spec.tasks or ()}
        chosen = _of_no_round(largest_at_start(magnitudes, dense, densities))
    for task, (_, mask) in chosen.items():
        mask.require_fit(shapes, dense.weights, str(masks.get(task, mask_file)))
    chosen = _randomised(spec, chosen)
    details = {"rounds": {task: row["round"] for task, (row, _) in chosen.items() if "round" in row}}
    write_costs(output, Costs(meter.seconds))
    for task, (row, _) in chosen.items():
        if "tie" in row:
            details.setdefault("ties", {})[task] = asdict(row["tie"])
            for mark in marks.of_choice(row["tie"], row["dev_score"], task):
                log.warning("choice '%s': %s. Systems that use it get no verdict", spec.choice.name, mark.sentence)
    write_selection(output / "masks.safetensors", spec, {task: mask for task, (_, mask) in chosen.items()}, details)
    at_start = {
        task: overlap([mask, prune_smallest(magnitudes, dense, mask.kept)]) for task, (_, mask) in chosen.items()
    }
    for name, table in (("choice", _choice_table(chosen, at_start)), ("overlap", _overlap_table(chosen, at_start))):
        write_text(output / f"{name}.csv", table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def _found(spec: SelectSpec, search: Path | None) -> Mapping[str, Any] | None:
    """The result of the search, if the rule is `search`."""
    return None if search is None else load_json(search, "search", spec.search).details


def _prunings(spec: SelectSpec, masks: dict[str, Path], search_result: Mapping[str, Any] | None) -> Chosen:
    """For each task the round that the rule or the search has chosen, and its mask."""
    chosen: Chosen = {}
    for task, digest in spec.masks.items():
        artifact, rounds = read_rounds(masks, task, digest)
        if spec.choice.rule == "best_dev" and artifact.details.get("chosen_on_dev") is False:
            raise ConfigError(f"choice '{spec.choice.name}' with {cannot_choose(task)}")
        if search_result is not None:
            row = asdict(rounds[search_result["rounds"][task]])
            row |= {
                "dev_score": search_result["dev_score"],
                "best_epoch": None,
                "tie": marks.Tie(**search_result["tie"]),
            }
        else:
            row = asdict(choose_round(spec.choice, task, rounds))
        if spec.choice.rule == "best_dev":
            row["tie"] = marks.tie_of([asdict(candidate) for candidate in allowed_rounds(spec.choice, rounds)])
        chosen[task] = (row, load_mask(artifact, mask_name(row["round"]), masks[task]))
    return chosen


def _of_no_round(masks: dict[str, Mask]) -> Chosen:
    return {task: ({"density": mask.density, "kept": mask.kept}, mask) for task, mask in masks.items()}


def _randomised(spec: SelectSpec, chosen: Chosen) -> Chosen:
    """The masks, or random ones if the choice asks for them."""
    choice, seed, masks = spec.choice, spec.seed, {task: mask for task, (_, mask) in chosen.items()}
    if not choice.random:
        return chosen
    if seed is None:
        raise ConfigError(f"choice '{choice.name}': random masks need a seed, and the spec has none; add one")
    if choice.random == "permuted":
        masks = permuted(masks, generator(seed, "permuted masks", choice.name))
    else:
        masks = random_like(masks, lambda task: generator(seed, "random mask", choice.name, task))
    return {task: (row, masks[task]) for task, (row, _) in chosen.items()}


def _choice_table(chosen: Chosen, at_start: dict[str, float]) -> pd.DataFrame:
    """One row per task: its round, density and dev score, its overlap with the starting weights, densities by layer.

    `overlap_with_start` is the overlap with the mask of as many of the largest starting weights. If dev scores have
    chosen, there is also the number of rounds with the best score, and of rounds that could be chosen.
    """
    rows = []
    for task, (row, mask) in chosen.items():
        plain = {"task": task} | {key: row.get(key) for key in ("round", "density", "kept", "dev_score", "best_epoch")}
        plain["overlap_with_start"] = at_start[task]
        plain |= {f"density {layer}": value for layer, value in layer_densities(mask.keep.numpy(), mask.shapes).items()}
        tie = row.get("tie")
        rows.append(plain if tie is None else plain | {"tied_rounds": tie.tied, "allowed_rounds": tie.allowed})
    return pd.DataFrame(rows)


def _overlap_table(chosen: Chosen, at_start: dict[str, float]) -> pd.DataFrame:
    """For each pair of tasks, and for all together, the overlap and the overlaps to compare it with.

    `chance` and `chance_by_tensor` are those of independent masks with the same densities, in total and in each tensor.
    For pairs `overlap_with_start` is the mean over both tasks of the overlap of a mask with that of as many of the
    largest starting weights.
    """
    groups: list[tuple[str, ...]] = [*combinations(chosen, 2)]
    if len(chosen) > 2:
        groups.append(tuple(chosen))
    rows = []
    for group in groups:
        masks = [chosen[task][1] for task in group]
        row = {"tasks": "&".join(group), **asdict(compare(masks))}
        row["overlap_with_start"] = sum(at_start[task] for task in group) / 2 if len(group) == 2 else None
        rows.append(row)
    return pd.DataFrame(rows, columns=OVERLAPS)
