"""The cost of an experiment is counted from its jobs."""

import pytest
import yaml


@pytest.fixture(autouse=True)
def importable(monkeypatch, repository):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


def test_task_epochs_are_counted_by_hand(repository, tmp_path):
    from benchmarks.experiment import costs

    values = yaml.safe_load((repository / "config.yaml").read_text(encoding="utf-8"))
    values["seeds"], values["tables"] = [1, 2], {"baseline": "hard"}
    values["warmup"] = {"epochs": 2}
    values["prune"] = {"epochs": 3, "rounds": 4, "final_density": 0.5}
    values["select"] = {"choices": [{"name": "half", "rule": "target_density", "target_density": 0.5}]}
    values["train"] = {
        "epochs": 5,
        "systems": [
            {"name": "hard", "sharing": "hard"},
            {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half"},
        ],
    }
    tasks = sum(len(corpus["tasks"]) for dataset in values["data"]["datasets"] for corpus in dataset["corpora"])
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    # Pruning trains once more than it has rounds; a sparse system has its warm-up within its budget.
    trainings = 2 * tasks
    assert costs({}, path) == {"warmup": 2 * trainings, "prune": 3 * 5 * trainings, "train": (5 + 3) * trainings}
    cheaper = costs({"source": "gradual", "rounds": None}, path)
    assert cheaper["prune"] == 3 * trainings and cheaper["train"] == costs({}, path)["train"]
