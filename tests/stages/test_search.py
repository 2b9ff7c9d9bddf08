"""A search for the density of each task: what it trains, what it finds, and that an interruption changes nothing."""

import csv

import pytest

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.files import load_mask, mask_name, read_selection
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import report, search, select
from sparse_sharing.storage.artifacts import load_json, load_tensors
from sparse_sharing.storage.costs import read_costs

CHOICE = {"name": "found", "rule": "search", "search": {"combinations": 3, "rounds": [1, 3]}}
SYSTEMS = [
    {"name": "single", "sharing": "single"},
    {"name": "searched", "sharing": "sparse", "start": "warmup", "choice": "found", "epochs_after_start": 2},
]


def searching(pipeline):
    """The configuration with a sparse system whose densities are searched."""
    return pipeline.changed(select={"choices": [CHOICE]}, train={"systems": SYSTEMS})


@pytest.fixture(scope="module")
def own(finished):
    return searching(finished)


@pytest.fixture(scope="module")
def found(own, tmp_path_factory):
    """The folder of a finished search."""
    return own.search("found", output=tmp_path_factory.mktemp("search") / "found")


def rows_of(folder):
    with (folder / "search.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_better_half_is_trained_twice_as_long_until_one_is_left(found):
    rows = rows_of(found)
    assert [(row["rung"], row["epochs"]) for row in rows] == [("1", "1")] * 3 + [("2", "2")] * 2
    first, second = ([row for row in rows if row["rung"] == rung] for rung in "12")
    combination = [name for name in rows[0] if name.startswith("round ")]
    kept = [[row[name] for name in combination] for row in first if row["kept"] == "1"]
    assert kept == [[row[name] for name in combination] for row in second]
    worst = min(first, key=lambda row: float(row["dev mean"]))
    assert worst["kept"] == "0"
    assert sum(row["kept"] == "1" for row in second) == 1


def test_its_result_is_the_best_of_the_last_rung(found):
    details = load_json(found / "search.json", "search").details
    (best,) = (row for row in rows_of(found) if row["rung"] == "2" and row["kept"] == "1")
    assert {task: str(number) for task, number in details["rounds"].items()} == {
        task: best[f"round {task}"] for task in ("chunk", "ner", "pos")
    }
    assert f"{details['dev_score']:.4f}" == best["dev mean"]


def test_its_cost_are_the_epochs_of_all_trainings(own, found):
    costs = read_costs(found)
    # Three for an epoch, two of them for one more.
    assert costs.dev_scores == dict.fromkeys(("chunk", "ner", "pos"), 5)
    assert costs.updates == dict.fromkeys(("chunk", "ner", "pos"), 5 * 10)


def test_a_search_that_is_interrupted_ends_with_the_same_result(own, found, tmp_path, monkeypatch):
    done, original = [], search.train

    def stopping(*arguments, **options):
        progress = original(*arguments, **options)
        done.append(progress)
        if len(done) in (2, 6):
            raise KeyboardInterrupt
        return progress

    monkeypatch.setattr(search, "train", stopping)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            own.search("found", output=tmp_path / "found")
    before = len(done)
    own.search("found", output=tmp_path / "found")
    # Of the first rung nothing is trained again.
    assert len(done) - before == 2
    for name in ("search.json", "search.csv"):
        assert (tmp_path / "found" / name).read_bytes() == (found / name).read_bytes()


def test_the_selection_has_the_masks_that_were_found(own, found, tmp_path):
    spec = own.specs.select("joint", 1, "warmup", "found")
    masks = {task: own.masks(task) for task in spec.masks}
    select.run(spec, masks, own.weights("warmup"), tmp_path, search=found / "search.json")
    rounds = load_json(found / "search.json", "search").details["rounds"]
    for task, mask in read_selection(tmp_path / "masks.safetensors").items():
        artifact = load_tensors(masks[task], "masks")
        assert mask.keep.equal(load_mask(artifact, mask_name(rounds[task]), masks[task]).keep)
    with pytest.raises(ConfigError, match="rule 'search' needs the result of its search"):
        select.run(spec, masks, own.weights("warmup"), tmp_path)


def test_a_pruning_that_is_missing_is_named(own, tmp_path):
    spec = own.specs.search("joint", 1, "warmup", "found")
    with pytest.raises(ConfigError, match="missing the masks of task 'pos'; add --masks pos=FILE"):
        masks = {task: own.masks(task) for task in ("chunk", "ner")}
        search.run(spec, masks, *own.texts, own.weights("warmup"), tmp_path / "found", "cpu")


def test_a_system_uses_it_and_the_tables_show_what_it_has_cost(pipeline):
    own = searching(pipeline)
    own.select("found")
    own.train("searched")
    own.evaluate("searched")
    tables = own.tables()
    rounds = load_json(own.path(layout.SEARCH, start="warmup", choice="found") / "search.json", "search").details
    model = load_model(own.path(layout.MODEL, system="searched", model="shared") / "model.safetensors")
    best = next(trial for trial in rounds["trials"] if trial["rounds"] == rounds["rounds"])
    assert model.details["densities"] == best["densities"]
    assert model.details["parameters"] == best["parameters"]
    with (tables / "costs.csv").open(encoding="utf-8", newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if (row["system"], row["task"]) == ("searched", "ner"))
    # A pruning of four rounds, five epochs of search; a warm-up that chooses nothing, two epochs of training.
    assert row["updates_pruning"] == str(4 * 10 + 5 * 10)
    assert row["dev_scores"] == str(4 + 5 + 2)
    with (tables / "search.csv").open(encoding="utf-8", newline="") as stream:
        shown = list(csv.DictReader(stream))
    assert [row["rung"] for row in shown] == ["1", "1", "1", "2", "2"]
    assert all(any(row["front"] == "1" for row in shown if row["rung"] == rung) for rung in "12")
    own.figures()
    assert (own.path(layout.FIGURES) / "search.svg").exists()
    page = own.folder / "report.html"
    report.run(own.specs.report(), own.path(layout.RUN), page)
    assert "Search for densities" in page.read_text(encoding="utf-8")
