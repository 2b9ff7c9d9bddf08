"""The record of the table `costs`."""

from sparse_sharing.pipeline.tables.record import TableRecord, register

RECORD = register(
    TableRecord(
        name="costs",
        caption=(
            "The cost of each system: updates (optimizer steps on batches of a task) and tokens of its warm-up,"
            " of the prunings behind its masks and of its training, the dev scores that chose an epoch or a mask,"
            " and the processor seconds of all jobs. Means over the seeds; a cost that several systems share is "
            "counted "
            "in full for each."
        ),
        columns={
            "dataset": None,
            "system": None,
            "task": None,
            "seeds": None,
            "updates_start": None,
            "updates_pruning": None,
            "updates_training": None,
            "tokens_start": None,
            "tokens_pruning": None,
            "tokens_training": None,
            "dev_scores": None,
            "seconds_start": 1,
            "seconds_pruning": 1,
            "seconds_selection": 1,
            "seconds_training": 1,
        },
        place=40,
        systems=("system",),
    )
)
