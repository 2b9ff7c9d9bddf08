"""The record of the table `search`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="search",
        caption=(
            "Searches for the density of each task: every combination of stored masks that was trained, by rung of the "
            "halving, with the parameters that it stores for all tasks and its best mean dev score so far. The "
            "front has "
            "the combinations for which no other of the rung is better in one of the two and at least equal in "
            "the other."
        ),
        columns={
            "dataset": None,
            "seed": None,
            "start": None,
            "choice": None,
            "rung": None,
            "epochs": None,
            "densities": None,
            "parameters": None,
            "dev": DECIMALS_OF_SCORES,
            "kept": None,
            "front": None,
        },
        place=115,
        title="Search for densities: stored parameters against dev score",
        is_filled=lambda run: bool(run.searched),
        has_figure=lambda run: True,
    )
)
