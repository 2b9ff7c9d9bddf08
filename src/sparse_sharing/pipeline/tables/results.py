"""The record of the table `results`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="results",
        caption=(
            "Every score, tidy: one row for each dataset, system, seed, task, split and metric, with parameters, "
            "how many of them were trained, density and seconds of training."
        ),
        columns={
            "dataset": None,
            "system": None,
            "seed": None,
            "task": None,
            "split": None,
            "metric": None,
            "value": DECIMALS_OF_SCORES,
            "parameters": None,
            "trained_parameters": None,
            "density": DECIMALS_OF_SHARES,
            "seconds": 1,
        },
        place=60,
        systems=("system",),
    )
)
