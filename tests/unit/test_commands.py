"""The list of commands and the modules that hold them say the same."""

import importlib
import pkgutil

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from sparse_sharing import cli
from sparse_sharing.cli.commands import COMMANDS, MODULES


def commands_of(module):
    """The names of the commands of a module of the command line, and of its groups."""
    app = getattr(importlib.import_module(f"sparse_sharing.cli.{module}"), "app", None)
    if app is None or module == "program":
        return set()
    found = typer.main.get_command(app)
    return set(found.commands) if isinstance(found, TyperGroup) else {found.name}


def test_every_command_is_in_the_list_with_its_module():
    found = {name: module.name for module in pkgutil.iter_modules(cli.__path__) for name in commands_of(module.name)}
    assert found == MODULES


def test_the_help_has_every_command_below_the_title_of_its_panel():
    lines = CliRunner().invoke(cli.app, ["--help"]).output.splitlines()
    places = {panel: lines.index(f"{panel}:") for panel in COMMANDS}
    assert list(places.values()) == sorted(places.values())
    for panel, commands in COMMANDS.items():
        for name, (_, text) in commands.items():
            starts = [
                number for number, line in enumerate(lines) if line.startswith(f"  {name} ") and text[:40] in line
            ]
            assert len(starts) == 1, name
            assert places[panel] == max(place for place in places.values() if place < starts[0])


def test_a_mistyped_command_is_named_with_the_nearest():
    result = CliRunner().invoke(cli.app, ["statsu"])
    assert result.exit_code == 2
    assert "Did you mean 'status'" in result.output
