"""A way of sharing and a source of masks from outside the package, through the real stages."""

import os
import re
import shutil
import subprocess
import sys
from typing import ClassVar, Literal

import pytest
import torch

from sparse_sharing.config import parse_config
from sparse_sharing.config.prune import Prune
from sparse_sharing.config.sources.gradual import GradualKeys
from sparse_sharing.config.systems import System
from sparse_sharing.config.tagged import Tagged, add_late_kinds
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.files import load_mask
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.masks.sources.base import Source
from sparse_sharing.masks.sources.gradual import Gradual
from sparse_sharing.network.storage import load_model
from sparse_sharing.sharing.base import Sharing
from sparse_sharing.storage.artifacts import load_tensors

KEYS = {"optimizer": "adam", "learning_rate": 0.05, "batch_size": 4}


@pytest.fixture
def extended():
    """The package with a toy way of sharing and a toy source of masks, which go when the test ends."""

    class DisjointSystem(System):
        """Each task has every n-th weight for itself."""

        MEANING: ClassVar[str] = "one network; no weight belongs to two tasks"
        sharing: Literal["disjoint"]
        choice: None = None
        first: str

        def settings(self, tasks):
            return {"settings": {"first": self.first}}

    class Disjoint(Sharing, name="disjoint"):
        """The masks of it."""

        def masks(self, spec, dense, chosen):
            names = sorted(spec.tasks, key=lambda task: (task != spec.settings["first"], task))
            places = torch.arange(dense.keep.numel()) % len(names)
            return {task: Mask(places == number, dense.shapes, dense.weights) for number, task in enumerate(names)}

    class SaliencyKeys(GradualKeys):
        """Gradual pruning by |weight * gradient|."""

        source: Literal["saliency"]

    class Saliency(Gradual, name="saliency"):
        """The scores of it."""

        def __init__(self, plan):
            super().__init__(plan)
            self.total = torch.zeros_like(plan.start)

        def observe(self, values, gradient):
            self.total += (values * gradient).abs()

        def scores(self, values):
            return self.total

    yield
    for known, name in (
        (System.known, "disjoint"),
        (Sharing.known, "disjoint"),
        (Prune.known, "saliency"),
        (Source.known, "saliency"),
    ):
        del known[name]
    Tagged.is_late = True
    add_late_kinds()


@pytest.fixture
def copied(prepared, tmp_path):
    """A copy of the prepared text; call it with changes of the configuration."""
    shutil.copytree(prepared.folder, tmp_path / "copy")

    def configured(**sections):
        own = prepared.changed(**sections)
        own.folder = tmp_path / "copy"
        return own

    return configured


def test_a_way_of_sharing_from_outside_is_trained_scored_and_tabulated(extended, copied):
    systems = [
        {"name": "single", "sharing": "single", "tasks": ["pos"]},
        {"name": "apart", "sharing": "disjoint", "first": "ner", "tasks": ["ner", "pos"]},
    ]
    own = copied(train={"systems": systems, "epochs": 1}).run()
    model = load_model(own.path("results/{run}/joint/seed1/train/apart/shared/model.safetensors"))
    assert set(model.masks) == {"ner", "pos"}
    assert bool(model.masks["ner"].keep[0])
    assert not (model.masks["ner"].keep & model.masks["pos"].keep).any()
    assert (model.masks["ner"].keep | model.masks["pos"].keep).all()
    assert own.specs.train("joint", 1, "apart", "shared").settings == {"first": "ner"}
    summary = own.path("results/{run}/tables/summary.csv").read_text(encoding="utf-8")
    assert "apart" in summary


def test_a_source_of_masks_from_outside_prunes(extended, copied):
    pruning = {**KEYS, "source": "saliency", "epochs": 2, "final_density": 0.4}
    own = copied(prunings={"mine": pruning})
    own.warm_up("initial")
    artifact = load_tensors(own.prune_named("mine", "pos", "initial") / "masks.safetensors", "masks")
    masks = [load_mask(artifact, name, None) for name in sorted(artifact.tensors)]
    size = masks[0].keep.numel()
    assert [mask.kept for mask in masks] == [size, round(0.4 * size)]
    start = torch.cat([torch.from_numpy(array).reshape(-1) for array in _covered(own, masks[0])])
    assert not torch.equal(masks[1].keep, prune_smallest(start.abs(), masks[0], masks[1].kept).keep)


def _covered(own, mask):
    tensors = load_tensors(own.weights("initial"), "weights").tensors
    return [tensors[name] for name in mask.shapes]


def test_what_is_taken_away_again_is_unknown(prepared):
    values = {
        **prepared.values,
        "train": {**prepared.values["train"], "systems": [{"name": "x", "sharing": "disjoint"}]},
    }
    with pytest.raises(ConfigError, match="got 'disjoint'; allowed: 'bitfit', 'extended', 'hard'"):
        parse_config(values)


PATCH = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USE = """
import sys
from sparse_sharing.config.sources.saliency import Saliency
from sparse_sharing.config.systems import way_of
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.sources.base import Plan, source_of
from sparse_sharing.sharing.base import sharing_of
import torch
from types import SimpleNamespace
dense = Mask.dense({"a": (6,)}, "weights")
masks = sharing_of("disjoint").masks(SimpleNamespace(tasks=["one", "two", "three"]), dense, None)
assert sum(mask.kept for mask in masks.values()) == 6
source = source_of("saliency", Plan(dense, torch.ones(6), 1, 0.5, {"dense_epochs": 1, "cuts_per_epoch": 1}))
source.observe(torch.ones(6), torch.arange(6.0))
assert source.scores(torch.ones(6)).tolist() == [0, 1, 2, 3, 4, 5]
from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.heads.base import build_head
from sparse_sharing.text.vocabulary import TaskTags
encoder = build_encoder(encoder_section({"encoder": "wordwise", "head": "bounded"}), TextSizes(words=3))
assert [info.name for info in encoder.tensors()] == ["layer.weight", "layer.bias", "words.weight"]
head = build_head("bounded", 100, TaskTags(("A", "B"), "none", "none"), torch.device("cpu"))
assert head.scores(torch.ones(head.size), torch.ones(1, 1, 100)).max() <= 1
sys.stdout.write(way_of("disjoint").MEANING)
"""


def test_the_patches_of_the_documentation_apply_and_add_what_they_say(repository, tmp_path):
    shutil.copytree(repository / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    patches = PATCH.findall((repository / "docs" / "extending.md").read_text(encoding="utf-8"))
    assert len(patches) >= 4
    for patch in patches:
        assert len(re.findall(r"^\+\+\+ b/src/", patch, re.MULTILINE)) <= 2
        subprocess.run(["git", "apply", "-p1", "-"], input=patch, text=True, cwd=tmp_path, check=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    for command in (["-c", USE], ["-m", "sparse_sharing", "reference"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "## Disjoint" in done.stdout
    assert "## Saliency" in done.stdout
