"""The estimate of the disk: what the large files of each stage take, and that it is near what a run has left."""

import pytest

from sparse_sharing.inspection.disk import NUMBER, PREDICTION, TEXT, disk_bytes
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of

SIZES = {"news": (1000, 800)}
TOKENS = {"news": {"train": {"pos": 60, "ner": 60}, "dev": {"pos": 20, "ner": 20}, "test": {"pos": 30, "ner": 30}}}


@pytest.fixture
def disk(own_data):
    """A function that estimates the disk of a run with some seeds and rounds."""

    def run(seeds, rounds):
        own_data.values["seeds"] = list(range(seeds))
        own_data.values["prune"] = {**own_data.values["prune"], "rounds": rounds}
        return disk_bytes(jobs_of(Specs(own_data.config())), SIZES, TOKENS)

    return run


def test_every_seed_adds_its_weights_masks_models_and_predictions(disk):
    prepared = (TEXT + 2 * NUMBER) * (60 + 20 + 30)  # the text, and a tag of each of two tasks
    one = disk(1, 2) - prepared
    assert disk(3, 2) - prepared == 3 * one
    weights = 2 * NUMBER * 1000  # the initial weights and those of the warm-up
    masks = 2 * 3 * 100 + 2 * 100  # rounds 0 to 2 of two tasks, and the selection
    models = 3 * NUMBER * 1000 + 4 * 100  # two single models, a sparse one; a mask for each of their tasks
    assert one == weights + masks + models + PREDICTION * (30 + 30 + 60)


def test_every_round_adds_a_mask_of_each_task(disk):
    assert disk(1, 5) - disk(1, 2) == 3 * 2 * 100
