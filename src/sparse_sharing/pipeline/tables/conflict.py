"""The record of the table `conflict`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="conflict",
        caption=(
            "Whether the training gradients of two tasks agree: their cosine after each epoch, by layer, "
            "mean and standard deviation over the seeds. Shared: weights that both tasks keep. Private: weights that "
            "one of them keeps, which steps of the other do not change. Below 0, a small step of one task raises the "
            "loss of the other. The page shows the last epoch."
        ),
        columns={
            "dataset": None,
            "system": None,
            "tasks": None,
            "layer": None,
            "part": None,
            "epoch": None,
            "seeds": None,
            "weights": None,
            "cosine": DECIMALS_OF_SCORES,
            "std": DECIMALS_OF_SCORES,
        },
        place=130,
        systems=("system",),
        title="Conflict: cosine of the gradients of two tasks",
        is_filled=lambda run: run.conflict is not None,
        has_figure=lambda run: True,
    )
)
