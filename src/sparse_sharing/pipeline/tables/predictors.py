"""The record of the table `predictors`."""

from sparse_sharing.pipeline.experiments import transfers_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="predictors",
        caption=(
            "Does it tell in advance who helps whom? Rank correlation (Spearman) with the differences of transfer.csv, "
            "and its interval by a bootstrap over the pairs of tasks; all intervals of a dataset hold together with 95 "
            "%. From 15 pairs on; with fewer there is only the table transfer.csv, and no claim."
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
