"""Choices with rule search: their keys, and the specs and jobs that come of them."""

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, jobs_of

SPARSE = {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "found"}


def with_choice(changed, **keys):
    """A configuration of one dataset with a sparse system whose masks come from a search."""
    values = changed()
    values["data"]["datasets"] = values["data"]["datasets"][:1]
    values["select"] = {"choices": [{"name": "found", "rule": "search", **keys}]}
    values["train"]["systems"] = [{"name": "single", "sharing": "single"}, SPARSE]
    values.pop("tables", None)
    return values


def test_the_selection_depends_on_the_search_and_the_search_on_all_prunings(changed):
    jobs = {job.label: job for job in jobs_of(Specs(parse_config(with_choice(changed))))}
    search, select = (jobs[f"{stage} joint seed1 warmup found"] for stage in ("search", "select"))
    assert select.needs["search"] is search
    assert {key for key in search.needs if key.startswith("masks.")} == {"masks.chunk", "masks.ner", "masks.pos"}
    assert select.spec.search == search.spec.digest()


def test_it_trains_as_the_section_train_says_but_for_epochs_patience_and_schedule(changed):
    values = with_choice(changed, search={"epochs": 2, "combinations": 8})
    values["train"] |= {"batch_size": 7, "patience": 3, "epochs": 40}
    spec = Specs(parse_config(values)).search("joint", 1, "warmup", "found")
    assert (spec.optimization.batch_size, spec.optimization.epochs) == (7, 2)
    assert (spec.optimization.patience, spec.optimization.schedule) == (None, None)
    assert spec.trainings == 8 + 4 + 2 * 2


def test_another_budget_of_the_search_changes_the_selection_and_the_systems_that_use_it_only(changed):
    before, after = (Specs(parse_config(with_choice(changed, search={"combinations": count}))) for count in (4, 8))
    assert before.prune("joint", 1, "warmup", "ner") == after.prune("joint", 1, "warmup", "ner")
    assert before.train("joint", 1, "single", "ner") == after.train("joint", 1, "single", "ner")
    assert before.train("joint", 1, "sparse", "shared") != after.train("joint", 1, "sparse", "shared")


def test_a_choice_without_a_search_has_no_trace_of_it(changed):
    specs = Specs(parse_config(with_choice(changed, rule="rounds", rounds=1)))
    assert "search" not in specs.select("joint", 1, "warmup", "found").canonical()
    assert "searched" not in specs.tables().canonical()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rule": "best_dev", "search": {}}, "rule 'best_dev' does not use the key 'search'"),
        ({"rounds": 3}, "rule 'search' does not use the key 'rounds'"),
        ({"search": {"rounds": [0, 1]}}, "round 0 is the whole network; set allow_dense"),
        ({"search": {"rounds": [1, 999]}}, "asks for round 999, but the last round is"),
        ({"search": {"combinations": 1}}, "combinations"),
    ],
)
def test_keys_that_do_not_fit_are_refused(changed, keys, message):
    with pytest.raises(ConfigError) as error:
        parse_config(with_choice(changed, **keys))
    assert message in str(error.value)
