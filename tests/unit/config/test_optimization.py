import pytest
from pydantic import ValidationError

from sparse_sharing.config.optimization import Optimization


def test_options_that_are_off_are_not_in_a_spec():
    kept = Optimization().model_dump()
    assert not {"weight_decay", "schedule", "warmup_steps", "head_learning_rate", "embedding_learning_rate"} & set(kept)
    assert not {"layer_decay", "accumulation", "activation_checkpointing"} & set(kept)


def test_a_step_has_the_sentences_of_all_accumulated_batches():
    assert Optimization(batch_size=8).step_size == 8
    assert Optimization(batch_size=8, accumulation=4).step_size == 32


def test_without_a_schedule_every_step_has_the_whole_rate():
    assert [Optimization().rate_share(step, 4) for step in (1, 4, 9)] == [1.0, 1.0, 1.0]


def test_rates_rise_linearly_and_then_stay():
    found = [Optimization(warmup_steps=3).rate_share(step, 6) for step in range(1, 7)]
    assert found == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_rates_rise_and_fall_linearly_towards_zero_at_the_end():
    found = [Optimization(warmup_steps=1, schedule="linear").rate_share(step, 5) for step in range(1, 6)]
    assert found == [0.5, 1.0, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weight_decay": 0.1}, "weight_decay needs optimizer: adam"),
        ({"schedule": "linear", "learning_rate_decay": 0.1}, "exclude each other"),
    ],
)
def test_keys_that_do_not_fit_each_other_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        Optimization(**values)
