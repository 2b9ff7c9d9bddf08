"""Commands on masks: show them, compare them, and combine them into new masks for a choice with rule `file`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparse_sharing.cli.show import show_table

if TYPE_CHECKING:
    from sparse_sharing.masks.mask import Mask
    from sparse_sharing.pipeline.spec import Spec

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Show, compare and combine masks; FILE:NAME names one task or round of a file."
)
app.add_typer(group, name="masks")

Operand = Annotated[str, typer.Argument(metavar="FILE[:NAME]", help="Masks of a selection, a pruning or a model.")]
Operands = Annotated[
    list[str], typer.Argument(metavar="FILE[:NAME]...", help="Files with masks; FILE:NAME names one mask of a file.")
]
NewMasks = Annotated[Path, typer.Option("--output", help="File for the new masks, such as half.safetensors.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random positions.")]


@group.command()
def show(file: Operand) -> None:
    """Show the density of each mask, over all weights and in each layer."""
    from sparse_sharing.masks.files import read_bits

    masks = read_bits(file)
    layers = list(next(iter(masks.values())).layers) if masks else []
    rows = [
        [name, mask.kept, f"{mask.density:.4f}", *(f"{value:.4f}" for value in mask.layers.values())]
        for name, mask in masks.items()
    ]
    show_table(["mask", "kept", "density", *layers], rows)


@group.command()
def overlap(files: Operands) -> None:
    """Show the overlap of each pair of masks and of all masks, in total and in each layer, and that of random masks."""
    from dataclasses import astuple
    from itertools import combinations

    from sparse_sharing.masks.analysis import compare_by_layer
    from sparse_sharing.masks.layers import ALL_LAYERS

    masks = _named(files)
    groups = list(combinations(masks, 2)) + ([tuple(masks)] if len(masks) > 2 else [])
    rows = [
        [" & ".join(names) if layer == ALL_LAYERS else "", layer, *(f"{value:.4f}" for value in astuple(layer_overlap))]
        for names in groups
        for layer, layer_overlap in compare_by_layer([masks[name] for name in names]).items()
    ]
    show_table(["masks", "layer", "overlap", "by chance", "by chance in each tensor"], rows)


@group.command()
def union(files: Operands) -> None:
    """Show how many weights are kept by none, one, two, ... of the masks."""
    from sparse_sharing.masks.analysis import shared_by

    masks = _named(files)
    counts = shared_by(list(masks.values()))
    rows = [[number, count, f"{count / sum(counts):.4f}"] for number, count in enumerate(counts)]
    show_table(["kept by", "weights", "share"], rows, f"{', '.join(masks)}: union {sum(counts[1:]):,} weights")


def _named(files: list[str]) -> dict:
    """All masks of some files; where two files use the same name, the file's label is put before it."""
    from sparse_sharing.errors import ConfigError
    from sparse_sharing.masks.files import read_masks, require_alike

    read = [read_masks(file) for file in files]
    require_alike(read)
    names = [name for file in read for name in file.masks]
    masks = {
        name if names.count(name) == 1 else f"{file.label} {name}": mask
        for file in read
        for name, mask in file.masks.items()
    }
    if len(masks) < 2:
        raise ConfigError(f"found one mask, {next(iter(masks))}; expected two or more: name another file")
    return masks


def _combine(operation: str, first: str, second: str, output: Path) -> None:
    from sparse_sharing.masks.algebra import combine
    from sparse_sharing.masks.files import MaskSpec, read_masks

    files = read_masks(first), read_masks(second)
    spec = MaskSpec(operation=operation, sources=[file.source for file in files])
    _write(output, spec, combine(operation, *files))


def _write(output: Path, spec: "Spec", masks: "dict[str, Mask]") -> None:
    """Write masks as a selection, which a choice with rule `file` can use, and show them."""
    from sparse_sharing.masks.files import require_kept, write_selection

    require_kept(masks)
    write_selection(output, spec, masks)
    show(str(output))


@group.command("and")
def and_(first: Operand, second: Operand, output: NewMasks) -> None:
    """Keep the weights that both masks keep."""
    _combine("and", first, second, output)


@group.command("or")
def or_(first: Operand, second: Operand, output: NewMasks) -> None:
    """Keep the weights that at least one mask keeps."""
    _combine("or", first, second, output)


@group.command()
def minus(first: Operand, second: Operand, output: NewMasks) -> None:
    """Keep the weights that the first mask keeps and the second does not."""
    _combine("minus", first, second, output)


@group.command()
def xor(first: Operand, second: Operand, output: NewMasks) -> None:
    """Keep the weights that exactly one of the two masks keeps."""
    _combine("xor", first, second, output)


@group.command()
def random_like(file: Operand, output: NewMasks, seed: Seed = 1) -> None:
    """Keep as many weights as each mask does, at random positions over all layers."""
    from sparse_sharing.masks.algebra import random_like

    _draw("random-like", random_like, file, output, seed)


@group.command()
def shuffle_layer(file: Operand, output: NewMasks, seed: Seed = 1) -> None:
    """Keep as many weights in each tensor as each mask does, at random positions within the tensor."""
    from sparse_sharing.masks.algebra import shuffle_layers

    _draw("shuffle-layer", shuffle_layers, file, output, seed)


def _draw(operation: str, draw: Callable, file: str, output: Path, seed: int) -> None:
    """Write masks that are drawn at random, one for each mask of a file."""
    from sparse_sharing.masks.files import MaskSpec, read_masks
    from sparse_sharing.training.seeds import generator

    masks = read_masks(file)
    spec = MaskSpec(operation=operation, sources=[masks.source], seed=seed)
    _write(output, spec, draw(masks.masks, lambda name: generator(seed, operation, name)))
