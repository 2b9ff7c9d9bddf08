"""Stage tables: the results of all models of a run, and of no other."""

import copy
import csv
import json
import shutil

import pytest

from sparse_sharing import __version__
from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import tables
from sparse_sharing.storage.artifacts import file_digest, load_json

TASKS = ("chunk", "ner", "pos")
# five matrices and ten biases, counted in test_train
DENSE = 972 + 101


def rows_of(path):
    """A CSV file as rows."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results(pipeline, name="results.csv"):
    """The rows of a table of the run."""
    return rows_of(pipeline.path(layout.TABLES) / name)


def metrics_path(pipeline, system, model="shared"):
    """The file of a model's scores."""
    return pipeline.path(layout.EVALUATION, system=system, model=model) / "metrics.json"


def names_of(pipeline):
    """The tables that the run can fill."""
    return set(layout.table_files(pipeline.specs.tables()))


def test_the_files_are_those_of_the_layout(finished):
    assert {path.name for path in finished.path(layout.TABLES).iterdir()} == set(
        layout.table_files(finished.specs.tables())
    )


def test_results_have_the_columns_and_the_rows_of_every_model(finished):
    rows = results(finished)
    columns = ["dataset", "system", "seed", "task", "split", "metric", "value", "parameters"]
    columns += ["trained_parameters", "density", "seconds"]
    columns += ["marks"]
    assert list(rows[0]) == columns
    # four systems, two splits; four metrics of each of two span tasks, and one of pos
    assert len(rows) == 4 * 2 * (4 + 4 + 1)
    assert list(dict.fromkeys(row["system"] for row in rows)) == ["single", "hard", "sparse", "whole"]


def test_results_are_the_scores_of_the_evaluations(finished):
    for row in results(finished):
        model = row["task"] if row["system"] == "single" else "shared"
        task = load_json(metrics_path(finished, row["system"], model), "metrics").details["tasks"][row["task"]]
        assert float(row["value"]) == pytest.approx(task[row["split"]][row["metric"]], abs=1e-4)
        assert float(row["density"]) == pytest.approx(task["density"], abs=1e-6)


def test_a_system_of_single_models_has_the_sum_of_their_parameters(finished):
    parameters = {row["system"]: int(row["parameters"]) for row in results(finished)}
    assert parameters["single"] == 3 * DENSE
    assert parameters["hard"] == parameters["whole"] == DENSE
    assert DENSE / 2 < parameters["sparse"] < DENSE


def test_equal_systems_have_equal_results(finished):
    def scores(system):
        return [(r["task"], r["split"], r["metric"], r["value"]) for r in results(finished) if r["system"] == system]

    assert scores("hard") == scores("whole") != scores("sparse")


@pytest.mark.parametrize(("name", "source"), [("masks.csv", "choice.csv"), ("overlap.csv", "overlap.csv")])
def test_the_tables_of_masks_repeat_those_of_each_selection_word_for_word(finished, name, source):
    found = results(finished, name)
    expected = []
    for dataset, seed, start, choice in finished.specs.tables().selections():
        identity = {"dataset": dataset, "seed": str(seed), "start": start, "choice": choice}
        rows = rows_of(finished.path(layout.SELECT, start=start, choice=choice) / source)
        expected += [identity | row for row in rows]
    assert found == expected
    assert len({row["choice"] for row in found}) == 2


def test_a_run_without_masks_has_tables_of_masks_without_rows(pipeline):
    systems = [system for system in pipeline.values["train"]["systems"] if system["sharing"] != "sparse"]
    own = pipeline.changed(train={"systems": systems})
    own.tables()
    assert results(own, "masks.csv") == results(own, "overlap.csv") == []
    assert {row["system"] for row in results(own)} == {"single", "hard"}


def test_the_baseline_comes_first_and_the_others_are_compared_with_it(pipeline):
    own = pipeline.changed(tables={"baseline": "sparse"})
    own.tables()
    assert list(dict.fromkeys(row["system"] for row in results(own))) == ["sparse", "single", "hard", "whole"]
    summary = results(own, "summary.csv")
    assert {row["system"] for row in summary if row["difference"] == ""} == {"sparse"}


def test_making_the_tables_twice_gives_the_same_bytes(finished, tmp_path):
    finished.tables(tmp_path)
    for name in names_of(finished):
        assert (tmp_path / name).read_bytes() == (finished.path(layout.TABLES) / name).read_bytes(), name


def test_the_provenance_names_the_version_the_tables_and_the_scores_behind_them_with_their_digests(finished):
    folder = finished.path(layout.TABLES)
    artifact = load_json(folder / "provenance.json", "tables", finished.specs.tables().digest())
    assert artifact.details["version"] == __version__
    tables = {
        name: file_digest(folder / name)
        for name in layout.table_files(finished.specs.tables())
        if name != "provenance.json"
    }
    assert artifact.details["files"] == tables
    run = finished.path(layout.RUN)
    scores = {str(path.relative_to(run)): file_digest(path) for path in run.rglob("metrics.json")}
    assert artifact.details["metrics"] == scores


def test_tables_of_another_folder_are_made_from_its_files(pipeline):
    elsewhere = pipeline.folder / "elsewhere"
    pipeline.path(layout.RUN).rename(elsewhere)
    tables.run(pipeline.specs.tables(), elsewhere, elsewhere / "new")
    assert (elsewhere / "new" / "results.csv").read_bytes() == (elsewhere / "tables" / "results.csv").read_bytes()


def test_scores_made_under_other_settings_are_refused_by_name(pipeline):
    pipeline.changed(evaluate={"batch_size": 3}).evaluate("hard")
    before = {path.name: path.read_bytes() for path in pipeline.path(layout.TABLES).iterdir()}
    with pytest.raises(ArtifactError) as caught:
        pipeline.tables()
    assert str(caught.value).startswith(f"{metrics_path(pipeline, 'hard')}: was made with other settings")
    assert {path.name: path.read_bytes() for path in pipeline.path(layout.TABLES).iterdir()} == before


def test_scores_of_another_model_are_refused(pipeline):
    metrics_path(pipeline, "hard").write_bytes(metrics_path(pipeline, "whole").read_bytes())
    with pytest.raises(ArtifactError, match="was made with other settings"):
        pipeline.tables()


def test_scores_changed_by_hand_are_refused(pipeline):
    path = metrics_path(pipeline, "hard")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["details"]["tasks"]["pos"]["test"]["accuracy"] = 99.9
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArtifactError, match=f"{path}: is damaged"):
        pipeline.tables()


@pytest.mark.parametrize("pattern", ["metrics", "choice.csv", "overlap.csv"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe,\xff"])
def test_a_file_that_is_missing_or_damaged_is_refused_by_name_with_what_to_do(pipeline, pattern, content):
    path = metrics_path(pipeline, "sparse") if pattern == "metrics" else pipeline.selection("sparse").with_name(pattern)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        pipeline.tables()
    assert str(caught.value).startswith(f"{path}: ")
    assert f"snakemake --cores 1 --force '{path}'" in str(caught.value)


@pytest.fixture(scope="module")
def experiments(finished, tmp_path_factory):
    """The tables and figures of a run with two densities, the first with and without warm-up, beside the paper."""
    folder = tmp_path_factory.mktemp("experiments") / "copy"
    shutil.copytree(finished.folder, folder)
    values = copy.deepcopy(finished.values)
    values["data"]["datasets"][0]["paper"] = "exp1"
    values["tables"] = {"paper_notes": ["a tiny corpus"]}
    values["select"]["choices"].append({"name": "eighth", "rule": "target_density", "target_density": 0.125})
    values["train"]["systems"] += [
        {"name": "eighth", "sharing": "sparse", "start": "warmup", "choice": "eighth"},
        {"name": "cold", "sharing": "sparse", "choice": "half"},
    ]
    own = type(finished)(folder, values)
    own.select("eighth")
    own.select("half", start="initial")
    for system in ("eighth", "cold"):
        own.train(system)
        own.evaluate(system)
    own.tables()
    own.figures()
    return own


def test_a_run_of_experiments_has_their_tables_and_figures(experiments):
    written = {path.name for path in experiments.path(layout.TABLES).iterdir()}
    assert written == names_of(experiments)
    assert {"sweep.csv", "ablation.csv", "paper.csv"} <= written
    drawn = {path.name for path in experiments.path(layout.FIGURES).iterdir()}
    names = ("comparisons", "rounds", "sweep", "ablation")
    assert drawn == {f"{name}.{kind}" for name in names for kind in ("svg", "png")}


def test_the_sweep_has_the_densities_and_overlaps_of_the_selections(experiments):
    rows = {row["system"]: row for row in results(experiments, "sweep.csv")}
    assert list(rows) == ["hard", "sparse", "eighth", "cold"]
    for system, choice in (("sparse", "half"), ("eighth", "eighth")):
        folder = experiments.path(layout.SELECT, start="warmup", choice=choice)
        overlaps = {row["tasks"]: row for row in rows_of(folder / "overlap.csv")}
        densities = [float(row["density"]) for row in rows_of(folder / "choice.csv")]
        assert float(rows[system]["overlap"]) == float(overlaps["chunk&ner&pos"]["overlap"])
        assert float(rows[system]["chance"]) == float(overlaps["chunk&ner&pos"]["chance"])
        assert float(rows[system]["density"]) == pytest.approx(sum(densities) / 3, abs=1e-6)


def test_the_ablation_is_the_difference_of_the_results(experiments):
    scores = {
        (row["system"], row["task"]): float(row["value"])
        for row in results(experiments)
        if row["split"] == "test" and row["metric"] == ("accuracy" if row["task"] == "pos" else "f1")
    }
    rows = {row["task"]: row for row in results(experiments, "ablation.csv")}
    assert list(rows) == [*TASKS, "mean"]
    for task in TASKS:
        expected = scores["sparse", task] - scores["cold", task]
        assert float(rows[task]["difference"]) == pytest.approx(expected, abs=2e-4)


def test_the_summary_has_the_notes_on_deviations_below_the_figures_of_the_paper(experiments):
    text = (experiments.path(layout.TABLES) / "summary.md").read_text(encoding="utf-8")
    assert "- a tiny corpus" in text.split("### Comparison with the paper")[1]


def test_the_tables_compare_what_the_sentences_say(finished):
    rows = results(finished, "comparisons.csv")
    values = {
        (row["system"], row["task"]): float(row["value"])
        for row in results(finished)
        if row["split"] == "test" and row["metric"] == ("accuracy" if row["task"] == "pos" else "f1")
    }
    assert {(row["reference"], row["system"]) for row in rows} == {
        *(("single", system) for system in ("hard", "sparse", "whole")),
        *(("hard", system) for system in ("sparse", "whole")),
    }
    for row in rows:
        tasks = TASKS if row["task"] == "mean" else [row["task"]]
        expected = sum(values[row["system"], task] - values[row["reference"], task] for task in tasks) / len(tasks)
        assert float(row["difference"]) == pytest.approx(expected, abs=2e-4)
        assert float(row["lower"]) <= float(row["difference"]) <= float(row["upper"])
    equal = [row for row in rows if (row["reference"], row["system"]) == ("hard", "whole")]
    assert {(float(row["difference"]), row["verdict"]) for row in equal} <= {
        (0.0, "these models: no measurable difference"),
        (0.0, "no verdict"),
    }


def test_the_rounds_are_those_of_each_pruning_with_the_chosen_ones_marked(finished):
    found = results(finished, "rounds.csv")
    assert len(found) == 2 * 3 * 4
    for row in found:
        source = rows_of(finished.path(layout.PRUNE, start=row["start"], task=row["task"]) / "rounds.csv")
        match = source[int(row["round"])]
        assert (row["density"], row["dev_score"], row["kept"]) == (match["density"], match["dev_score"], match["kept"])
    chosen = {(row["start"], row["round"], row["chosen"]) for row in found if row["chosen"]}
    assert chosen == {("warmup", "1", "half"), ("initial", "0", "whole")}


def test_counts_of_sentences_from_another_evaluation_are_refused(pipeline):
    path = metrics_path(pipeline, "hard").with_name("sentences.safetensors")
    path.write_bytes(metrics_path(pipeline, "whole").with_name("sentences.safetensors").read_bytes())
    with pytest.raises(ArtifactError, match="was made with other settings"):
        pipeline.tables()
