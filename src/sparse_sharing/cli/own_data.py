"""Commands on a user's own data: draft a configuration for it, and check a configuration before training."""

import contextlib
import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.show import show_table
from sparse_sharing.config import load_config
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.inspection.findings import Finding
from sparse_sharing.pipeline import Specs
from sparse_sharing.training.threads import set_threads

app = typer.Typer()


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Read text with the garbage collector off: it would scan millions of words again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@app.command()
def init(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="Files of all splits, plain or gzip.")
    ] = None,
    train: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Training file; may be repeated.")] = None,
    dev: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Development file; may be repeated.")] = None,
    test: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Test file; may be repeated.")] = None,
    split: Annotated[
        str | None, typer.Option(metavar="80/10/10", help="Cut train, dev and test from FILE or --train.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Configuration to write; the run takes its name.")] = Path("mine.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Draft a configuration for labelled files; their content and names decide about formats, tasks and splits."""
    from sparse_sharing.config.section import NAME
    from sparse_sharing.inspection.draft import draft
    from sparse_sharing.storage.artifacts import write_text

    if output.exists() and not force:
        raise ConfigError(f"{output}: already exists; name another file with --output, or overwrite it with --force")
    run = re.sub(r"[^A-Za-z0-9_-]", "", output.stem)[:64]
    files_by_split = {name: paths for name, paths in (("train", train), ("dev", dev), ("test", test)) if paths}
    _check_files(files or [], files_by_split, split)
    with without_collector():
        text = draft(files or [], run if re.fullmatch(NAME, run) else "mine", output, files_by_split, split)
    write_text(output, text)
    typer.echo(f"Wrote {output}. Read its comments, then run: sparse-sharing validate {output}")


def _check_files(files: list[Path], files_by_split: dict[str, list[Path]], split: str | None) -> None:
    """Raise ConfigError if options contradict each other or name no file."""
    if not files and not files_by_split:
        raise ConfigError("no file was named; name the files of all splits, or use --train, --dev and --test")
    if files and files_by_split:
        raise ConfigError("name either files whose names contain their split, or --train, --dev and --test, not both")
    if split and files_by_split.keys() & {"dev", "test"}:
        raise ConfigError("--split cuts dev and test from the training file; leave --dev and --test out")
    if split and not re.fullmatch(r"[1-9]\d?/[1-9]\d?/[1-9]\d?", split):
        raise ConfigError(
            f"--split: got '{split}'; expected shares in percent for train, dev and test, such as 80/10/10"
        )
    if files_by_split and not split and not files_by_split.keys() >= {"train", "test"}:
        raise ConfigError("expected --train and --test, or --train and --split 80/10/10")


@app.command()
def validate(
    config: Annotated[Path, typer.Argument(help="Configuration of the run.")] = Path("config.yaml"),
    data_root: Annotated[str | None, typer.Option(help="Take this folder instead of the one in the file.")] = None,
    estimate: Annotated[bool, typer.Option(help="Train a few steps to estimate how long the run will take.")] = True,
    cores: Annotated[int, typer.Option(min=1, help="Jobs that run at once, for the estimate.")] = 2,
) -> None:
    """Check the files, columns, schemes, labels, splits and vectors of a configuration before training."""
    from collections import Counter

    from sparse_sharing.inspection.budgets import check_budgets
    from sparse_sharing.inspection.checks import check_data, demo_files
    from sparse_sharing.inspection.findings import Findings
    from sparse_sharing.pipeline.jobs import jobs_of
    from sparse_sharing.pipeline.stage import STAGE

    configuration = load_config(config, **({} if data_root is None else {"data_root": data_root}))
    specs, findings = Specs(configuration), Findings()
    with demo_files(configuration) as folder, without_collector():
        data = check_data(configuration, folder, findings)
    check_budgets(specs, data, findings)
    jobs = jobs_of(specs)
    counts = Counter(job.stage for job in jobs)
    show_table(["level", "where", "what"], [row for item in findings for row in _rows(item)], "Data")
    header, rows = ["stage", "jobs"], [[stage, counts[stage]] for stage in STAGE if counts[stage]]
    summary = [f"{len(jobs)} jobs."]
    if estimate and not findings.errors:
        time, sentences = _estimate(jobs, data, specs, cores)
        header.append("time, one job at a time")
        rows = [[*row, time[row[0]]] for row in rows]
        summary += sentences
    show_table(header, rows, "Jobs")
    typer.echo(" ".join(summary))
    if findings.errors:
        count = "1 error" if findings.errors == 1 else f"{findings.errors} errors"
        typer.echo(f"{count}: the run would stop. Correct the configuration or the data and validate again.", err=True)
        raise typer.Exit(DataError.exit_code)
    typer.echo("No errors found.")


def _rows(item: Finding) -> list[tuple[str, str, str]]:
    """The lines of a finding as rows of a table, one row for each place."""
    first, *rest = item.text.split("\n")
    return [(item.level, item.place, first), *(("", "", line) for line in rest)]


def _estimate(jobs: list, data: dict, specs: Specs, cores: int) -> tuple[dict[str, str], list[str]]:
    """The time of each stage in words, and sentences about the whole run."""
    from sparse_sharing.encoders.base import complete
    from sparse_sharing.inspection.estimate import estimate
    from sparse_sharing.pipeline.pretrained import pretrained_folder
    from sparse_sharing.terminal.progress import duration

    set_threads(1)
    prepared = {
        dataset: specs.prepare(dataset).model_copy(update={"corpora": specs.corpora(dataset)})
        for dataset in specs.datasets
    }
    model = complete(specs.config.model, pretrained_folder(specs.config))
    estimated = estimate(jobs, data, model, specs.config.device, prepared)
    summary = [
        f"About {duration(estimated.on(cores))} on {cores} cores, {duration(sum(estimated.stages.values()))} on one, "
        f"{duration(estimated.chain)} on any number.",
        f"About {estimated.disk / 1e6:,.0f} MB on disk.",
        "Times are measured on a few steps, on this machine under its present load, and assume no early stopping.",
    ]
    return {stage: duration(seconds) for stage, seconds in estimated.stages.items()}, summary
