"""Prunings: which keys each source has, and what the specs say of them."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, jobs_of

FAST = {"source": "gradual", "epochs": 3, "final_density": 0.5}
CHOICE = {"name": "fast", "rule": "target_density", "target_density": 0.5, "pruning": "fast"}


def refusal(values):
    """The message of the error that the values raise."""
    with pytest.raises(ConfigError) as caught:
        parse_config(values)
    return str(caught.value)


def with_pruning(changed, pruning, **choice):
    """A configuration with a named pruning, and a choice that the sparse system takes its masks from."""
    values = changed("prunings", {"fast": pruning})
    values["select"]["choices"].append({**CHOICE, **choice})
    values["train"]["systems"][2]["choice"] = "fast"
    return values


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("prune.source", "magnitudes", "prune.source: got 'magnitudes'; allowed: 'change', 'gradual', 'magnitude'"),
        ("prune.rounds", 0, "prune.rounds: got 0"),
        ("prune.dense_epochs", 1, "prune: source 'magnitude' does not use the key 'dense_epochs'"),
        ("prunings", {"fast": {**FAST, "rounds": 3}}, "prunings.fast: source 'gradual' does not use the key 'rounds'"),
        ("prunings", {"fast": {**FAST, "epoch": 3}}, "prunings.fast.epoch: unknown key; did you mean 'epochs'?"),
        (
            "prunings",
            {"fast": {**FAST, "epochs": 1}},
            "prunings.fast: epochs: must be more than dense_epochs (1), got 1",
        ),
        ("prunings", {"a b": FAST}, "letters, digits"),
        (
            "prunings",
            {"fast": {"self_overlap": True}},
            "prunings.fast: self_overlap is a key of the section prune only",
        ),
        ("select.choices.0.pruning", "fast", "'half' names the pruning 'fast'; known: none"),
    ],
)
def test_a_pruning_that_cannot_be_is_refused_with_the_reason(changed, path, value, reason):
    assert reason in refusal(changed(path, value))


def test_a_choice_takes_no_masks_that_its_pruning_does_not_have(changed):
    shot = {"source": "one_shot", "rounds": 2}
    best = {"rule": "best_dev", "target_density": None}
    assert "a pruning with source 'one_shot' has none" in refusal(with_pruning(changed, shot, **best))
    third = {"rule": "rounds", "rounds": 3, "target_density": None}
    assert "'fast' asks for round 3, but the last round is 2" in refusal(with_pruning(changed, FAST, **third))


def test_masks_of_a_file_come_from_no_pruning(changed):
    values = with_pruning(changed, FAST, rule="file", file="masks.safetensors", target_density=None)
    assert "rule 'file' does not use the key 'pruning'" in refusal(values)


def test_the_source_of_the_paper_leaves_no_trace_in_a_spec(changed):
    plain = Specs(parse_config(changed())).prune("joint", 1, "warmup", "pos").canonical()
    said = Specs(parse_config(changed("prune.source", "magnitude"))).prune("joint", 1, "warmup", "pos").canonical()
    assert plain == said
    assert "source" not in plain
    assert "settings" not in plain


def test_a_named_pruning_is_run_for_the_systems_that_use_it_and_changes_no_other_job(changed):
    before = {job.label: job.spec.digest() for job in jobs_of(Specs(parse_config(changed())))}
    specs = Specs(parse_config(with_pruning(changed, FAST)))
    after = {job.label: job.spec.digest() for job in jobs_of(specs)}
    own = [label for label in after if label.startswith("prune_named")]
    assert len(own) == 2 * (3 + 2)
    assert own[0].split()[1:] == ["joint", "seed1", "warmup", "fast", own[0].split()[-1]]
    gone = ("select", "train", "evaluate", "tables", "report", "figures", "prune")
    assert {label for label in before if label in after and before[label] != after[label]} <= {
        label for label in before if label.split()[0] in gone and ("sparse" in label or len(label.split()) == 1)
    }
    spec = specs.prune_named("joint", 1, "warmup", "fast", "pos")
    assert (spec.source, spec.rounds, spec.trainings) == ("gradual", 2, 1)
    assert spec.settings == {"dense_epochs": 1, "cuts_per_epoch": 10}


def test_a_pruning_that_no_system_uses_is_not_run(changed):
    values = changed("prunings", {"fast": FAST})
    values["select"]["choices"].append(CHOICE)
    assert not [job for job in jobs_of(Specs(parse_config(values))) if job.stage == "prune_named"]
