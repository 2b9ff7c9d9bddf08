"""The record of the table `summary`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="summary",
        caption=(
            "Test scores of all systems: mean, standard deviation and range over the seeds, the difference to the "
            "baseline, parameters, how many of them were trained, and density."
        ),
        columns={
            "dataset": None,
            "system": None,
            "task": None,
            "metric": None,
            "seeds": None,
            "mean": DECIMALS_OF_SCORES,
            "std": DECIMALS_OF_SCORES,
            "min": DECIMALS_OF_SCORES,
            "max": DECIMALS_OF_SCORES,
            "difference": DECIMALS_OF_SCORES,
            "best": None,
            "parameters": None,
            "trained_parameters": None,
            "density": DECIMALS_OF_SHARES,
        },
        place=10,
        systems=("system",),
        endings=("md", "tex"),
    )
)
