"""Options that several commands have, and how their values are read."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.errors import ConfigError

SpecOption = Annotated[
    Path, typer.Option("--spec", metavar="FILE", help="The spec: a JSON file, as `sparse-sharing spec` prints it.")
]
Output = Annotated[Path, typer.Option("--output", help="Folder to write into; it is created if it is missing.")]
OutputFile = Annotated[Path, typer.Option("--output", help="File to write.")]
Vocabulary = Annotated[Path, typer.Option(help="vocabulary.json of the prepared dataset.")]
TrainText = Annotated[Path, typer.Option("--train", help="train.safetensors of the prepared dataset.")]
DevText = Annotated[Path, typer.Option("--dev", help="dev.safetensors of the prepared dataset.")]
Vectors = Annotated[Path, typer.Option(help="vectors.safetensors of the prepared dataset.")]
TrainFiles = Annotated[list[str], typer.Option("--train", metavar="CORPUS=FILE", help="Training file of a corpus.")]
DevFiles = Annotated[
    list[str] | None, typer.Option("--dev", metavar="CORPUS=FILE", help="Development file of a corpus.")
]
TestFiles = Annotated[list[str] | None, typer.Option("--test", metavar="CORPUS=FILE", help="Test file of a corpus.")]
Documents = Annotated[
    list[str] | None,
    typer.Option("--documents", metavar="CORPUS.SPLIT=FILE", help="List of the documents of a split."),
]
Weights = Annotated[Path, typer.Option(help="weights.safetensors to start from and to rewind to.")]


def parse_files(values: list[str]) -> dict[str, list[Path]]:
    """Read options of the form `NAME=FILE` as a mapping; a name can have several files.

    Raises:
        ConfigError: An option has another form.
    """
    named: dict[str, list[Path]] = {}
    for value in values:
        for name, path in parse_named([value]).items():
            named.setdefault(name, []).append(path)
    return named


def parse_named(values: list[str]) -> dict[str, Path]:
    """Read options of the form `NAME=FILE` as a mapping.

    Raises:
        ConfigError: An option has another form, or a name occurs twice.
    """
    named: dict[str, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise ConfigError(f"got '{value}'; expected NAME=FILE")
        if name in named:
            raise ConfigError(f"got two files for '{name}'; expected one")
        named[name] = Path(path)
    return named
