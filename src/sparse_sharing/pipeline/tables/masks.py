"""The record of the table `masks`."""

from sparse_sharing.pipeline.tables.record import TableRecord, register

RECORD = register(
    TableRecord(
        name="masks",
        caption=(
            "The chosen round and mask of each task: density overall and by layer, and the dev score of that round."
        ),
        columns={
            "dataset": None,
            "seed": None,
            "start": None,
            "choice": None,
            "task": None,
            "round": None,
            "density": None,
            "kept": None,
            "dev_score": None,
            "best_epoch": None,
            "overlap_with_start": None,
        },
        place=80,
    )
)
