"""The record of the table `pairs`."""

from sparse_sharing.pipeline.experiments import pairs_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="pairs",
        caption=(
            "Sparse sharing of two tasks: the gain over hard sharing of the same tasks, and the overlap of the "
            "two masks."
        ),
        columns={
            "dataset": None,
            "tasks": None,
            "task": None,
            "sparse": None,
            "hard": None,
            "seeds": None,
            "sparse_score": DECIMALS_OF_SCORES,
            "hard_score": DECIMALS_OF_SCORES,
            "gain": DECIMALS_OF_SCORES,
            "gain_std": DECIMALS_OF_SCORES,
            "overlap": DECIMALS_OF_SHARES,
            "chance": DECIMALS_OF_SHARES,
            "chance_by_tensor": DECIMALS_OF_SHARES,
            "overlap_with_start": DECIMALS_OF_SHARES,
            "published_overlap": 3,
            "published_gain": DECIMALS_OF_SCORES,
        },
        place=130,
        systems=("sparse", "hard"),
        title="Pairs of tasks: overlap against gain",
        is_filled=lambda run: bool(pairs_of(run.facts)),
        has_figure=lambda run: any(hard for _, hard in pairs_of(run.facts)),
    )
)
