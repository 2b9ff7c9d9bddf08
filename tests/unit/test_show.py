"""Tables for people: plain where the output is no terminal, drawn where it is."""

import io

import pytest
from rich.console import Console

from sparse_sharing.cli import show

ROWS = [("prune", 12, "running"), ("[bold]", 3, None)]


def test_plain_tables_have_aligned_columns_and_no_spaces_at_line_ends(capsys):
    show.show_table(["stage", "jobs", "state"], ROWS, "Run")
    assert capsys.readouterr().out == "Run\nstage   jobs  state\nprune     12  running\n[bold]     3\n\n"


def test_a_table_without_rows_is_its_header(capsys):
    show.show_table(["stage", "jobs"], [])
    assert capsys.readouterr().out == "stage  jobs\n\n"


@pytest.mark.parametrize("width", [30, 120])
def test_on_a_terminal_nothing_in_a_cell_is_markup(monkeypatch, width):
    out = io.StringIO()
    monkeypatch.setattr(show.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(
        "rich.console.Console", lambda: Console(file=out, width=width, force_terminal=True, color_system=None)
    )
    show.show_table(["stage", "jobs", "state"], ROWS, "Run")
    assert "[bold]" in out.getvalue()
    assert "prune" in out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_in_a_cell_steers_a_terminal(monkeypatch, capsys, terminal):
    monkeypatch.setattr(show.sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda: Console(width=80, force_terminal=True, color_system=None))
    show.show_table(["label"], [["B-\x1b]0;owned\x07"]])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "B-\\u001b]0;owned\\u0007" in shown
