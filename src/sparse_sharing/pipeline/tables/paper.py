"""The record of the table `paper`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="paper",
        caption="Scores in the paper and scores measured here, with the difference in points.",
        columns={
            "dataset": None,
            "experiment": None,
            "source": None,
            "quantity": None,
            "kind": None,
            "system": None,
            "task": None,
            "metric": None,
            "published": DECIMALS_OF_SCORES,
            "measured": DECIMALS_OF_SCORES,
            "difference": DECIMALS_OF_SCORES,
        },
        place=30,
        systems=("system",),
        title="Comparison with the paper",
        is_filled=lambda run: bool(run.paper),
    )
)
