"""The list of all commands, and the group that imports the module of a command only when it is called.

`--help` imports no module: a line here says what each command does, and the command's own help says it in full.
"""

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "init": ("own_data", "Draft a configuration from your files"),
        "validate": ("own_data", "Check data and settings and estimate the time before training"),
        "run": ("running", "Run the workflow: from data to models, tables and report"),
    },
    "Follow": {
        "status": ("following", "Show how far a run is"),
        "why": ("following", "Explain why a file would be made again"),
        "compare": ("comparing", "Show how two runs differ in scores and settings"),
        "tensorboard": ("comparing", "Write the learning curves for TensorBoard"),
    },
    "Use": {
        "tag": ("tagging", "Tag text with a trained model"),
        "serve": ("serving", "Serve a model over HTTP"),
        "export": ("models", "Export one task of a model, or all tasks as ONNX"),
        "extend": ("extending", "Add a task to a finished model"),
        "remove": ("extending", "Remove a task from a model"),
        "size": ("models", "Show the size of a model in bytes"),
        "evidence": ("comparing", "Archive the counts behind every test score as plain CSV"),
        "bundle": ("keeping", "Archive a run for others: results, masks and settings, no text"),
        "clean": ("keeping", "Remove files that can be made again"),
        "masks": ("masks", "Show, compare and combine masks"),
    },
    "Stages": {
        "demo": ("stages", "Write the demo corpora"),
        "download": ("stages", "Download a file of the section `download`"),
        "prepare": ("stages", "Read the text of a dataset and encode it"),
        "prepare-task": ("stages", "Read the tags of one task and encode them"),
        "warmup": ("stages", "Make the starting weights: initial or warmed up"),
        "prune": ("stages", "Find the masks of one task"),
        "search": ("stages", "Search for the best density of each task"),
        "select": ("stages", "Choose a mask for each task"),
        "train": ("stages", "Train a model of a system"),
        "add-task": ("stages", "Add a task to the model of a system"),
        "merge": ("stages", "Merge the models of single tasks"),
        "evaluate": ("stages", "Score a model on the test text"),
        "tables": ("stages", "Collect the results of a run in tables"),
        "report": ("stages", "Show a finished run on one HTML page"),
        "figures": ("stages", "Draw the tables of a run"),
        "spec": ("specs", "Print the spec of a stage: the file for its option --spec"),
        "schema": ("specs", "Print the JSON schema of the configuration"),
        "reference": ("specs", "Print the reference of all configuration keys"),
    },
}
"""For each panel of the help and each command: its module in `sparse_sharing.cli`, and what the command does."""

MODULES = {name: module for panel in COMMANDS.values() for name, (module, _) in panel.items()}


class Commands(TyperGroup):
    """A group whose commands are imported one by one, when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command with a name; None if there is none."""
        if cmd_name not in MODULES:
            # Typer suggests the most similar name in `commands`.
            self.commands.update({name: TyperCommand(name) for name in MODULES})
            return None
        module = importlib.import_module(f"sparse_sharing.cli.{MODULES[cmd_name]}")
        found = typer.main.get_command(module.app)
        return found.commands[cmd_name] if isinstance(found, TyperGroup) else found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by panel in plain text, without importing the slow libraries that draw boxes."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for panel, commands in COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])
        with formatter.section("Options"):
            formatter.write_dl([("--version", "Print the version and exit"), ("-h, --help", "Show this help")])
        formatter.write_paragraph()
        formatter.write_text("Help for one command: `sparse-sharing COMMAND --help`.")
