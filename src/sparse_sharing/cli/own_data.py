"""Commands about a user's own data: draft a configuration for it, and check one before anything is trained."""

import re
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.options import set_threads
from sparse_sharing.cli.show import show_table
from sparse_sharing.config import Specs, load_config
from sparse_sharing.errors import ConfigError, DataError

app = typer.Typer()


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Column files, plain or gzip, of all splits.")],
    output: Annotated[Path, typer.Option(help="Configuration to write; the run takes its name.")] = Path("mine.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Draft a configuration for column files: splits and corpora from their names, tasks from their columns."""
    from sparse_sharing.artifacts import write_text
    from sparse_sharing.config.section import NAME
    from sparse_sharing.inspection.draft import draft

    if output.exists() and not force:
        raise ConfigError(f"{output}: is there already; name another file with --output, or overwrite it with --force")
    run = re.sub(r"[^A-Za-z0-9_-]", "", output.stem)[:64]
    text = draft(files, run if re.fullmatch(NAME, run) else "mine", output)
    write_text(output, text)
    typer.echo(f"{output} is written. Read its comments, then: sparse-sharing validate {output}")


@app.command()
def validate(
    config: Annotated[Path, typer.Argument(help="Configuration of the run.")] = Path("config.yaml"),
    data_root: Annotated[str | None, typer.Option(help="Take this folder instead of the one in the file.")] = None,
    estimate: Annotated[bool, typer.Option(help="Train a few steps to say how long the run will take.")] = True,
    cores: Annotated[int, typer.Option(min=1, help="Jobs side by side, for the estimate.")] = 2,
) -> None:
    """Check files, columns, schemes, labels, splits and vectors of a configuration before anything is trained."""
    from collections import Counter

    from sparse_sharing.config.jobs import jobs_of
    from sparse_sharing.config.stage import STAGE
    from sparse_sharing.inspection.budgets import check_budgets
    from sparse_sharing.inspection.checks import check_data, demo_files
    from sparse_sharing.inspection.findings import Findings

    given = load_config(config, **({} if data_root is None else {"data_root": data_root}))
    specs, findings = Specs(given), Findings()
    with demo_files(given) as folder:
        data = check_data(given, folder, findings)
    check_budgets(specs, data, findings)
    jobs = jobs_of(specs)
    counts = Counter(job.stage for job in jobs)
    show_table(["level", "where", "what"], [(item.level, item.place, item.text) for item in findings], "Data")
    header, rows = ["stage", "jobs"], [[stage, counts[stage]] for stage in STAGE if counts[stage]]
    summary = [f"{len(jobs)} jobs."]
    if estimate and not findings.errors:
        time, words = _estimate(jobs, data, specs, cores)
        header.append("time, one after the other")
        rows = [[*row, time[row[0]]] for row in rows]
        summary += words
    show_table(header, rows, "Jobs")
    typer.echo(" ".join(summary))
    if findings.errors:
        typer.echo(f"{findings.errors} errors: the run would stop. Mend them and validate again.", err=True)
        raise typer.Exit(DataError.exit_code)
    typer.echo("Nothing stands against the run.")


def _estimate(jobs: list, data: dict, specs: Specs, cores: int) -> tuple[dict[str, str], list[str]]:
    """The time of each stage in words, and what to say about the whole."""
    from sparse_sharing.inspection.estimate import estimate
    from sparse_sharing.progress import duration

    set_threads(1)
    prepared = {dataset: specs.prepare(dataset) for dataset in specs.datasets}
    found = estimate(jobs, data, specs.config.model, specs.config.device, prepared)
    summary = [
        f"About {duration(found.on(cores))} on {cores} cores, {duration(sum(found.stages.values()))} on one, "
        f"{duration(found.chain)} on any number.",
        "Measured on a few steps now, on this machine as busy as it is; without early stops.",
    ]
    return {stage: duration(seconds) for stage, seconds in found.stages.items()}, summary
