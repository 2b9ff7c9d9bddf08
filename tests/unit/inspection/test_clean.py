"""Only what can be made again goes: never the progress of a job that is not finished, never a result."""

import pytest

from sparse_sharing.config import load_config
from sparse_sharing.errors import ArtifactError
from sparse_sharing.inspection.clean import removable, remove
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.storage.artifacts import save_json, write_text
from sparse_sharing.storage.spec_files import write_spec


@pytest.fixture
def run(tmp_path):
    """A run with a finished training, a pruning at work, and prepared text."""
    folder = tmp_path / "results" / "mine"
    for name in (
        "news/data/vocabulary.json",
        "news/data/train.safetensors",
        "news/seed1/train/hard/shared/model.safetensors",
        "news/seed1/train/hard/shared/.model.safetensors.checked",
        "news/seed1/train/hard/shared/work/checkpoint.safetensors",
        "news/seed1/warmup/prune/ner/work/checkpoint.safetensors",
        "logs/news/data.log",
    ):
        write_text(folder / name, "content")
    return folder


def names(run, items):
    return [str(item.path.relative_to(run)) for item in items]


def test_the_work_of_finished_jobs_goes_and_that_of_others_stays(run):
    items = removable(run)
    assert names(run, items) == [
        "news/seed1/train/hard/shared/work",
        "news/seed1/train/hard/shared/.model.safetensors.checked",
    ]
    assert [item.size for item in items] == [7, 7]
    remove(items)
    assert removable(run) == []
    assert (run / "news/seed1/train/hard/shared/model.safetensors").exists()
    assert (run / "news/seed1/warmup/prune/ner/work/checkpoint.safetensors").exists()


def test_the_text_goes_only_where_it_is_asked_for_and_the_run_is_finished(run):
    with pytest.raises(ArtifactError, match="has no tables yet"):
        removable(run, text=True)
    write_text(run / "tables" / "provenance.json", "{}")
    assert "news/data/train.safetensors" in names(run, removable(run, text=True))
    assert "news/data/vocabulary.json" not in names(run, removable(run, text=True))


def test_the_specs_that_no_result_was_made_under_go(run, repository):
    """Those of stages whose files store no spec stay: nothing says whether they are needed."""
    specs = Specs(load_config(repository / "config.yaml"))
    old, new = specs.evaluate("joint", 1, "hard", "shared"), specs.evaluate("joint", 2, "hard", "shared")
    for stage, spec in (("evaluate", old), ("evaluate", new), ("prune", old), ("demo", specs.demo())):
        write_spec(run.parents[1] / layout.spec_file("mine", stage, spec), spec)
    save_json(run / "news/seed1/evaluate/hard/shared/metrics.json", "metrics", new, {})
    gone = [name for name in names(run, removable(run)) if name.startswith("specs/")]
    assert gone == [f"specs/prune-{old.digest()}.json", f"specs/evaluate-{old.digest()}.json"]


def test_a_folder_that_is_not_a_run_is_refused(tmp_path):
    write_text(tmp_path / "work" / "thesis.txt", "years")
    with pytest.raises(ArtifactError, match="is not the folder of a run"):
        removable(tmp_path)
