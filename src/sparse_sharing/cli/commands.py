"""The list of all commands, and the group that loads the module of a command when it is asked for.

The list of `--help` needs no module at all: what each command does is said here in a line, by itself in full.
"""

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "init": ("own_data", "Draft a configuration from your files"),
        "validate": ("own_data", "Check data and settings, and estimate the time, before anything is trained"),
        "run": ("running", "Run the workflow: from data to models, tables and report"),
    },
    "Follow": {
        "status": ("following", "Show how far a run is"),
        "why": ("following", "Say why a file would be made again"),
        "compare": ("comparing", "Show how two runs differ in scores and settings"),
        "tensorboard": ("comparing", "Write the learning curves for TensorBoard"),
    },
    "Use": {
        "tag": ("tagging", "Tag text with a trained model"),
        "serve": ("serving", "Answer requests for tags over HTTP"),
        "export": ("models", "Take one task out of a model, also as ONNX"),
        "extend": ("extending", "Add a task to a finished model"),
        "remove": ("extending", "Remove a task from a model"),
        "size": ("models", "Show the bytes that a model takes"),
        "evidence": ("comparing", "Archive the counts behind every test score as plain CSV"),
        "bundle": ("keeping", "Pack what stands behind the results of a run, without text"),
        "clean": ("keeping", "Remove what can be made again"),
        "masks": ("masks", "Show, compare and combine masks"),
    },
    "Stages": {
        "demo": ("stages", "Write the demo corpora"),
        "download": ("stages", "Fetch a file of the section `download`"),
        "prepare": ("stages", "Read the text of a dataset and encode it"),
        "prepare-task": ("stages", "Read the tags of one task and encode them"),
        "warmup": ("stages", "Make the starting weights"),
        "prune": ("stages", "Find the masks of one task"),
        "search": ("stages", "Look for the density of each task"),
        "select": ("stages", "Choose a mask for each task"),
        "train": ("stages", "Train a model of a system"),
        "add-task": ("stages", "Add a task to the model of a system"),
        "merge": ("stages", "Merge the models of single tasks"),
        "evaluate": ("stages", "Score a model on the test text"),
        "tables": ("stages", "Gather the results of a run"),
        "report": ("stages", "Show a finished run on one HTML page"),
        "figures": ("stages", "Draw the tables of a run"),
        "spec": ("specs", "Print what a stage is to do: the file for its option --spec"),
        "schema": ("specs", "Print the JSON schema of the configuration"),
        "reference": ("specs", "Print the reference of all configuration keys"),
    },
}
"""By panel of the help and name: the module of the command below `sparse_sharing.cli`, and what the command does."""

MODULES = {name: module for panel in COMMANDS.values() for name, (module, _) in panel.items()}


class Commands(TyperGroup):
    """A group whose commands are loaded one by one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None if there is none."""
        if cmd_name not in MODULES:
            # Typer suggests the nearest of the names in `commands`.
            self.commands.update({name: TyperCommand(name) for name in MODULES})
            return None
        module = importlib.import_module(f"sparse_sharing.cli.{MODULES[cmd_name]}")
        found = typer.main.get_command(module.app)
        return found.commands[cmd_name] if isinstance(found, TyperGroup) else found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands by panel, in plain text: without the libraries that draw boxes it is there at once."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for panel, commands in COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])
        with formatter.section("Options"):
            formatter.write_dl([("--version", "Print the version and leave"), ("-h, --help", "Show this help")])
        formatter.write_paragraph()
        formatter.write_text("`sparse-sharing COMMAND --help` says more of a command.")
