"""The record of the table `ablation`."""

from sparse_sharing.pipeline.experiments import ablation_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="ablation",
        caption="Sparse sharing with and without the multi-task warm-up, equal otherwise.",
        columns={
            "dataset": None,
            "choice": None,
            "task": None,
            "with_warmup": None,
            "without_warmup": None,
            "seeds": None,
            "with_score": DECIMALS_OF_SCORES,
            "without_score": DECIMALS_OF_SCORES,
            "difference": DECIMALS_OF_SCORES,
            "std": DECIMALS_OF_SCORES,
            "published_with": DECIMALS_OF_SCORES,
            "published_without": DECIMALS_OF_SCORES,
        },
        place=120,
        systems=("with_warmup", "without_warmup"),
        title="With and without warm-up",
        is_filled=lambda run: bool(ablation_of(run.facts)),
        has_figure=lambda run: True,
    )
)
