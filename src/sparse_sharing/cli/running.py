"""The command that runs the workflow, from data to report."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.config import load_config

app = typer.Typer()

INTERRUPTED = 130


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="Configuration of the run; the demo if left out.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- SNAKEMAKE OPTIONS]", help="Options and targets of Snakemake, after --."),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Jobs side by side; as many as the machine has cores if left out.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Where jobs run instead: slurm, kubernetes, cluster-generic, or a folder.")
    ] = None,
    name: Annotated[str | None, typer.Option("--run", help="Name of the run instead of the one in the file.")] = None,
    data_root: Annotated[str | None, typer.Option(help="Take this folder instead of the one in the file.")] = None,
) -> None:
    """Run the workflow: prepare, train, evaluate, tables, report; what is done already is not done again."""
    from sparse_sharing.running import snakemake

    options = list(options or [])
    if config is not None and str(config).startswith("-"):
        # After `--` alone the first option of Snakemake is taken for the configuration.
        config, options = None, [str(config), *options]
    path = config or _default()
    overrides = {key: value for key, value in (("run", name), ("data_root", data_root)) if value is not None}
    given = load_config(path, **overrides)
    if cores is None and profile is None:
        cores = len(os.sched_getaffinity(0))
    code, interrupted = snakemake.run(snakemake.command(path, cores, overrides, profile, options))
    if interrupted:
        typer.echo(
            "Interrupted. What is finished is kept: start the same command again, and each job continues after its "
            "last finished epoch.",
            err=True,
        )
        raise typer.Exit(INTERRUPTED)
    if snakemake.runs_jobs(options):
        from sparse_sharing.running.summary import failure, success
        from sparse_sharing.terminal.display import visible_lines

        typer.echo(visible_lines("\n" + (failure if code else success)(given)), err=bool(code))
    raise typer.Exit(code)


def _default() -> Path:
    """The configuration of this folder, or else the demo."""
    from sparse_sharing.running.snakemake import workflow_folder

    own = Path("config.yaml")
    return own if own.exists() else workflow_folder() / own
