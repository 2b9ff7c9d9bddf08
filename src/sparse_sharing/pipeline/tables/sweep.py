"""The record of the table `sweep`."""

from sparse_sharing.pipeline.experiments import sweep_of
from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="sweep",
        caption=("Sparse sharing with one density for all tasks: mean test score and overlap of the masks by density."),
        columns={
            "dataset": None,
            "system": None,
            "start": None,
            "target_density": DECIMALS_OF_SCORES,
            "seeds": None,
            "density": DECIMALS_OF_SHARES,
            "lowest_density": DECIMALS_OF_SHARES,
            "highest_density": DECIMALS_OF_SHARES,
            "overlap": DECIMALS_OF_SHARES,
            "chance": DECIMALS_OF_SHARES,
            "chance_by_tensor": DECIMALS_OF_SHARES,
            "mean": DECIMALS_OF_SCORES,
            "std": DECIMALS_OF_SCORES,
            "published": DECIMALS_OF_SCORES,
            "published_overlap": 3,
        },
        place=110,
        systems=("system",),
        title="Density sweep: equal density for all tasks",
        is_filled=lambda run: bool(sweep_of(run.facts)),
        has_figure=lambda run: True,
    )
)
