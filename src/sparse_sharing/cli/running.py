"""The command that runs the workflow, from data to report."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.config import load_config

app = typer.Typer()

INTERRUPTED = 130

CURRENT = Path("config.yaml")
"""The configuration of the current folder, which need not be named."""


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="Configuration of the run; the demo if left out.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- SNAKEMAKE OPTIONS]", help="Options and targets of Snakemake, after --."),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Jobs that run at once; if left out, as many as the machine has cores.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Run jobs elsewhere: slurm, kubernetes, cluster-generic, or the folder of a profile."),
    ] = None,
    name: Annotated[str | None, typer.Option("--run", help="Name of the run instead of the one in the file.")] = None,
    data_root: Annotated[str | None, typer.Option(help="Folder to use instead of data_root in the file.")] = None,
) -> None:
    """Run the workflow: prepare, train, evaluate, tables, report; finished jobs do not run again."""
    from sparse_sharing.running import snakemake

    options = list(options or [])
    if config is not None and str(config).startswith("-"):
        # Without a configuration, Typer takes the first option of Snakemake after `--` for it.
        config, options = None, [str(config), *options]
    path = config or _default()
    if config is None and path != CURRENT:
        typer.echo(f"No configuration was named, and there is no {CURRENT} here: this is the demo ({path}).", err=True)
    overrides = {key: value for key, value in (("run", name), ("data_root", data_root)) if value is not None}
    configuration = load_config(path, **overrides)
    if cores is None and profile is None:
        cores = len(os.sched_getaffinity(0))
    code, interrupted = snakemake.run(snakemake.command(path, cores, overrides, profile, options))
    if interrupted:
        typer.echo(
            "Interrupted. Finished jobs are kept. Start the same command again: each job resumes after its last "
            "finished epoch.",
            err=True,
        )
        raise typer.Exit(INTERRUPTED)
    if snakemake.runs_jobs(options):
        from sparse_sharing.running.summary import failure, success
        from sparse_sharing.terminal.escaping import visible_lines

        typer.echo(visible_lines("\n" + (failure if code else success)(configuration)), err=bool(code))
    raise typer.Exit(code)


def _default() -> Path:
    """The configuration in the current folder, or else the demo."""
    from sparse_sharing.running.snakemake import workflow_folder

    return CURRENT if CURRENT.exists() else workflow_folder() / CURRENT
