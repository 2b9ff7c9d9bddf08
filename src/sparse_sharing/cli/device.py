"""Options about the machine that computes."""

from typing import Annotated, Literal

import typer

Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes a GPU if there is one.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; jobs side by side with one each do more.")]
