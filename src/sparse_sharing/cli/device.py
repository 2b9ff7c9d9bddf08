"""Options for the device and the number of threads."""

from typing import Annotated, Literal

import typer

Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto uses a GPU if there is one.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; several jobs with one thread each get more done.")]
