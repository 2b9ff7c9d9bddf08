"""The figures of the paper, and that they stand beside ours where they belong."""

import pandas as pd
import pytest
from handmade import latex_of, markdown_of

from sparse_sharing.config.schema import Dataset
from sparse_sharing.pipeline.tables.paper import RECORD
from sparse_sharing.results.tables.paper import beside_paper
from sparse_sharing.results.tables.published import experiments
from sparse_sharing.results.tables.summary import summary


def test_every_experiment_that_a_configuration_can_name_is_there():
    (names,) = [kind.__args__ for kind in Dataset.model_fields["paper"].annotation.__args__ if kind is not type(None)]
    assert set(experiments()) == set(names)


def test_the_figures_agree_with_each_other():
    first = experiments()["exp1"]
    # Fig. 4 begins with hard sharing; single tasks have three networks; Fig. 3 shows the chosen rounds
    assert first.sweep.at(1.0).score == pytest.approx(first.score("hard", "mean"), abs=0.006)
    parameters = {system.kind: system.parameters for system in first.systems}
    assert parameters["single"] == pytest.approx(3 * parameters["hard"], abs=1000)
    assert {len(curve) for curve in first.rounds.scores.values()} == {21}
    for name, rounds in {"exp1": (6, 5, 7), "exp2": (10, 12, 8), "exp3": (5, 5, 5)}.items():
        densities = experiments()[name].densities.scores
        expected = [0.1 ** (k / 20) for k in rounds]
        assert [densities[task] for task in ("pos", "ner", "chunk")] == pytest.approx(expected, abs=1e-4)
    for task, k in {"pos": 6, "ner": 5, "chunk": 7}.items():
        assert first.rounds.scores[task][k] == max(first.rounds.scores[task])


def test_every_figure_has_its_source_and_scores_are_percentages():
    for experiment in experiments().values():
        assert all(system.source for system in experiment.systems)
        assert all(50 < score < 100 for system in experiment.systems for score in system.scores.values())


def test_scores_parameters_and_densities_are_grouped_by_kind(results, facts):
    frame = beside_paper(summary(results), facts, {"conll03": "exp1"})
    assert list(frame.columns) == list(RECORD.columns)
    own = frame[frame["system"] == "sparse"].set_index(["quantity", "task"])
    # 90 and 91 beside 90.35
    row = own.loc["score", "ner"]
    assert (row["published"], row["measured"], row["metric"], row["source"]) == (90.35, 90.5, "f1", "Table 3")
    assert row["difference"] == pytest.approx(0.15)
    assert own.loc["parameters", ""]["measured"] == 534_000
    assert own.loc["density", "chunk"]["published"] == 0.4467
    cold = frame[(frame["system"] == "cold") & (frame["task"] == "chunk")].iloc[0]
    assert (cold["published"], cold["source"]) == (91.04, "Table 8")


def test_masks_of_a_target_density_and_systems_of_some_tasks_have_no_counterpart_among_the_rows(results, facts):
    frame = beside_paper(summary(results), facts, {"conll03": "exp1"})
    assert set(frame["system"]) == {"", "single", "hard", "sparse", "cold"}


def test_a_published_figure_without_counterpart_is_listed_with_a_blank(results, facts):
    frame = beside_paper(summary(results), facts, {"conll03": "exp1"})
    soft = frame[frame["kind"] == "soft"]
    assert len(soft) == 4
    assert set(soft["system"]) == {""}
    assert soft[["measured", "difference"]].isna().all(axis=None)


def test_a_task_that_the_paper_does_not_have_is_left_out_and_one_that_we_lack_is_blank(results, facts):
    own = results.replace({"task": {"ner": "topic"}})
    frame = beside_paper(summary(own), facts, {"conll03": "exp1"})
    assert "topic" not in set(frame["task"])
    assert frame[(frame["system"] == "sparse") & (frame["task"] == "ner")]["measured"].isna().all()


def test_the_summary_shows_ours_theirs_and_the_difference_with_notes(results, facts):
    table = summary(results)
    paper = beside_paper(table, facts, {"conll03": "exp1"})
    for write, heading, note in (
        (markdown_of, "### Comparison with the paper\n", "- GloVe of 50\n- 10 \\% of the text"),
        (latex_of, r"\caption{conll03. Comparison with the paper. ", "GloVe of 50 10 \\% of the text}"),
    ):
        text = write(table, "single", ["GloVe of 50", "10 % of the text"], paper=paper)
        assert heading in text
        assert note.replace("\\%", "%" if heading[0] == "#" else "\\%") in text
        assert "soft" not in text.split("Comparison with the paper")[1]
    assert "sparse & 92.50 & 91.55 & +0.95 & 90.50 & 90.35 & +0.15 & 96.50 & 95.56 & +0.94 & 534k & 396k" in text
    assert "cold & 91.50 & 91.04 & +0.46" in text


@pytest.mark.parametrize(
    ("seeds", "hurt", "equal", "covered"),
    [
        (3, "hurt", "no measurable difference", "The intervals cover other trainings and other test texts (bootstrap "
         "over 50 test documents)."),
        (2, "these models: lower", "these models: no measurable difference", "their words are about these trained "
         "models, not about the systems; that takes 3 seeds."),
    ],
)  # fmt: skip
def test_the_summary_shows_verdicts_with_their_intervals(results, seeds, hurt, equal, covered):
    table = summary(results)
    row = {"dataset": "conll03", "reference": "single", "system": "hard", "metric": "f1", "seeds": seeds}
    row |= {"units": "documents", "unit_count": 50, "reason": ""}
    verdicts = pd.DataFrame(
        [
            {
                **row,
                "task": "ner",
                "difference": -1.0,
                "lower": -2.0,
                "upper": -0.5,
                "detectable": 1.4,
                "verdict": hurt,
            },
            {**row, "task": "chunk", "difference": 0.1, "lower": -0.1, "upper": 0.3, "detectable": 0.25}
            | {"verdict": equal},
            {**row, "task": "pos", "difference": 9.0, "detectable": 1.0, "verdict": "no verdict", "reason": "F1 is 0"},
            {**row, "task": "mean", "metric": "mean", "difference": -1.0, "lower": -2.0, "upper": -0.5}
            | {"detectable": 1.4, "verdict": hurt},
        ]
    )
    text = markdown_of(table, comparisons=verdicts)
    assert "### Verdicts\n" in text
    assert "(means over" in text
    assert "the 4 intervals of this dataset hold together" in text
    assert covered in text
    assert "| system | against | chunk F1 | ner F1 | pos F1 | mean |" in text
    assert (
        rf"| hard | single | {equal}, +0.10 \[−0.10, +0.30\], detectable 0.25 | **{hurt}**, −1.00 \[−2.00, −0.50\] "
        rf"| no verdict (F1 is 0), +9.00 | **{hurt}**, −1.00 \[−2.00, −0.50\] |"
    ) in text
    assert "detectable 0.25" in latex_of(table, comparisons=verdicts)
