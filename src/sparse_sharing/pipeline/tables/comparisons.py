"""The record of the table `comparisons`."""

from sparse_sharing.pipeline.tables.record import DECIMALS_OF_SCORES, TableRecord, register

RECORD = register(
    TableRecord(
        name="comparisons",
        caption=(
            "Pairs of systems: the difference in points with its simultaneous 95 % interval over other trainings "
            "and other test texts, the smallest difference that the test could have detected, and the verdict: helped, "
            "hurt, no measurable difference, or no verdict if a mark rules it out."
        ),
        columns={
            "dataset": None,
            "reference": None,
            "system": None,
            "task": None,
            "metric": None,
            "seeds": None,
            "units": None,
            "unit_count": None,
            "comparisons": None,
            "difference": DECIMALS_OF_SCORES,
            "lower": DECIMALS_OF_SCORES,
            "upper": DECIMALS_OF_SCORES,
            "detectable": DECIMALS_OF_SCORES,
            "training_error": DECIMALS_OF_SCORES,
            "text_error": DECIMALS_OF_SCORES,
            "verdict": None,
            "reason": None,
        },
        place=20,
        systems=("system", "reference"),
        has_figure=lambda run: bool(run.comparisons),
    )
)
