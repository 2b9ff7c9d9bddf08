"""Tables from small hand-made scores: every figure below can be checked in the head."""

import csv
import json
import re
import subprocess
import sys

import pandas as pd
import pytest

from sparse_sharing import tables
from sparse_sharing.artifacts import save_json
from sparse_sharing.config.specs import EvaluateSpec
from sparse_sharing.errors import ArtifactError

ORDER = {"dataset": ["joint", "chat"], "system": ["single", "hard", "sparse"], "task": ["pos", "ner", "chunk"]}
TYPES = {"X": {"precision": 60.0, "recall": 40.0, "f1": 48.0, "support": 5}}


def accuracy(test, density=1.0, per_type=TYPES):
    scores = {"dev": {"accuracy": test + 1}, "test": {"accuracy": test}}
    return {"metric": "accuracy", **scores, "per_type": per_type, "density": density}


def spans(test, density=1.0, per_type=TYPES):
    scores = {"precision": test + 2, "recall": test - 2, "f1": test, "accuracy": 99.0}
    return {"metric": "f1", "dev": scores, "test": scores, "per_type": per_type, "density": density}


@pytest.fixture
def model(tmp_path):
    """A function that writes the metrics of one model to a new file, and returns its path."""

    def write(system, tasks, *, dataset="joint", seed=1, parameters=20_000, seconds=1.0):
        path = tmp_path / f"metrics{len(list(tmp_path.glob('metrics*.json')))}.json"
        content = {"dataset": dataset, "system": system, "seed": seed, "tasks": tasks}
        content |= {"parameters": parameters, "seconds": seconds}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def three_systems(model):
    """Two seeds of a single-task system (a file per task), hard and sparse sharing."""
    return [
        model("sparse", {"pos": accuracy(96.0, 0.5), "ner": spans(90.0, 0.25)}, seed=2, parameters=396_000),
        model("sparse", {"pos": accuracy(95.0, 0.5), "ner": spans(90.0, 0.25)}, seed=1, parameters=398_000),
        model("hard", {"pos": accuracy(95.5), "ner": spans(88.0)}, seed=1, parameters=533_930),
        model("hard", {"pos": accuracy(95.5), "ner": spans(87.0)}, seed=2, parameters=533_930),
        model("single", {"pos": accuracy(94.0)}, seed=1, parameters=533_930, seconds=10.0),
        model("single", {"ner": spans(89.0)}, seed=1, parameters=533_930, seconds=20.0),
        model("single", {"pos": accuracy(95.0)}, seed=2, parameters=533_930, seconds=11.0),
        model("single", {"ner": spans(89.0)}, seed=2, parameters=533_930, seconds=21.0),
    ]


def written(write, table, tmp_path, *arguments):
    path = tmp_path / "table"
    write(table, path, *arguments)
    return path.read_bytes().decode("utf-8")


def summary_row(table, system, task):
    return table[(table["system"] == system) & (table["task"] == task)].iloc[0]


def test_results_have_one_row_per_dataset_system_seed_task_split_and_metric(three_systems):
    frame = tables.results(three_systems, ORDER)
    keys = ["dataset", "system", "seed", "task", "split", "metric"]
    assert list(frame.columns) == [*keys, "value", "parameters", "density", "seconds"]
    assert not frame.duplicated(keys).any()
    # 3 systems, 2 seeds, 2 splits; 1 metric of pos and 4 of ner
    assert len(frame) == 3 * 2 * 2 * (1 + 4)
    row = frame[(frame["system"] == "sparse") & (frame["seed"] == 2) & (frame["metric"] == "recall")].iloc[-1]
    assert row.to_dict() == {
        **{"dataset": "joint", "system": "sparse", "seed": 2, "task": "ner", "split": "test", "metric": "recall"},
        **{"value": 88.0, "parameters": 396_000, "density": 0.25, "seconds": 1.0},
    }


def test_rows_stand_in_the_order_of_the_configuration_whatever_the_order_of_the_files(three_systems):
    frame = tables.results(three_systems, ORDER)
    pd.testing.assert_frame_equal(frame, tables.results(three_systems[::-1], ORDER))
    assert list(frame["system"].unique()) == ["single", "hard", "sparse"]
    assert list(frame["task"].unique()) == ["pos", "ner"]
    assert list(frame["seed"].unique()) == [1, 2]
    assert list(frame["split"].unique()) == ["dev", "test"]
    assert list(frame["metric"][2:6]) == ["accuracy", "precision", "recall", "f1"]


def test_names_that_the_order_does_not_list_follow_alphabetically(three_systems):
    frame = tables.results(three_systems, {"system": ["sparse"]})
    assert list(frame["system"].unique()) == ["sparse", "hard", "single"]
    assert list(frame["task"].unique()) == ["ner", "pos"]


def test_a_system_of_several_models_has_the_sum_of_their_parameters_and_seconds(three_systems):
    frame = tables.results(three_systems, ORDER)
    single = frame[(frame["system"] == "single") & (frame["seed"] == 2)]
    assert set(single["task"]) == {"pos", "ner"}
    assert set(single["parameters"]) == {2 * 533_930}
    assert set(single["seconds"]) == {32.0}


def test_the_artifact_of_an_evaluation_reads_like_the_scores_it_holds(model, tmp_path):
    plain = model("hard", {"pos": accuracy(95.0), "ner": spans(90.0)})
    scores = json.loads(plain.read_text(encoding="utf-8"))
    spec = EvaluateSpec(data="d", model="m", dataset="joint", system="hard", seed=1, batch_size=1)
    save_json(tmp_path / "artifact.json", "metrics", spec, scores)
    assert tables.read_metrics(tmp_path / "artifact.json") == tables.read_metrics(plain)


def test_an_artifact_that_was_changed_by_hand_is_refused(model, tmp_path):
    scores = json.loads(model("hard", {"pos": accuracy(95.0)}).read_text(encoding="utf-8"))
    spec = EvaluateSpec(data="d", model="m", dataset="joint", system="hard", seed=1, batch_size=1)
    path = tmp_path / "artifact.json"
    save_json(path, "metrics", spec, scores)
    path.write_text(path.read_text(encoding="utf-8").replace("95.0", "99.0"), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"artifact\.json: is damaged"):
        tables.read_metrics(path)


def test_per_type_lists_the_test_scores_of_every_type(model):
    other = {"precision": 1.0, "recall": 2.0, "f1": 3.0, "support": 0}
    paths = [model("hard", {"pos": accuracy(95.0, per_type={}), "ner": spans(90.0, per_type={"Y": other, **TYPES})})]
    frame = tables.per_type(paths, ORDER)
    columns = ["dataset", "system", "seed", "task", "type", "precision", "recall", "f1", "support"]
    assert list(frame.columns) == columns
    assert frame.to_numpy().tolist() == [
        ["joint", "hard", 1, "ner", "X", 60.0, 40.0, 48.0, 5],
        ["joint", "hard", 1, "ner", "Y", 1.0, 2.0, 3.0, 0],
    ]


def test_per_type_without_any_type_is_an_empty_table_with_its_header(model, tmp_path):
    frame = tables.per_type([model("hard", {"ner": spans(0.0, per_type={})})])
    header = "dataset,system,seed,task,type,precision,recall,f1,support\n"
    assert written(tables.write_results, frame, tmp_path) == header


def test_results_are_written_with_fixed_decimals_and_plain_line_ends(model, tmp_path):
    path = model("hard", {"pos": accuracy(200 / 3, 1 / 3)}, seconds=123.456)
    assert written(tables.write_results, tables.results([path]), tmp_path) == (
        "dataset,system,seed,task,split,metric,value,parameters,density,seconds\n"
        "joint,hard,1,pos,dev,accuracy,67.6667,20000,0.333333,123.5\n"
        "joint,hard,1,pos,test,accuracy,66.6667,20000,0.333333,123.5\n"
    )


def test_the_summary_compares_the_means_over_seeds_of_the_main_metric_on_test(three_systems):
    table = tables.summary(tables.results(three_systems, ORDER))

    assert list(zip(table["system"], table["task"], table["metric"], strict=True)) == [
        (system, *cell)
        for system in ("single", "hard", "sparse")
        for cell in (("pos", "accuracy"), ("ner", "f1"), ("mean", "mean"))
    ]
    sparse = summary_row(table, "sparse", "pos")
    # 95 and 96: mean 95.5, squared deviations 2 * 0.25 over 2 - 1 degrees of freedom
    assert sparse["std"] == pytest.approx(0.5**0.5)
    assert tuple(sparse[["seeds", "mean", "min", "max"]]) == (2, 95.5, 95.0, 96.0)
    assert tuple(sparse[["difference", "parameters", "density"]]) == (1.0, 397_000, 0.5)
    assert pd.isna(summary_row(table, "single", "pos")["difference"])
    assert summary_row(table, "hard", "ner")["difference"] == -1.5


def test_the_mean_over_tasks_is_taken_within_each_seed(three_systems):
    mean = summary_row(tables.summary(tables.results(three_systems, ORDER)), "sparse", "mean")
    # seed 1: (95 + 90) / 2, seed 2: (96 + 90) / 2
    assert tuple(mean[["mean", "min", "max", "density"]]) == (92.75, 92.5, 93.0, 0.375)
    assert mean["std"] == pytest.approx(0.125**0.5)


def test_all_systems_that_share_the_best_mean_as_shown_are_best(model):
    scores = {"single": 95.0, "hard": 95.004, "sparse": 94.99}
    paths = [model(system, {"pos": accuracy(score)}) for system, score in scores.items()]
    table = tables.summary(tables.results(paths, ORDER))
    assert list(table["best"]) == [True, True, False]


def test_the_markdown_summary(three_systems, tmp_path):
    table = tables.summary(tables.results(three_systems, ORDER))
    assert written(tables.write_summary_md, table, tmp_path) == (
        "Test split: accuracy or span F1 in percent, mean ± sample standard deviation over 2 seeds. "
        "Δ: difference to single. Bold: best. "
        "Parameters: union of the masks plus biases, without embeddings and heads. "
        "Density: kept share of the prunable weights in percent, in the order of the tasks.\n"
        "\n"
        "## joint\n"
        "\n"
        "| system | pos accuracy | Δ | ner F1 | Δ | mean | Δ | parameters | density |\n"
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| single | 94.50 ± 0.71 |  | 89.00 ± 0.00 |  | 91.75 ± 0.35 |  | 1068k | 100.00 |\n"
        "| hard | **95.50** ± 0.00 | +1.00 | 87.50 ± 0.71 | −1.50 | 91.50 ± 0.35 | −0.25 | 534k | 100.00 |\n"
        "| sparse | **95.50** ± 0.71 | +1.00 | **90.00** ± 0.00 | +1.00 | **92.75** ± 0.35 | +1.00 | 397k "
        "| 50.00 / 25.00 |\n"
    )


def test_the_csv_summary_holds_plain_numbers(model, tmp_path):
    paths = [model("single", {"pos": accuracy(94.0)}), model("hard", {"pos": accuracy(93.999999)})]
    table = tables.summary(tables.results(paths, ORDER))
    assert written(tables.write_summary_csv, table, tmp_path) == (
        "dataset,system,task,metric,seeds,mean,std,min,max,difference,best,parameters,density\n"
        "joint,single,pos,accuracy,1,94.0000,,94.0000,94.0000,,True,20000,1.000000\n"
        "joint,hard,pos,accuracy,1,94.0000,,94.0000,94.0000,0.0000,True,20000,1.000000\n"
    )


def test_the_latex_summary(three_systems, tmp_path):
    table = tables.summary(tables.results(three_systems, ORDER))
    text = written(tables.write_summary_tex, table, tmp_path)
    body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")].splitlines()
    assert body == [
        r"\begin{tabular}{lrrrrrrrr}",
        r"\toprule",
        r"system & pos accuracy & $\Delta$ & ner F1 & $\Delta$ & mean & $\Delta$ & parameters & density \\",
        r"\midrule",
        r"single & 94.50 $\pm$ 0.71 &  & 89.00 $\pm$ 0.00 &  & 91.75 $\pm$ 0.35 &  & 1068k & 100.00 \\",
        r"hard & \textbf{95.50} $\pm$ 0.00 & +1.00 & 87.50 $\pm$ 0.71 & $-$1.50 & 91.50 $\pm$ 0.35 & $-$0.25 & 534k"
        r" & 100.00 \\",
        r"sparse & \textbf{95.50} $\pm$ 0.71 & +1.00 & \textbf{90.00} $\pm$ 0.00 & +1.00 & \textbf{92.75} $\pm$ 0.35"
        r" & +1.00 & 397k & 50.00 / 25.00 \\",
        r"\bottomrule",
    ]
    assert r"\caption{joint. Test split: accuracy or span F1 in percent, mean $\pm$ sample standard" in text
    assert text.startswith("% needs \\usepackage{booktabs}\n")
    assert text.endswith("\\end{tabular}\n\\end{table*}\n")


def test_one_seed_has_no_deviation(model, tmp_path):
    paths = [model("single", {"pos": accuracy(94.0)}), model("hard", {"pos": accuracy(95.0)})]
    table = tables.summary(tables.results(paths, ORDER))
    text = written(tables.write_summary_md, table, tmp_path)
    assert table["std"].isna().all()
    assert "in percent, one seed." in text
    assert "±" not in text
    assert "| hard | **95.00** | +1.00 | 20k | 100.00 |" in text


def test_where_systems_have_different_numbers_of_seeds_a_column_tells_them(model, tmp_path):
    paths = [model("single", {"pos": accuracy(94.0)}, seed=seed) for seed in (1, 2, 3)]
    paths.append(model("hard", {"pos": accuracy(95.0)}))
    text = written(tables.write_summary_md, tables.summary(tables.results(paths, ORDER)), tmp_path)
    assert "over 1 to 3 seeds" in text
    assert "| system | pos accuracy | Δ | seeds | parameters | density |" in text
    assert "| single | 94.00 ± 0.00 |  | 3 | 20k | 100.00 |" in text
    assert "| hard | **95.00** | +1.00 | 1 | 20k | 100.00 |" in text


def test_without_the_baseline_no_difference_is_shown(three_systems, tmp_path):
    table = tables.summary(tables.results(three_systems, ORDER), baseline="absent")
    assert table["difference"].isna().all()
    assert "Δ" not in written(tables.write_summary_md, table, tmp_path, "absent")
    assert "Delta" not in written(tables.write_summary_tex, table, tmp_path, "absent")


def test_another_baseline_can_be_chosen(three_systems, tmp_path):
    table = tables.summary(tables.results(three_systems, ORDER), baseline="hard")
    assert summary_row(table, "sparse", "ner")["difference"] == 2.5
    assert summary_row(table, "single", "ner")["difference"] == 1.5
    assert pd.isna(summary_row(table, "hard", "ner")["difference"])
    assert "difference to hard" in written(tables.write_summary_md, table, tmp_path, "hard")


def test_each_dataset_has_a_table_with_its_own_tasks_baseline_and_best(model, tmp_path):
    paths = [
        model("hard", {"chunk": spans(70.0)}, dataset="chat"),
        model("single", {"pos": accuracy(94.0), "ner": spans(80.0)}),
        model("hard", {"pos": accuracy(93.0), "ner": spans(81.0)}),
    ]
    text = written(tables.write_summary_md, tables.summary(tables.results(paths, ORDER)), tmp_path)
    joint, chat = text.split("## ")[1:]
    assert joint == (
        "joint\n\n"
        "| system | pos accuracy | Δ | ner F1 | Δ | mean | Δ | parameters | density |\n"
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| single | **94.00** |  | 80.00 |  | **87.00** |  | 20k | 100.00 |\n"
        "| hard | 93.00 | −1.00 | **81.00** | +1.00 | **87.00** | +0.00 | 20k | 100.00 |\n\n"
    )
    assert chat == (
        "chat\n\n"
        "| system | chunk F1 | parameters | density |\n"
        "| :--- | ---: | ---: | ---: |\n"
        "| hard | **70.00** | 20k | 100.00 |\n"
    )


def test_a_task_that_a_system_lacks_is_blank_and_keeps_it_from_a_mean(model, tmp_path):
    paths = [
        model("single", {"pos": accuracy(94.0), "ner": spans(80.0)}),
        model("hard", {"ner": spans(81.0, 0.5)}),
    ]
    table = tables.summary(tables.results(paths, ORDER))
    assert set(table.loc[table["system"] == "hard", "task"]) == {"ner"}
    text = written(tables.write_summary_md, table, tmp_path)
    assert "| hard |  |  | **81.00** | +1.00 |  |  | 20k | – / 50.00 |" in text


def test_a_task_may_be_called_mean(model, tmp_path):
    paths = [model("hard", {"mean": accuracy(90.0), "ner": spans(80.0)})]
    text = written(tables.write_summary_md, tables.summary(tables.results(paths, {"task": ["mean"]})), tmp_path)
    assert "| system | mean accuracy | ner F1 | mean | parameters | density |" in text
    assert "| hard | **90.00** | **80.00** | **85.00** | 20k | 100.00 |" in text


@pytest.mark.parametrize(("parameters", "shown"), [(533_930, "534k"), (10_000, "10k"), (9_999, "9999"), (0, "0")])
def test_large_parameter_counts_are_shown_in_thousands(model, tmp_path, parameters, shown):
    table = tables.summary(tables.results([model("hard", {"pos": accuracy(90.0)}, parameters=parameters)]))
    assert f"| {shown} | 100.00 |" in written(tables.write_summary_md, table, tmp_path)


NASTY = r"[a_b]|c*&50%<d>\e#$~^{f}`g`"


@pytest.fixture
def nasty(model):
    """The summary of a model whose dataset, system and task have names full of markup."""
    return tables.summary(tables.results([model(NASTY, {NASTY: accuracy(90.0)}, dataset=NASTY)]), NASTY)


def test_markdown_escapes_names_so_that_they_read_as_given(nasty, tmp_path):
    text = written(tables.write_summary_md, nasty, tmp_path)
    heading, header, _, row = [line for line in text.splitlines() if line.startswith(("##", "|"))]
    escaped = heading.removeprefix("## ")
    assert escaped == r"\[a\_b\]\|c\*\&50%\<d\>\\e\#\$\~^\{f\}\`g\`"
    assert re.sub(r"\\(.)", r"\1", escaped) == NASTY
    assert header == f"| system | {escaped} accuracy | parameters | density |"
    assert row == f"| {escaped} | **90.00** | 20k | 100.00 |"


def test_latex_escapes_names_and_does_not_take_them_for_options_of_a_row_end(nasty, tmp_path):
    text = written(tables.write_summary_tex, nasty, tmp_path)
    escaped = (
        r"{[}a\_b{]}\textbar{}c{*}\&50\%\textless{}d\textgreater{}\textbackslash{}e"
        r"\#\$\textasciitilde{}\textasciicircum{}\{f\}`g`"
    )
    assert f"system & {escaped} accuracy & parameters & density \\\\\n" in text
    assert f"\n{escaped} & \\textbf{{90.00}} & 20k & 100.00 \\\\\n" in text
    assert f"\\caption{{{escaped}. Test split" in text


def test_csv_quotes_names_that_need_it(model, tmp_path):
    table = tables.summary(tables.results([model('a,"b"', {"pos": accuracy(90.0)})]))
    rows = list(csv.reader(written(tables.write_summary_csv, table, tmp_path).splitlines()))
    assert rows[1][:3] == ["joint", 'a,"b"', "pos"]


def test_the_summary_does_not_depend_on_timings(model, tmp_path):
    writers = [tables.write_summary_csv, tables.write_summary_md, tables.write_summary_tex]
    first, second = (
        tables.summary(tables.results([model("hard", {"pos": accuracy(90.0)}, seconds=seconds)])) for seconds in (1, 99)
    )
    for write in writers:
        assert written(write, first, tmp_path) == written(write, second, tmp_path)


def test_a_task_that_two_files_hold_is_refused_with_both_names(model):
    first, second = (model("single", {"pos": accuracy(score)}) for score in (90.0, 91.0))
    with pytest.raises(ArtifactError) as error:
        tables.results([second, first])
    assert str(first) in str(error.value)
    assert str(second) in str(error.value)
    assert "dataset 'joint', system 'single', seed '1', task 'pos'" in str(error.value)


def test_the_same_file_twice_is_refused(model):
    path = model("single", {"pos": accuracy(90.0)})
    with pytest.raises(ArtifactError, match="stands in"):
        tables.per_type([path, path])


def test_nothing_to_tabulate_is_refused():
    with pytest.raises(ArtifactError, match="at least one"):
        tables.results([])


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["dataset"], None, "dataset: Field required"),
        (["seed"], "1", "seed: Input should be a valid integer"),
        (["parameters"], 1.5, "parameters: Input should be a valid integer"),
        (["seconds"], float("nan"), "seconds: Input should be a finite number"),
        (["tasks"], {}, "tasks: Dictionary should have at least 1 item"),
        (["tasks", "pos", "metric"], "recall", "tasks.pos.metric: Input should be 'accuracy' or 'f1'"),
        (["tasks", "pos", "dev"], None, "tasks.pos.dev: Field required"),
        (["tasks", "pos", "test"], {"f1": 1.0}, "the main metric 'accuracy' is missing from 'test'"),
        (["tasks", "pos", "test", "accuracy"], "high", "tasks.pos.test.accuracy: Input should be a valid number"),
        (["tasks", "pos", "per_type", "X", "support"], None, "tasks.pos.per_type.X.support: Field required"),
        (["tasks", "pos", "density"], 50.0, "tasks.pos.density: Input should be less than or equal to 1"),
    ],
)
def test_a_missing_or_wrong_key_is_named_with_its_file(model, keys, value, message):
    path = model("single", {"pos": accuracy(90.0)})
    content = json.loads(path.read_text(encoding="utf-8"))
    section = content
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    if value is None:
        del section[keys[-1]]
    path.write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(ArtifactError) as error:
        tables.read_metrics(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_a_file_that_is_no_metrics_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(str(path))):
        tables.read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"metrics\.json: cannot be read"):
        tables.read_metrics(tmp_path / "metrics.json")


def test_importing_the_module_does_not_import_torch():
    command = "import sys, sparse_sharing.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
