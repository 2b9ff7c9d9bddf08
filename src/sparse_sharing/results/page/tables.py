"""Tables that the page shows instead of many charts: systems, overlap of the masks, scores by type."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from sparse_sharing.config.systems import way_of
from sparse_sharing.pipeline.experiments import CONTROLS, SystemFacts
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.results.page.page import Table, plain_table
from sparse_sharing.results.page.results import LARGEST_AT_START

AGAIN = "second pruning of"
"""The name of a mask of the same task that was pruned with another order of the data."""


def system_table(spec: ReportSpec, systems: Sequence[str]) -> Table:
    """A table with a description of each system."""
    rows = [
        {"system": system, "what it is": describe(spec.systems[system], spec.facts[system], system == spec.baseline)}
        for system in systems
    ]
    return plain_table("systems", "What each system is", "", pd.DataFrame(rows))


def describe(sharing: str, facts: SystemFacts, baseline: bool = False) -> str:
    """What a system shares, which masks it uses and which weights it starts from."""
    parts = [CONTROLS.get(facts.kind, way_of(sharing).MEANING)]
    if facts.merges is not None:
        parts.append(f"models: {facts.merges}, method: {facts.method}")
    if facts.choice is not None:
        parts.append(f"masks: choice {facts.choice}")
    parts.append("starts from the multi-task warm-up" if facts.start == "warmup" else "starts from random weights")
    if facts.tasks is not None:
        parts.append(f"only the tasks {', '.join(facts.tasks)}")
    if facts.kind in CONTROLS:
        parts.append("a control that the paper does not have")
    if baseline:
        parts.append("the baseline")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def overlap_table(overlaps: pd.DataFrame) -> Table:
    """The overlap of each pair of masks by layer, and that of random masks.

    Args:
        overlaps: columns choice, layer, a, b, overlap, chance, chance_by_tensor; shares, means over the seeds.
    """
    pairs = [
        f"{first} + {AGAIN} {first}" if first == second else f"{first} + {second}"
        for first, second in zip(overlaps["a"], overlaps["b"], strict=True)
    ]
    shown = pd.DataFrame(
        {
            "masks": overlaps["choice"],
            "layer": overlaps["layer"],
            "pair": pairs,
            "overlap %": 100 * overlaps["overlap"].astype(float),
            "chance %": 100 * overlaps["chance_by_tensor"].astype(float),
        }
    )
    shown = shown.assign(**{"above chance": shown["overlap %"] - shown["chance %"]})
    again = ""
    if any(AGAIN in pair for pair in pairs):
        again = f"'{AGAIN}': the same task, pruned with another order of the data. "
    caption = (
        "Overlap: weights that both masks keep, as a share of the weights that either keeps; means over the seeds. "
        "Chance: the overlap of independent random masks with the same density in each tensor. "
        f"'{LARGEST_AT_START}': the mask of the largest starting weights, without any training on the task. "
        f"{again}An overlap above chance does not show that "
        "tasks are related: masks that come from the same starting weights overlap in any case."
    )
    table = plain_table("overlaps", "Overlap of the masks", caption, shown, 1, signed=["above chance"])
    return replace(table, data=overlaps)


def type_table(types: pd.DataFrame, systems: Sequence[str], baseline: str) -> Table:
    """F1 of each span type, or each tag: a column for each system and its difference to the baseline.

    Args:
        types: rows of `per_type.csv` of one dataset.
        systems: in the order of the columns.
        baseline: the system that the differences refer to.
    """
    mean = types.groupby(["task", "type", "system"], sort=False)["f1"].mean().unstack("system")
    support = types.groupby(["task", "type"], sort=False)["support"].max()
    shown = pd.DataFrame({"task": mean.index.get_level_values(0), "type": mean.index.get_level_values(1)})
    shown["gold"] = support.reindex(mean.index).to_numpy()
    for system in (name for name in systems if name in mean):
        shown[system] = mean[system].to_numpy()
        if baseline in mean and system != baseline:
            shown[f"Δ {system}"] = (mean[system] - mean[baseline]).to_numpy()
    seeds = types["seed"].nunique()
    over = "one seed" if seeds == 1 else f"means over {seeds} seeds"
    caption = (
        f"F1 on the test split in percent for each span type, or each tag ({over}). Δ: points against {baseline}; they "
        "have no interval, so small ones mean little. Gold: occurrences in the test text. The CSV file has precision "
        "and recall too."
    )
    differences = [str(name) for name in shown if str(name).startswith("Δ")]
    table = plain_table("types", "Test scores by type", caption, shown, 1, signed=differences)
    return replace(table, data=types)
