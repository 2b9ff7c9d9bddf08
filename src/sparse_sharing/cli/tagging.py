"""The command that tags text."""

import gc
import io
import logging
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sparse_sharing.cli.device import Device, Threads
from sparse_sharing.errors import ConfigError

app = typer.Typer()
log = logging.getLogger(__name__)

ModelFolder = Annotated[
    Path, typer.Argument(help="Folder of a trained or exported model, or of a run, whose best model is used.")
]

BATCHES_TOGETHER = 32
"""Batches of sentences that are sorted by length together."""


@app.command()
def tag(
    model: ModelFolder,
    file: Annotated[Path | None, typer.Argument(help="Text, plain or gzip; standard input if left out.")] = None,
    kind: Annotated[
        Literal["auto", "raw", "tokens", "columns", "conllu", "jsonl"],
        typer.Option(
            "--input",
            metavar="FORM",
            help="raw: plain text. tokens: a sentence a line, its tokens between spaces. columns: a token a line. "
            'conllu: CoNLL-U. jsonl: on each line an object with a list "tokens", or a "text". '
            "auto decides by the first lines, and stops where they could be columns or text.",
        ),
    ] = "auto",
    word_column: Annotated[int, typer.Option(help="Column of the words, from 0, or from the end: -1 is last.")] = 0,
    output: Annotated[
        Literal["auto", "columns", "jsonl", "huggingface", "color"],
        typer.Option(
            metavar="FORM",
            help="auto: color on a terminal, else columns, or the form of the input if it is CoNLL-U or jsonl. "
            "jsonl: one JSON object for each sentence. huggingface: a list of entities for each sentence. "
            "color: text with coloured tags.",
        ),
    ] = "auto",
    tasks: Annotated[
        str | None, typer.Option(help="Tasks, separated by commas, in the order of the output; if left out, all.")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also write the probability of each tag.")
    ] = False,
    vectors: Annotated[
        Path | None,
        typer.Option(help="The word vectors used in training, for words that the training text lacks."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences in a batch.")] = 128,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Tag text with all or some tasks of a model, from a file or standard input to standard output.

    An exported model with network.onnx is run by onnxruntime, without torch.
    """
    from sparse_sharing.tagging import reading, writing
    from sparse_sharing.tagging.loading import load_tagger

    tagger = load_tagger(model, vectors, device, threads)
    names = tagger.require_tasks(None if tasks is None else [name.strip() for name in tasks.split(",")])
    if output == "huggingface" and not any(tagger.decoders[name].has_spans for name in names):
        raise ConfigError(f"--output huggingface: {', '.join(names)} has no spans; use jsonl")
    if tagger.lacks_vectors:
        log.warning("the model was trained with word vectors; without --vectors FILE it knows fewer words")
    source = "standard input" if file is None else str(file)
    lines = reading.live_lines(sys.stdin.buffer, source) if file is None else reading.file_lines(file)
    items, detected = reading.read_items(lines, kind, word_column, source, tagger.known_tags)
    if kind == "auto":
        log.info("%s is read as %s (--input says otherwise); tasks: %s", source, detected, ", ".join(names))
    terminal = sys.stdout.isatty()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    write = writing.make_writer(_output_kind(output, terminal, detected), sys.stdout, terminal)
    # Everything loaded so far stays: keep the garbage collector from scanning it while sentences come and go.
    gc.freeze()
    for chunk in reading.in_chunks(items, BATCHES_TOGETHER * batch_size):
        tagged = tagger.tag_sentences([item.sentence for item in chunk], names, probabilities, batch_size)
        write(zip(chunk, tagged, strict=True))
        sys.stdout.flush()


def _output_kind(asked: str, terminal: bool, detected: str) -> str:
    """The output that `auto` means: colours on a terminal, else the form of the input; CoNLL-U for its columns."""
    if asked == "auto" and terminal:
        return "color"
    if asked == "auto":
        asked = "jsonl" if detected == "jsonl" else "columns"
    return "conllu" if asked == "columns" and detected == "conllu" else asked
