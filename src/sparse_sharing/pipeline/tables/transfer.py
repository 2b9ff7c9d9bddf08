"""The record of the table `transfer`."""

from sparse_sharing.pipeline.experiments import transfers_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="transfer",
        caption=(
            "Who helps whom: for each task and partner the test score of their joint training minus that of the "
            "single model, with the interval and the verdict of comparisons.csv, beside the overlap of the masks of "
            "the two, that of independent masks, and the affinity of the partner to the task in one joint training, "
            "mean over its epochs."
        ),
        columns={
            "dataset": None,
            "task": None,
            "partner": None,
            "system": None,
            "reference": None,
            "metric": None,
            "seeds": None,
            "units": None,
            "unit_count": None,
            "comparisons": None,
            "difference": DECIMALS_OF_SCORES,
            "lower": DECIMALS_OF_SCORES,
            "upper": DECIMALS_OF_SCORES,
            "detectable": DECIMALS_OF_SCORES,
            "verdict": None,
            "reason": None,
            "choice": None,
            "overlap": DECIMALS_OF_SHARES,
            "chance": DECIMALS_OF_SHARES,
            "chance_by_tensor": DECIMALS_OF_SHARES,
            "overlap_with_start": DECIMALS_OF_SHARES,
            "affinity_of": None,
            "affinity": 8,
        },
        place=132,
        systems=("system", "reference"),
        title="Transfer: who helps whom",
        is_filled=lambda run: bool(transfers_of(run.facts, run.comparisons)),
        has_figure=lambda run: True,
    )
)
