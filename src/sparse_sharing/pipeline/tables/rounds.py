"""The record of the table `rounds`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, DECIMALS_OF_SHARES, TableRecord, register

RECORD = register(
    TableRecord(
        name="rounds",
        caption="Dev score over the rounds of iterative magnitude pruning, with the chosen rounds marked.",
        columns={
            "dataset": None,
            "seed": None,
            "start": None,
            "task": None,
            "round": None,
            "density": DECIMALS_OF_SHARES,
            "dev_score": DECIMALS_OF_SCORES,
            "chosen": None,
            "published": DECIMALS_OF_SCORES,
        },
        place=100,
        is_filled=lambda run: bool(run.chosen),
        has_figure=lambda run: True,
    )
)
