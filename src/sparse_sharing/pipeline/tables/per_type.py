"""The record of the table `per_type`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="per_type",
        caption="Precision, recall and F1 on test for each span type, or each tag.",
        columns={
            "dataset": None,
            "system": None,
            "seed": None,
            "task": None,
            "type": None,
            "precision": DECIMALS_OF_SCORES,
            "recall": DECIMALS_OF_SCORES,
            "f1": DECIMALS_OF_SCORES,
            "support": None,
        },
        place=70,
        systems=("system",),
    )
)
