"""The record of the table `paper`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="paper",
        caption="The figures that the paper prints beside those measured; the difference in points.",
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
        title="The paper beside ours",
        is_filled=lambda run: bool(run.paper),
    )
)
