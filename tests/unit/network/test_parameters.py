"""The parameter counts of the paper's table 3, row by row, from the networks and masks themselves."""

import json

import pytest
import torch
from handmade import results_of

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.encoders.base import TextSizes, build_encoder, counted_parameters
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import kept_after

TASKS = ("pos", "ner", "chunk")
SIZES = TextSizes(characters=85)
EXPERIMENTS = pytest.mark.parametrize(
    ("layers", "rows"),
    [
        (1, {"single": 1602, "single_subnet": 811, "hard": 534, "soft": 1596, "hierarchical": 1497, "sparse": 396}),
        # soft: 4,485,930, printed as 4485k where the other rows are rounded
        (2, {"single": 4491, "single_subnet": 1459, "hard": 1497, "soft": 4486, "hierarchical": 1497, "sparse": 662}),
    ],
    ids=["experiment 1", "experiment 2"],
)
ROUNDS = {1: {"pos": 6, "ner": 5, "chunk": 7}, 2: {"pos": 10, "ner": 12, "chunk": 8}}
"""The rounds, of 20 down to a density of 0.1, that have the densities of the paper."""
UNIONS = {1: 0.740, 2: 0.440}
"""The density of the union of the masks that the count of the paper means; which weights they keep is not known."""


def first_weights(encoder, count):
    """A mask that keeps a number of weights; which ones does not matter."""
    size = Mask.dense(encoder.prunable_shapes(), "").keep.numel()
    return Mask(torch.arange(size) < count, encoder.prunable_shapes(), "")


def models_of(system, layers):
    """The (tasks, encoder, masks) of each model of a system."""
    base = build_encoder(BiLstm(layers=layers), SIZES)
    whole = Mask.dense(base.prunable_shapes(), "")
    if system == "single":
        return [([task], base, [whole]) for task in TASKS]
    if system == "single_subnet":
        kept = {task: kept_after(round_, 20, 0.1, whole.keep.numel()) for task, round_ in ROUNDS[layers].items()}
        return [([task], base, [first_weights(base, kept[task])]) for task in TASKS]
    if system == "soft":
        encoder = build_encoder(BiLstm(layers=layers).with_stacks(list(TASKS)), SIZES)
        return [(TASKS, encoder, [Mask.dense(encoder.prunable_shapes(), "")] * 3)]
    if system == "hierarchical":
        encoder = build_encoder(BiLstm(layers=2), SIZES)
        masks = [
            Mask.of_tensors(encoder.prunable_shapes(), "", lambda name, top=top: encoder.layers[name] <= top)
            for top in (1, 2, 2)
        ]
        return [(TASKS, encoder, masks)]
    if system == "sparse":
        return [(TASKS, base, [first_weights(base, round(UNIONS[layers] * whole.keep.numel()))] * 3)]
    return [(TASKS, base, [whole] * 3)]


def in_the_table(system, layers, folder):
    """The parameters that the tables give for a system, from the metrics of its models."""
    paths = []
    for number, (tasks, encoder, masks) in enumerate(models_of(system, layers)):
        scores = {"metric": "accuracy", "dev": {"accuracy": 0.0}, "test": {"accuracy": 0.0}, "per_type": {}}
        metrics = {
            "dataset": "paper",
            "system": system,
            "seed": 1,
            "tasks": {task: {**scores, "density": masks[0].density} for task in tasks},
            "parameters": counted_parameters(encoder, union_size(masks)),
            "seconds": 0.0,
        }
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(metrics), encoding="utf-8")
    (parameters,) = set(results_of(paths)["parameters"])
    return parameters


@EXPERIMENTS
def test_every_row_has_the_parameters_of_the_paper(layers, rows, tmp_path):
    assert {system: round(in_the_table(system, layers, tmp_path) / 1000) for system in rows} == rows


@pytest.mark.parametrize(("layers", "densities"), [(1, [50.12, 56.23, 44.67]), (2, [31.62, 25.12, 39.81])])
def test_the_rounds_have_the_densities_of_the_paper(layers, densities):
    found = [mask.density for _, _, (mask,) in models_of("single_subnet", layers)]
    assert [round(100 * density, 2) for density in found] == densities


def test_soft_sharing_counts_every_stack_and_the_characters_once_and_no_unit():
    (_, encoder, masks) = models_of("soft", 1)[0]
    assert counted_parameters(encoder, union_size(masks)) == 3 * 531_200 + 2_730
