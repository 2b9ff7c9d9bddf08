"""The record of the table `affinity`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="affinity",
        caption=(
            "Inter-task affinity (Fifty et al. 2021): the share by which one step of the partner after an epoch would "
            "lower the training loss of the task, mean and standard deviation over the seeds. Below 0 it would raise "
            "the loss. Rows in which the partner is the task itself show the scale. The page shows the last epoch."
        ),
        columns={
            "dataset": None,
            "system": None,
            "task": None,
            "partner": None,
            "epoch": None,
            "seeds": None,
            "loss": DECIMALS_OF_SCORES,
            "affinity": 8,
            "std": 8,
        },
        place=131,
        systems=("system",),
        title="Affinity: what a step of one task does to the loss of another",
        is_filled=lambda run: run.affinity is not None,
        has_figure=lambda run: True,
    )
)
