"""Summaries for people, from small hand-made scores."""

import csv
import re
from functools import partial

import pandas as pd
import pytest
from handmade import ORDER, accuracy, csv_of, latex_of, markdown_of, results_of, spans, summary_row

from sparse_sharing.results.tables.summary import summary


def test_the_summary_compares_the_means_over_seeds_of_the_main_metric_on_test(three_systems):
    table = summary(results_of(three_systems, ORDER))

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
    mean = summary_row(summary(results_of(three_systems, ORDER)), "sparse", "mean")
    # seed 1: (95 + 90) / 2, seed 2: (96 + 90) / 2
    assert tuple(mean[["mean", "min", "max", "density"]]) == (92.75, 92.5, 93.0, 0.375)
    assert mean["std"] == pytest.approx(0.125**0.5)


def test_all_systems_that_share_the_best_mean_as_shown_are_best(model):
    scores = {"single": 95.0, "hard": 95.004, "sparse": 94.99}
    paths = [model(system, {"pos": accuracy(score)}) for system, score in scores.items()]
    table = summary(results_of(paths, ORDER))
    assert list(table["best"]) == [True, True, False]


def test_the_markdown_summary(three_systems):
    table = summary(results_of(three_systems, ORDER))
    assert markdown_of(table) == (
        "Test split: accuracy or span F1 in percent, mean ± sample standard deviation over 2 seeds. "
        "Δ: difference to single. Bold: best. "
        "Parameters: union of the masks plus biases and other weights of single tasks, without embeddings and heads. "
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


def test_the_csv_summary_holds_plain_numbers(model):
    paths = [model("single", {"pos": accuracy(94.0)}), model("hard", {"pos": accuracy(93.999999)})]
    table = summary(results_of(paths, ORDER))
    assert csv_of("summary", table) == (
        "dataset,system,task,metric,seeds,mean,std,min,max,difference,best,parameters,trained_parameters,density\n"
        "joint,single,pos,accuracy,1,94.0000,,94.0000,94.0000,,True,20000,20000,1.000000\n"
        "joint,hard,pos,accuracy,1,94.0000,,94.0000,94.0000,0.0000,True,20000,20000,1.000000\n"
    )


def test_the_latex_summary(three_systems):
    table = summary(results_of(three_systems, ORDER))
    text = latex_of(table)
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


def test_one_seed_has_no_deviation(model):
    paths = [model("single", {"pos": accuracy(94.0)}), model("hard", {"pos": accuracy(95.0)})]
    table = summary(results_of(paths, ORDER))
    text = markdown_of(table)
    assert table["std"].isna().all()
    assert "in percent, one seed." in text
    assert "±" not in text
    assert "| hard | **95.00** | +1.00 | 20k | 100.00 |" in text


def test_if_systems_have_different_numbers_of_seeds_a_column_shows_them(model):
    paths = [model("single", {"pos": accuracy(94.0)}, seed=seed) for seed in (1, 2, 3)]
    paths.append(model("hard", {"pos": accuracy(95.0)}))
    text = markdown_of(summary(results_of(paths, ORDER)))
    assert "over 1 to 3 seeds" in text
    assert "| system | pos accuracy | Δ | seeds | parameters | density |" in text
    assert "| single | 94.00 ± 0.00 |  | 3 | 20k | 100.00 |" in text
    assert "| hard | **95.00** | +1.00 | 1 | 20k | 100.00 |" in text


def test_without_the_baseline_no_difference_is_shown(three_systems):
    table = summary(results_of(three_systems, ORDER), baseline="absent")
    assert table["difference"].isna().all()
    assert "Δ" not in markdown_of(table, "absent")
    assert "Delta" not in latex_of(table, "absent")


def test_another_baseline_can_be_chosen(three_systems):
    table = summary(results_of(three_systems, ORDER), baseline="hard")
    assert summary_row(table, "sparse", "ner")["difference"] == 2.5
    assert summary_row(table, "single", "ner")["difference"] == 1.5
    assert pd.isna(summary_row(table, "hard", "ner")["difference"])
    assert "difference to hard" in markdown_of(table, "hard")


def test_each_dataset_has_a_table_with_its_own_tasks_baseline_and_best(model):
    paths = [
        model("hard", {"chunk": spans(70.0)}, dataset="chat"),
        model("single", {"pos": accuracy(94.0), "ner": spans(80.0)}),
        model("hard", {"pos": accuracy(93.0), "ner": spans(81.0)}),
    ]
    text = markdown_of(summary(results_of(paths, ORDER)))
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


def test_a_task_that_a_system_lacks_is_blank_and_keeps_it_from_a_mean(model):
    paths = [
        model("single", {"pos": accuracy(94.0), "ner": spans(80.0)}),
        model("hard", {"ner": spans(81.0, 0.5)}),
    ]
    table = summary(results_of(paths, ORDER))
    assert set(table.loc[table["system"] == "hard", "task"]) == {"ner"}
    text = markdown_of(table)
    assert "| hard |  |  | **81.00** | +1.00 |  |  | 20k | – / 50.00 |" in text


def test_a_task_may_be_called_mean(model):
    paths = [model("hard", {"mean": accuracy(90.0), "ner": spans(80.0)})]
    text = markdown_of(summary(results_of(paths, {"task": ["mean"]})))
    assert "| system | mean accuracy | ner F1 | mean | parameters | density |" in text
    assert "| hard | **90.00** | **80.00** | **85.00** | 20k | 100.00 |" in text


@pytest.mark.parametrize(("parameters", "shown"), [(533_930, "534k"), (10_000, "10k"), (9_999, "9999"), (0, "0")])
def test_large_parameter_counts_are_shown_in_thousands(model, parameters, shown):
    table = summary(results_of([model("hard", {"pos": accuracy(90.0)}, parameters=parameters)]))
    assert f"| {shown} | 100.00 |" in markdown_of(table)


def test_trained_parameters_have_a_column_only_if_a_system_froze_some(model):
    """Metrics that do not name them are of a training of all parameters."""
    hard = model("hard", {"pos": accuracy(90.0)}, parameters=20_000)
    lora = model("lora", {"pos": accuracy(90.0)}, parameters=21_000, trained_parameters=1_000)
    assert "| system | pos accuracy | parameters | density |" in markdown_of(summary(results_of([hard])))
    table = summary(results_of([hard, lora]))
    assert list(table["trained_parameters"]) == [20_000, 1_000]
    text = markdown_of(table)
    assert "| parameters | trained | density |" in text
    assert "| 20k | 20k |" in text
    assert "| 21k | 1000 |" in text


NASTY = r"[a_b]|c*&50%<d>\e#$~^{f}`g`"


@pytest.fixture
def nasty(model):
    """The summary of a model whose dataset, system and task have names full of markup."""
    return summary(results_of([model(NASTY, {NASTY: accuracy(90.0)}, dataset=NASTY)]), NASTY)


def test_markdown_escapes_names_so_that_they_read_as_given(nasty):
    text = markdown_of(nasty)
    heading, header, _, row = [line for line in text.splitlines() if line.startswith(("##", "|"))]
    escaped = heading.removeprefix("## ")
    assert escaped == r"\[a\_b\]\|c\*\&50%\<d\>\\e\#\$\~^\{f\}\`g\`"
    assert re.sub(r"\\(.)", r"\1", escaped) == NASTY
    assert header == f"| system | {escaped} accuracy | parameters | density |"
    assert row == f"| {escaped} | **90.00** | 20k | 100.00 |"


def test_latex_escapes_names_and_does_not_take_them_for_options_of_a_row_end(nasty):
    text = latex_of(nasty)
    escaped = (
        r"{[}a\_b{]}\textbar{}c{*}\&50\%\textless{}d\textgreater{}\textbackslash{}e"
        r"\#\$\textasciitilde{}\textasciicircum{}\{f\}`g`"
    )
    assert f"system & {escaped} accuracy & parameters & density \\\\\n" in text
    assert f"\n{escaped} & \\textbf{{90.00}} & 20k & 100.00 \\\\\n" in text
    assert f"\\caption{{{escaped}. Test split" in text


def test_csv_quotes_names_that_need_it(model):
    table = summary(results_of([model('a,"b"', {"pos": accuracy(90.0)})]))
    rows = list(csv.reader(csv_of("summary", table).splitlines()))
    assert rows[1][:3] == ["joint", 'a,"b"', "pos"]


def test_the_summary_does_not_depend_on_timings(model):
    first, second = (
        summary(results_of([model("hard", {"pos": accuracy(90.0)}, seconds=seconds)])) for seconds in (1, 99)
    )
    for write in (partial(csv_of, "summary"), markdown_of, latex_of):
        assert write(first) == write(second)
