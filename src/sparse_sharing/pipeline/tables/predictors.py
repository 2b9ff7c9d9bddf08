"""The record of the table `predictors`."""

from sparse_sharing.pipeline.experiments import transfers_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="predictors",
        caption=(
            "Do overlap of masks and affinity predict who helps whom? Their rank correlation (Spearman) with the "
            "differences in transfer.csv, with a simultaneous 95 % interval by a bootstrap over the pairs of tasks. "
            "With fewer than 15 pairs there is no correlation, and no claim."
        ),
        columns={
            "dataset": None,
            "kind": None,
            "choice": None,
            "reference": None,
            "predictor": None,
            "pairs": None,
            "comparisons": None,
            "correlation": DECIMALS_OF_SCORES,
            "lower": DECIMALS_OF_SCORES,
            "upper": DECIMALS_OF_SCORES,
            "reason": None,
        },
        place=133,
        title="Transfer: is it predicted by overlap or affinity?",
        is_filled=lambda run: bool(transfers_of(run.facts, run.comparisons)),
    )
)
