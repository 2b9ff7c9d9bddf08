"""The estimate follows the work: more epochs, rounds and seeds take longer, more cores shorten it down to the chain."""

import pytest

from sparse_sharing.inspection import estimate as module
from sparse_sharing.inspection.checks import check_data, demo_files
from sparse_sharing.inspection.estimate import Speed, estimate
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of


def with_tasks(specs):
    """How the dataset is encoded, with the tasks of its corpora."""
    return specs.prepare("news").model_copy(update={"corpora": specs.corpora("news")})


@pytest.fixture
def estimated(own_data, monkeypatch):
    """A function that estimates at a fixed speed of 100 tokens a second, and no time to start."""
    monkeypatch.setattr(module, "_measure", lambda sample, optimization: Speed(100.0, 1000.0))
    monkeypatch.setattr(module, "_start_up", lambda model: 0.0)

    def run(**sections):
        for name, changes in sections.items():
            own_data.values[name] = changes if isinstance(changes, list) else {**own_data.values[name], **changes}
        config = own_data.config()
        with demo_files(config) as folder:
            data = check_data(config, folder, Findings())
        specs = Specs(config)
        tokens = {split: data["news"][0].tokens(split) for split in ("train", "dev", "test")}
        return estimate(jobs_of(specs), data, config.model, "cpu", {"news": with_tasks(specs)}), tokens

    return run


def test_seconds_are_tokens_times_epochs_times_rounds_over_speed(estimated):
    found, tokens = estimated()
    epoch = tokens["train"] / 100 + tokens["dev"] / 1000
    assert found.stages["warmup"] == pytest.approx(2 * epoch * 2)  # two epochs of two tasks
    assert found.stages["prune"] == pytest.approx(2 * epoch * 2 * 3)  # rounds 0 to 2
    assert found.stages["train"] == pytest.approx(2 * epoch * 5 + 2 * epoch * 3)  # sparse: less the two of the warm-up
    assert found.stages["evaluate"] == pytest.approx(4 * tokens["test"] / 1000)


def test_cores_shorten_the_run_down_to_its_longest_chain(estimated):
    found, tokens = estimated()
    epoch = tokens["train"] / 100 + tokens["dev"] / 1000
    chain = 4 * epoch + 6 * epoch + 6 * epoch + 2 * tokens["test"] / 1000
    assert found.chain == pytest.approx(chain)
    assert found.on(1) == pytest.approx(sum(found.stages.values()))
    assert found.on(1000) == found.chain


def test_more_seeds_are_more_work_in_all_and_no_longer_chain(estimated):
    one, _ = estimated()
    two, _ = estimated(seeds=[1, 2])
    assert two.on(1) == pytest.approx(2 * one.on(1))
    assert two.chain == one.chain


def test_the_network_of_the_run_is_what_is_measured(own_data):
    config = own_data.config()
    with demo_files(config) as folder:
        data = check_data(config, folder, Findings())
    sample = module._sample(data["news"], config.model, "cpu", with_tasks(Specs(config)))
    assert set(sample.tasks) == {"pos", "ner"}
    assert sample.network.model.hidden == config.model.hidden
    speed = module._measure(sample, config.train)
    assert speed.training > 0
    assert speed.scoring > 0
