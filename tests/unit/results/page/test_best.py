"""The best model is chosen on dev, among the systems that know every task."""

import shlex

import pandas as pd

from sparse_sharing.results.page.best import EXAMPLE, best_model

RESULTS = pd.DataFrame(
    [
        ("hard", 1, "ner", "f1", 80.0),
        ("hard", 1, "pos", "accuracy", 90.0),
        ("hard", 2, "ner", "f1", 84.0),
        ("hard", 2, "pos", "accuracy", 90.0),
        ("single", 1, "ner", "f1", 70.0),
        ("single", 1, "pos", "accuracy", 90.0),
        ("part", 1, "ner", "f1", 99.0),
    ],
    columns=["system", "seed", "task", "metric", "value"],
).assign(dataset="news", split="dev")


def with_models(folder, *models):
    for model in models:
        path = folder / "news" / model / "model.safetensors"
        path.parent.mkdir(parents=True)
        path.touch()
    return folder


def test_it_is_the_best_seed_of_the_best_system_that_knows_every_task(tmp_path):
    best = best_model(RESULTS, with_models(tmp_path, "seed2/train/hard/shared"))
    assert (best.system, best.score) == ("hard", 87.0)
    assert best.folders == [tmp_path / "news/seed2/train/hard/shared"]


def test_its_command_tags_a_sentence_with_it_whatever_the_name_of_the_folder(tmp_path):
    folder = with_models(tmp_path / "my runs", "seed2/train/hard/shared")
    words = shlex.split(best_model(RESULTS, folder).tag_command)
    assert words == ["echo", EXAMPLE, "|", "sparse-sharing", "tag", str(folder / "news/seed2/train/hard/shared")]


def test_without_its_files_there_is_none(tmp_path):
    assert best_model(RESULTS, tmp_path) is None
