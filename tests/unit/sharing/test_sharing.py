"""Ways of sharing: every way that the configuration knows says which masks its tasks have."""

from types import SimpleNamespace

import pytest
import torch

from sparse_sharing.config.systems import System, models_of, rows_in_order, way_of
from sparse_sharing.masks.mask import Mask
from sparse_sharing.sharing.base import sharing_of

SHAPES = {"characters.convolution.weight": (2,), "recurrent.0.weight": (2,), "recurrent.1.weight": (2,)}
DENSE = Mask.dense(SHAPES, "weights")
SPEC = SimpleNamespace(tasks=["ner", "pos"], task_layers={"ner": 2, "pos": 1})


@pytest.mark.parametrize("name", System.kinds())
def test_every_way_of_sharing_has_an_implementation_that_gives_each_task_a_mask(name):
    masks = sharing_of(name).masks(SPEC, DENSE, None)
    assert set(masks) == {"ner", "pos"}
    assert masks["ner"].is_dense
    assert masks["pos"].is_dense == (name != "hierarchical")


@pytest.mark.parametrize("name", ["single", "sparse"])
def test_chosen_masks_are_used_unchanged(name):
    chosen = {task: Mask(torch.arange(6) < size, SHAPES, "weights") for task, size in (("ner", 4), ("pos", 2))}
    assert sharing_of(name).masks(SPEC, DENSE, chosen) == chosen


def test_only_single_has_a_model_for_each_task():
    tasks = ["ner", "pos"]
    assert {name: models_of(name, tasks) for name in System.kinds() if models_of(name, tasks) != ["shared"]} == {
        "single": tasks
    }


def test_rows_are_in_the_order_of_the_paper_and_what_it_lacks_comes_last():
    assert rows_in_order() == [
        *("single", "single_subnet", "hard", "soft", "hierarchical"),
        *("sparse", "sparse_at_density", "sparse_no_warmup", "extended", "merged", "lora", "bitfit"),
    ]


@pytest.mark.parametrize("name", System.kinds())
def test_every_way_says_in_a_line_what_is_shared(name):
    assert 20 < len(way_of(name).MEANING) < 100
