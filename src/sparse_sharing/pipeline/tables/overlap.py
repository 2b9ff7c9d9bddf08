"""The record of the table `overlap`."""

from sparse_sharing.pipeline.tables.record import TableRecord, register

RECORD = register(
    TableRecord(
        name="overlap",
        caption=(
            "Overlap of the chosen masks: weights that all keep over weights that any keeps, beside those of "
            "independent masks and of the largest starting weights."
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
