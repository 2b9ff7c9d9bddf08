"""Commands that print the spec of a job, and the schema and the reference of all configuration keys."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.config import load_config, models_of
from sparse_sharing.config.schema import Config
from sparse_sharing.config.systems import STARTS
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline import specs as stage_specs
from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.storage.spec_files import spec_text

app = typer.Typer()


@app.command()
def spec(
    stage: Annotated[str, typer.Argument(help="A stage, such as prepare or train.")],
    config: Annotated[Path, typer.Option(help="Configuration of the run.")] = Path("config.yaml"),
    path: Annotated[str | None, typer.Option(help="Stage download: the path of the file in the configuration.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Stages prepare to evaluate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Stages warmup to evaluate.")] = None,
    start: Annotated[str | None, typer.Option(help="Stages warmup, prune and select.")] = None,
    task: Annotated[str | None, typer.Option(help="Stages prepare_task and prune.")] = None,
    pruning: Annotated[str | None, typer.Option(help="A name in the section prunings; stage prune_named.")] = None,
    choice: Annotated[str | None, typer.Option(help="Stage select.")] = None,
    system: Annotated[str | None, typer.Option(help="Stages train and evaluate.")] = None,
    model: Annotated[str | None, typer.Option(help="A task, or shared; stages train and evaluate.")] = None,
) -> None:
    """Print the spec of a stage under a configuration: the file for its option --spec."""
    values = {"path": path, "dataset": dataset, "seed": seed, "start": start, "task": task, "choice": choice}
    values |= {"system": system, "model": model, "pruning": pruning}
    typer.echo(spec_text(find_spec(load_config(config), stage, values)), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration."""
    typer.echo(json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False))


@app.command()
def reference() -> None:
    """Print the reference of all configuration keys as Markdown."""
    from sparse_sharing.config.reference import reference as text

    typer.echo(text(), nl=False)


def find_spec(config: Config, stage: str, values: dict[str, object]) -> stage_specs.Spec:
    """The spec of one job.

    Raises:
        ConfigError: There is no such stage, an option is missing, or its value is not in the configuration.
    """
    needed = {name: record.identity for name, record in STAGE.items()}
    if stage not in needed:
        raise ConfigError(f"there is no stage '{stage}'; stages are {', '.join(needed)}")
    if missing := [name for name in needed[stage] if values.get(name) is None]:
        raise ConfigError(f"stage {stage} needs the option --{missing[0]}")
    specs = Specs(config)
    dataset, system = str(values.get("dataset")), str(values.get("system"))
    choices_of = {
        "path": lambda: specs.sources,
        "dataset": lambda: specs.datasets,
        "seed": lambda: config.seeds,
        "start": lambda: [*STARTS, *(start for start in specs.starts() if start not in STARTS and stage == "warmup")],
        "task": lambda: specs.tasks(dataset),
        "pruning": lambda: config.prunings,
        "choice": lambda: specs.choices,
        "system": lambda: specs.systems,
        "model": lambda: models_of(specs.systems[system].sharing, specs.tasks(dataset, system)),
    }
    for name in needed[stage]:
        # The names of tasks and models depend on options that have been checked before.
        if values[name] not in (names := choices_of[name]()):
            raise ConfigError(f"--{name}: got '{values[name]}'; this configuration has {', '.join(map(str, names))}")
    return getattr(specs, stage)(*(values[name] for name in needed[stage]))
