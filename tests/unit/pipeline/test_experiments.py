"""What the systems of a run make up: kinds as the paper names them, and who is compared with whom."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.config.schema import Choice
from sparse_sharing.config.systems import System
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.experiments import (
    SystemFacts,
    ablation_of,
    compared_pairs,
    facts_of,
    pairs_of,
    sweep_of,
)

BEST = Choice(name="best", rule="best_dev")
HALF = Choice(name="half", rule="target_density", target_density=0.5)
EACH = Choice(name="each", rule="target_density", target_density={"pos": 0.5, "ner": 0.3})
RANDOM = Choice(name="random", rule="best_dev", random=True)
PERMUTED = Choice(name="permuted", rule="best_dev", random="permuted")
MAGNITUDE = Choice(name="magnitude", rule="magnitude", target_density=0.5)


def known(kind, **values):
    """The facts of a system."""
    return SystemFacts(**{"kind": kind, "start": "initial", **values})


def system_of(**keys):
    """A system with these keys."""
    return System.model_validate({"name": "x", **keys})


@pytest.mark.parametrize(
    ("system", "choice", "kind"),
    [
        ({"sharing": "single"}, None, "single"),
        ({"sharing": "single"}, BEST, "single_subnet"),
        ({"sharing": "hard"}, None, "hard"),
        ({"sharing": "hard", "start": "warmup"}, None, "hard_warm"),
        ({"sharing": "single", "start": "warmup"}, None, "single_warm"),
        ({"sharing": "single", "start": "warmup"}, BEST, "single_subnet"),
        ({"sharing": "sparse", "start": "warmup"}, BEST, "sparse"),
        ({"sharing": "sparse"}, BEST, "sparse_no_warmup"),
        ({"sharing": "sparse", "start": "warmup"}, HALF, "sparse_at_density"),
        ({"sharing": "sparse"}, HALF, "sparse_at_density"),
        ({"sharing": "sparse", "start": "warmup"}, RANDOM, "random_masks"),
        ({"sharing": "single"}, RANDOM, "random_masks"),
        ({"sharing": "sparse", "start": "warmup"}, PERMUTED, "permuted_masks"),
        ({"sharing": "sparse", "start": "warmup"}, MAGNITUDE, "magnitude_masks"),
        ({"sharing": "hard", "best_epoch": "each"}, None, "own_epochs"),
        ({"sharing": "sparse", "best_epoch": "each"}, HALF, "own_epochs"),
    ],
)
def test_a_system_is_of_the_kind_that_its_sharing_start_and_masks_make_it(system, choice, kind):
    facts = facts_of(system_of(choice=choice and choice.name, **system), choice)
    assert facts.kind == kind
    assert (facts.start, facts.choice) == (system.get("start", "initial"), choice and choice.name)


def test_only_one_density_for_all_tasks_is_the_density_of_a_system():
    assert facts_of(system_of(choice="half", sharing="sparse"), HALF).target_density == 0.5
    assert facts_of(system_of(choice="each", sharing="sparse"), EACH).target_density is None
    assert facts_of(system_of(choice="best", sharing="sparse"), BEST).target_density is None


def pairs(values):
    """The pairs that a configuration tests."""
    return Specs(parse_config(values)).tables().comparisons


def test_by_default_all_meet_the_baseline_and_sparse_systems_one_hard_sharing(changed):
    to_single = [("single", "cold"), ("single", "hard"), ("single", "sparse")]
    to_hard = [("hard", "cold"), ("hard", "sparse")]
    assert pairs(changed()) == [*to_single, *to_hard]
    also = pairs(changed("train.systems.+", {"name": "also", "sharing": "hard"}))
    assert also == [("single", "also"), *to_single, ("also", "cold"), ("also", "sparse")]
    assert pairs(changed("tables.baseline", "hard")) == [("hard", "cold"), ("hard", "single"), ("hard", "sparse")]


def test_a_name_is_tested_against_all_and_a_pair_of_names_by_itself(changed):
    def named(*entries):
        return pairs(changed("tables.comparisons", list(entries)))

    assert named(["sparse", "hard"]) == [("hard", "sparse")]
    assert named("hard", ["cold", "single"]) == [
        *(("hard", "cold"), ("hard", "single"), ("hard", "sparse")),
        ("single", "cold"),
    ]


def test_two_systems_meet_once_as_they_were_named_first(changed):
    entries = ["single", ["single", "sparse"], "sparse"]
    assert pairs(changed("tables.comparisons", entries)) == [
        *(("single", "cold"), ("single", "hard"), ("single", "sparse")),
        *(("sparse", "cold"), ("sparse", "hard")),
    ]


def test_a_baseline_that_names_no_system_is_not_used(changed):
    values = changed()
    values["train"]["systems"] = values["train"]["systems"][2:]
    assert pairs(values) == []


def test_a_sparse_system_of_two_tasks_meets_the_hard_sharing_of_the_same(changed):
    facts = {
        "hard_a": known("hard", tasks=["ner", "pos"]),
        "hard_b": known("hard", tasks=["chunk", "pos"]),
        "sparse_a": known("sparse", choice="best", tasks=["ner", "pos"]),
        "single": known("single"),
    }
    assert compared_pairs(parse_config(changed()), facts) == [
        ("single", "hard_a"),
        ("single", "hard_b"),
        ("single", "sparse_a"),
        ("hard_a", "sparse_a"),
    ]


def test_a_reference_of_some_tasks_meets_systems_of_the_same(changed):
    facts = {
        "hard": known("hard", tasks=["ner", "pos"]),
        "other": known("sparse", choice="best", tasks=["chunk", "pos"]),
        "same": known("sparse", choice="best", tasks=["ner", "pos"]),
    }
    config = parse_config(changed("tables.comparisons", ["hard"]))
    assert compared_pairs(config, facts) == [("hard", "same")]


def test_a_sweep_has_two_densities_or_more_and_hard_sharing_as_the_whole_network():
    half, fifth = (known("sparse_at_density", choice="x", target_density=density) for density in (0.5, 0.2))
    other = known("sparse_at_density", choice="each")
    assert sweep_of({"fifth": fifth, "half": half, "each": other}) == {"half": 0.5, "fifth": 0.2}
    assert list(sweep_of({"fifth": fifth, "half": half, "hard": known("hard")})) == ["hard", "half", "fifth"]
    assert sweep_of({"half": half, "again": half, "hard": known("hard")}) == {}


def test_hard_sharing_from_the_warmed_up_weights_is_a_reference_only_without_one_from_the_initial_weights(changed):
    def references(*hard):
        values = changed()
        systems = values["train"]["systems"]
        values["train"]["systems"] = [systems[0], *hard, *systems[2:]]
        return Specs(parse_config(values)).tables().comparisons

    warm, cold = {"name": "a", "sharing": "hard", "start": "warmup"}, {"name": "b", "sharing": "hard"}
    assert [pair for pair in references(warm, cold) if "single" not in pair] == [("b", "cold"), ("b", "sparse")]
    assert [pair for pair in references(warm) if "single" not in pair] == [("a", "cold"), ("a", "sparse")]


def test_a_pair_is_a_sparse_system_of_two_tasks_beside_the_hard_one_of_the_same():
    facts = {
        "sparse": known("sparse", choice="x", tasks=["ner", "pos"]),
        "alone": known("sparse_no_warmup", choice="x", tasks=["chunk", "pos"]),
        "all": known("sparse", choice="x"),
        "hard": known("hard", tasks=["ner", "pos"]),
    }
    assert pairs_of(facts) == [("alone", None), ("sparse", "hard")]


def test_an_ablation_is_two_sparse_systems_that_differ_only_in_their_start():
    facts = {
        "warm": known("sparse", start="warmup", choice="best"),
        "cold": known("sparse_no_warmup", choice="best"),
        "other": known("sparse_no_warmup", choice="rest"),
        "pair": known("sparse_no_warmup", choice="best", tasks=["ner", "pos"]),
    }
    assert ablation_of(facts) == [("warm", "cold")]


@pytest.mark.parametrize("value", [["nowhere"], ["single", "nowhere"], [["single", "nowhere"]]])
def test_a_reference_that_is_not_a_system_is_refused(changed, value):
    with pytest.raises(Exception, match=r"tables\.comparisons: there is no system 'nowhere'; known: single, hard"):
        parse_config(changed("tables.comparisons", value))


def test_a_system_is_not_tested_against_itself(changed):
    with pytest.raises(Exception, match=r"tables\.comparisons: 'hard' cannot be tested against itself"):
        parse_config(changed("tables.comparisons", [["hard", "hard"]]))


@pytest.mark.parametrize("entry", [["hard"], ["hard", "sparse", "cold"]])
def test_a_pair_has_two_names(changed, entry):
    with pytest.raises(Exception, match=r"tables\.comparisons"):
        parse_config(changed("tables.comparisons", [entry]))
