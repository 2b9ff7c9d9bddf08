"""Commands that follow a run: its progress, and why a file would be made again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.show import show_table
from sparse_sharing.config import Config, from_folder, load_config, parse_config, read_values
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.terminal.escaping import visible
from sparse_sharing.terminal.progress import duration

app = typer.Typer()

CONFIGS = ("*.yaml", "*.yml", "config/*.yaml", "config/*.yml")
"""Where the configuration of a results folder is searched for."""


@app.command()
def status(
    of: Annotated[Path, typer.Argument(metavar="[CONFIG|results/RUN]", help="The run to show.")] = Path("config.yaml"),
    run: Annotated[str | None, typer.Option(help="Name of the run, if it differs from the one in the file.")] = None,
) -> None:
    """Show the progress of a run from its files: jobs done, running and failed, best dev scores, time left."""
    from sparse_sharing.inspection.status import STATES, counts_by_stage, status_of

    config = find_config(of, run)
    folder = Path(layout.RUN.format(run=config.run))
    if not folder.is_dir():
        typer.echo(
            f"{folder}: not found in {Path.cwd()}; the run was not started here. Go to the folder where it "
            "was started, "
            f"or start it here: sparse-sharing run {of if of.is_file() else ''}".rstrip()
        )
        return
    if missing := layout.missing_sources(config):
        typer.echo(
            f"{len(missing)} files of the configuration are missing; the first is {visible(missing[0])}. "
            f"Check the paths and data_root (now '{visible(config.data_root)}').\n"
        )
    statuses = [status_of(job) for job in jobs_of(Specs(config))]
    counts = counts_by_stage(statuses)
    states = {"done", "running", "failed"}.union(*counts.values())
    shown = [state for state in STATES if state in states]
    rows = [[stage, by_state.total(), *(by_state[state] for state in shown)] for stage, by_state in counts.items()]
    show_table(["stage", "jobs", *shown], rows, f"Run {config.run}")
    if running := [job_status for job_status in statuses if job_status.state == "running"]:
        cells = [
            (job_status.job.label, record.get("at", "starting"), _score(record.get("best")), _left(record))
            for job_status in running
            for record in [job_status.record]
        ]
        show_table(["running", "at", "best dev", "time left"], cells)
    if stopped := [job_status for job_status in statuses if job_status.state in ("failed", "interrupted")]:
        show_table(["stopped", "state", "log", "says"], [(f.job.label, f.state, f.job.log, f.message) for f in stopped])


def _score(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) and value >= 0 else ""


def _left(record: Mapping[str, object]) -> str:
    seconds_left = record.get("left")
    return duration(seconds_left) if isinstance(seconds_left, int | float) else ""


def find_config(of: Path, run: str | None = None) -> Config:
    """The configuration in a file, or the configuration of the run in a results folder.

    Raises:
        ConfigError: The configuration is wrong, or not exactly one in the current folder belongs to the results folder.
    """
    overrides = {} if run is None else {"run": run}
    if not of.is_dir():
        return load_config(of, **overrides)
    configs = {}
    for path in sorted(path for pattern in CONFIGS for path in Path().glob(pattern)):
        try:
            # Reading YAML takes long, and checking a configuration takes longer.
            if of.name not in path.read_text(encoding="utf-8"):
                continue
            values = read_values(path)
            if values.get("run") == of.name:
                configs[path] = parse_config(from_folder(values, path.parent), str(path))
        except (ConfigError, OSError, UnicodeDecodeError):
            continue
    if len(configs) != 1:
        names = ", ".join(map(str, configs)) or "none"
        raise ConfigError(
            f"{of}: found {names} here and in config/ with 'run: {of.name}'; expected exactly one: name the file"
        )
    return next(iter(configs.values()))


@app.command()
def why(
    file: Annotated[Path, typer.Argument(help="A file or folder below results/ that a job makes.")],
    configfile: Annotated[Path, typer.Option(help="Configuration of the run.")] = Path("config.yaml"),
    run: Annotated[str | None, typer.Option(help="Name of the run, if it differs from the one in the file.")] = None,
    data_root: Annotated[str | None, typer.Option(help="Folder to use instead of data_root in the file.")] = None,
) -> None:
    """Explain why the job that makes a file would run again, back to the first change, or say that it would not."""
    from sparse_sharing.inspection.why import job_of, reasons

    if configfile == Path("config.yaml") and not configfile.exists():
        raise ConfigError("config.yaml: not found in this folder; name the configuration of the run: --configfile FILE")
    overrides = {name: value for name, value in (("run", run), ("data_root", data_root)) if value is not None}
    job = job_of(file, jobs_of(Specs(load_config(configfile, **overrides))))
    reasons_of_job = reasons(job)
    if not reasons_of_job:
        typer.echo(
            f"{job.label} would not run again: its files and all their inputs exist and were made with these settings."
        )
        return
    typer.echo(f"{job.label} would run again:")
    for reason in reasons_of_job:
        label = "" if reason.job is job else f"{reason.job.label}: "
        typer.echo(visible(f"  {label}{reason.text}"))
