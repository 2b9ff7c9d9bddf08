"""Commands that compare runs, or write their results for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.show import show_table
from sparse_sharing.terminal.display import visible

app = typer.Typer()

SHOWN = 3
"""How many of the jobs that share a difference are named; the others are counted."""

RunFolder = Annotated[Path, typer.Argument(help="Folder of a run, results/NAME.")]


@app.command()
def compare(
    run_a: RunFolder,
    run_b: RunFolder,
    output: Annotated[Path | None, typer.Option(help="Also write the scores to this CSV file.")] = None,
) -> None:
    """Show how the test scores of two runs differ, and which settings of their jobs differ."""
    from sparse_sharing.inspection.runs import CELL, compare_scores, compare_settings, other_test_texts
    from sparse_sharing.storage.artifacts import write_text

    scores = compare_scores(run_a, run_b)
    rows = [
        [
            *(row[name] for name in CELL),
            *(_number(row[name]) for name in ("first", "second")),
            _number(row["difference"], "+"),
            f"{row['seeds_first']} / {row['seeds_second']}",
        ]
        for row in scores.to_dict("records")
    ]
    show_table([*CELL, f"A: {run_a.name}", f"B: {run_b.name}", "B - A", "seeds"], rows, "Test scores")
    for dataset in other_test_texts(run_a, run_b):
        typer.echo(f"test text differs (dataset {visible(dataset)}): the scores are not comparable\n")
    rows = [
        [stage, key, before, after, _listed(jobs)]
        for (stage, key, before, after), jobs in compare_settings(run_a, run_b).items()
    ]
    if rows:
        show_table(["stage", "setting", "A", "B", "jobs"], rows, "Settings that differ")
    else:
        typer.echo("No setting differs.")
    if output is not None:
        write_text(output, scores.to_csv(index=False, float_format="%.4f", lineterminator="\n"))


def _number(value: float, sign: str = "") -> str:
    return "" if value != value else f"{value:{sign}.2f}"


def _listed(jobs: list[str]) -> str:
    more = f" and {len(jobs) - SHOWN} more" if len(jobs) > SHOWN else ""
    return ", ".join(jobs[:SHOWN]) + more


@app.command()
def tensorboard(
    run: RunFolder,
    output: Annotated[Path, typer.Option(help="Folder for the event files: tensorboard --logdir FOLDER.")],
) -> None:
    """Write the learning curves of a run as event files for TensorBoard (needs the extra `tensorboard`)."""
    from sparse_sharing.inspection.events import write_events

    count = write_events(run, output)
    typer.echo(f"Wrote {count} curves. To view them: tensorboard --logdir {output}")


@app.command()
def evidence(
    run: RunFolder,
    output: Annotated[Path, typer.Option(help="Folder of the archive; each run has a folder in it.")] = Path(
        "docs/evidence"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace files that hold other counts.")] = False,
) -> None:
    """Archive the counts of each test sentence that the scores of a run are computed from: gzipped CSV, no text."""
    from sparse_sharing.evaluation.evidence import write_evidence

    written = write_evidence(run, output, force)
    typer.echo(f"Wrote {len(written)} files to {written[0].parent}, one per dataset, seed and system.")
