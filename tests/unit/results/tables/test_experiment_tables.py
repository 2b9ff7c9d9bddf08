"""The tables of the paper's experiments, from results whose every figure can be checked in the head."""

import dataclasses
import io

import pandas as pd
import pytest
from handmade import csv_of

from sparse_sharing.results.tables.ablation import ablation
from sparse_sharing.results.tables.pairs import pairs
from sparse_sharing.results.tables.rounds import rounds
from sparse_sharing.results.tables.sweep import sweep


def row_of(frame, **values):
    """The one row that has some values."""
    (found,) = frame[(frame[list(values)] == pd.Series(values)).all(axis=1)].to_dict("records")
    return found


def test_the_sweep_runs_from_the_whole_network_to_the_sparsest_masks(measured):
    frame = sweep(measured)
    assert list(frame["system"]) == ["hard", "d501", "d300"]
    assert list(frame["target_density"]) == [1.0, 0.501, 0.3]
    hard, half, third = frame.to_dict("records")
    assert (hard["overlap"], hard["chance"], hard["published"], hard["published_overlap"]) == (1, 1, 91.65, 1)
    # means of 91.5, 89.5, 95.5 and of as many a point higher
    assert half["mean"] == pytest.approx(92.1666667 + 0.5)
    assert half["std"] == pytest.approx(0.5**0.5)
    assert half["seeds"] == 2
    assert [half[name] for name in ("density", "lowest_density", "highest_density")] == pytest.approx([0.501] * 3)
    assert (half["overlap"], half["chance"]) == (pytest.approx(0.41), pytest.approx(0.2))
    assert (half["published"], half["published_overlap"]) == (91.96, 0.248)
    assert pd.isna(third["published"])


def test_the_gain_of_a_pair_is_taken_within_seeds_beside_the_overlap_of_its_two_masks(measured):
    frame = pairs(measured)
    assert list(frame["task"]) == ["ner", "pos", "mean"]
    assert set(frame["tasks"]) == {"ner&pos"}
    ner, mean = row_of(frame, task="ner"), row_of(frame, task="mean")
    assert (ner["sparse"], ner["hard"], ner["gain"], ner["seeds"]) == ("sparse_pair", "hard_pair", 1.5, 2)
    assert mean["gain"] == pytest.approx((1.5 + 0.5) / 2)
    assert mean["gain_std"] == pytest.approx(0.0)
    assert (mean["overlap"], mean["chance"]) == (pytest.approx(0.21), pytest.approx(0.1))
    assert (mean["published_overlap"], mean["published_gain"]) == (0.18, 0.40)
    assert pd.isna(ner["published_gain"])


def test_a_pair_without_hard_sharing_has_a_score_and_no_gain(measured):
    facts = {name: known for name, known in measured.facts.items() if name != "hard_pair"}
    frame = pairs(dataclasses.replace(measured, facts=facts))
    assert set(frame["hard"]) == {""}
    assert frame["gain"].isna().all()
    assert row_of(frame, task="pos")["sparse_score"] == 96.0


def test_the_ablation_sets_both_starts_side_by_side_with_the_papers(measured):
    frame = ablation(measured)
    assert list(frame["task"]) == ["chunk", "ner", "pos", "mean"]
    chunk, mean = row_of(frame, task="chunk"), row_of(frame, task="mean")
    assert (chunk["with_warmup"], chunk["without_warmup"], chunk["choice"]) == ("sparse", "cold", "best")
    assert (chunk["with_score"], chunk["without_score"], chunk["difference"]) == (92.5, 91.5, 1.0)
    assert (chunk["published_with"], chunk["published_without"]) == (91.55, 91.04)
    assert mean["difference"] == pytest.approx(2 / 3)
    assert mean["published_with"] == pytest.approx((95.56 + 90.35 + 91.55) / 3)


def test_without_a_counterpart_in_the_paper_its_columns_are_blank(measured):
    own = dataclasses.replace(measured, paper={})
    assert sweep(own)[["published", "published_overlap"]].isna().all(axis=None)
    assert pairs(own)[["published_overlap", "published_gain"]].isna().all(axis=None)
    assert ablation(own)[["published_with", "published_without"]].isna().all(axis=None)


def test_blank_columns_are_written_as_blanks(measured):
    own = dataclasses.replace(measured, paper={})
    for table in (sweep, pairs, ablation):
        frame = pd.read_csv(io.StringIO(csv_of(table.__name__, table(own))))
        published = [column for column in frame if column.startswith("published")]
        assert published
        assert frame[published].isna().all(axis=None)


def test_rounds_say_which_choices_took_them_and_what_the_paper_has_for_their_density():
    keys = {"dataset": "conll03", "seed": 1, "start": "warmup", "task": "ner"}
    densities = (1.0, 0.1 ** (5 / 20), 0.3)
    pruned = pd.DataFrame(
        [{**keys, "round": str(k), "density": density, "dev_score": 90.0} for k, density in enumerate(densities)]
    )
    chosen = pd.DataFrame(
        [{**keys, "choice": name, "round": k} for name, k in (("half", "1"), ("best", "1"), ("third", "2"))]
    )
    frame = rounds(pruned, chosen, {"conll03": "exp1"})
    assert list(frame["chosen"]) == ["", "best half", "third"]
    assert list(frame["published"])[:2] == [89.41, 89.83]
    assert pd.isna(frame["published"][2])
    assert rounds(pruned, chosen, {})["published"].isna().all()


def test_a_round_that_another_seed_or_task_chose_is_not_marked():
    keys = {"dataset": "conll03", "seed": 1, "start": "warmup", "task": "ner"}
    pruned = pd.DataFrame([{**keys, "round": "1", "density": 0.5, "dev_score": 90.0}])
    for other in ({"seed": 2}, {"task": "pos"}, {"start": "initial"}, {"round": "2"}):
        chosen = pd.DataFrame([{**keys, "round": "1", "choice": "best", **other}])
        assert list(rounds(pruned, chosen, {})["chosen"]) == [""]
