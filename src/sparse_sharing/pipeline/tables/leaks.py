"""The record of the table `leaks`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="leaks",
        caption=(
            "Test scores with and without the test sentences that also occur, word for word, in the training or "
            "dev text of the dataset."
        ),
        columns={
            "dataset": None,
            "system": None,
            "task": None,
            "metric": None,
            "seeds": None,
            "sentences": None,
            "leaked": None,
            "value": DECIMALS_OF_SCORES,
            "without_leaked": DECIMALS_OF_SCORES,
            "difference": DECIMALS_OF_SCORES,
        },
        place=50,
        systems=("system",),
    )
)
