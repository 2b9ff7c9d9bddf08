"""The record of the table `overlap`."""

from sparse_sharing.pipeline.tables.record import TableRecord, register

RECORD = register(
    TableRecord(
        name="overlap",
        caption=(
            "Overlap of the chosen masks: the weights that all masks keep, divided by the weights that any mask keeps; "
            "compared with independent masks and with the largest starting weights."
        ),
        columns={
            "dataset": None,
            "seed": None,
            "start": None,
            "choice": None,
            "tasks": None,
            "overlap": None,
            "chance": None,
            "chance_by_tensor": None,
            "overlap_with_start": None,
        },
        place=90,
    )
)
