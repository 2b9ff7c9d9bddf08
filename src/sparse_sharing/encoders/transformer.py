"""A pretrained transformer as the encoder that all tasks share."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.config.encoders.transformer import Lora, Transformer
from sparse_sharing.encoders.base import Encoder, TextSizes
from sparse_sharing.encoders.piece_windows import WindowReader
from sparse_sharing.encoders.pieces import WordTokenizer
from sparse_sharing.encoders.pretrained import (
    before_positions,
    build_module,
    download,
    positions,
    read_architecture,
    read_licence,
    read_tokenizer,
    read_weights,
    table_name,
    table_shape,
)
from sparse_sharing.encoders.task_parts import PREFIX, Part, TaskParts
from sparse_sharing.encoders.transformer_units import shrink, unit_axes
from sparse_sharing.encoders.trimming import trimmed
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.tensor_info import FirstValues, Role, TensorInfo
from sparse_sharing.pipeline.pretrained import pretrained_digest
from sparse_sharing.text.batches import Batch, Origin, gold_tags, padded_positions
from sparse_sharing.text.encoded import EncodedText

_layer = re.compile(r"(?:^|\.)\w*layers?\.(\d+)\.")

_ROLES: Mapping[Role, str] = {
    "matrix": "matrices",
    "embedding": "embeddings",
    "rows": "embeddings",
    "norm": "norms",
    "bias": "biases",
}
"""For each role the key that decides what tasks do with such tensors."""


@dataclass(frozen=True)
class PieceBatch(Batch):
    """A batch of windows of pieces.

    Attributes:
        piece_rows: int64 [W], the distinct pieces of the batch.
        pieces: int64 [N, P], the index of each piece in `piece_rows`, N windows of up to P pieces.
        attended: bool [N, P], False at padding.
        places: int64 [K], the pieces that the words read, as indices into [N * P]; the words of the batch are in the
            order of [L, B], and a position after the end of a sentence reads one piece.
        starts: int64 [L * B], where each word begins in `places`.
    """

    piece_rows: Tensor
    pieces: Tensor
    attended: Tensor
    places: Tensor
    starts: Tensor
    table: str

    SHARES_NOISE = False

    @property
    def rows(self) -> Mapping[str, Tensor]:
        """See `Batch`."""
        return {self.table: self.piece_rows}

    def cut(self, columns: slice) -> "PieceBatch":
        """See `Batch`; dropout draws other numbers for a part than for the whole."""
        mask = self.mask[:, columns]
        length = int(mask.sum(0).max())
        words = torch.arange(self.mask.numel(), device=mask.device).view(self.mask.shape)[:length, columns].reshape(-1)
        ends = torch.cat([self.starts[1:], self.starts.new_tensor([len(self.places)])])
        counts = (ends - self.starts)[words]
        starts = counts.cumsum(0) - counts
        inside = torch.arange(int(counts.sum()), device=mask.device) - starts.repeat_interleave(counts)
        places = self.places[self.starts[words].repeat_interleave(counts) + inside]
        width = self.pieces.shape[1]
        windows, window_of = (places // width).unique(return_inverse=True)
        attended = self.attended[windows]
        kept = int(attended.sum(1).max())
        return PieceBatch(
            tags=self.tags[:length, columns].contiguous(),
            mask=mask[:length].contiguous(),
            origin=Origin(len(self.mask), self.mask.shape[1], columns),
            piece_rows=self.piece_rows,
            pieces=self.pieces[windows, :kept].contiguous(),
            attended=attended[:, :kept].contiguous(),
            places=window_of * kept + places % width,
            starts=starts,
            table=self.table,
        )


class TransformerEncoder(Encoder[Transformer, PieceBatch]):
    """Pieces -> states of the last layer -> states of words."""

    section = Transformer

    def __init__(self, model: Transformer, sizes: TextSizes) -> None:
        """See `Encoder`; the section must have been completed from its folder: see `complete`."""
        super().__init__(model, sizes)
        if model.architecture is None or model.tokenizer is None:
            raise ArtifactError("these weights lack the description of their transformer; make them again")
        self.body = build_module(model.architecture, model.dropout)
        shrink(self.body, sizes.units)
        self.table = f"body.{table_name(self.body)}"
        self.table_shape = table_shape(model.architecture, self.body)
        self.tokenizer = WordTokenizer(model.tokenizer, model.architecture.get("pad_token_id") or 0)
        most = positions(self.body)
        if self.tokenizer.size > self.table_shape[0]:
            raise ArtifactError(
                f"the tokenizer has {self.tokenizer.size} pieces, the model {self.table_shape[0]}: they do not belong "
                "together"
            )
        if model.window is not None and model.window > most:
            raise ArtifactError(
                f"model.window: got {model.window}; expected at most {most}, the positions of the pretrained model"
            )
        capacity = (model.window or most) - self.tokenizer.frame.size
        self.windows = WindowReader(self.tokenizer, capacity, model.pieces)
        self.tasks = self._task_parts(sizes.tasks)

    @classmethod
    def complete(cls, model: Transformer, folder: Path | None) -> Transformer:
        """See `Encoder`; a model on the Hub is downloaded if no folder is given."""
        if folder is None:
            if model.revision is None:
                raise ConfigError("a transformer needs the folder of its pretrained weights; add --pretrained FOLDER")
            folder = download(model.pretrained, model.revision)
        elif model.digest not in (None, digest := pretrained_digest(folder)):
            raise ArtifactError(f"{folder}: its files have digest {digest}, expected {model.digest}")
        completed = {
            "architecture": read_architecture(folder),
            "tokenizer": read_tokenizer(folder),
            "licence": read_licence(folder),
            "folder": str(folder),
        }
        return model.model_copy(update=completed)

    def tensors(self) -> list[TensorInfo]:
        """See `Encoder`; initial values are the pretrained ones, read from the folder in the section."""
        values = _Pretrained(self.model.folder, self.body)
        frozen: set[Role] = {role for role in _ROLES if self._use_of(role) in ("frozen", "private")}
        declarations = {
            f"body.{name}": _declare(f"body.{name}", parameter, module, values.first(f"body.{name}"), frozen)
            for name, parameter, module in self._shared()
        }
        top = max(info.layer for info in declarations.values())
        # The normalization after the last layer belongs to that layer.
        declarations |= {
            name: replace(info, layer=top) for name, info in declarations.items() if ".final_norm." in name
        }
        # Masks over units cover biases, and cannot cover a copy of them for each task.
        axes = unit_axes(self.body) if self.model.biases != "private" else {}
        declarations |= {
            f"body.{name}": replace(declarations[f"body.{name}"], units=units) for name, units in axes.items()
        }
        rows = TensorInfo(self.table, self.table_shape, 0, "rows", values.first(self.table), frozen="rows" in frozen)
        of_tasks = [
            _declare_part(f"{PREFIX}.{key}", part, parameter, declarations[f"body.{part.origin}"])
            for (key, part), parameter in zip(self.tasks.parts.items(), self.tasks.parameters(), strict=True)
        ]
        return [*declarations.values(), *of_tasks, rows]

    def _shared(self) -> Iterator[tuple[str, nn.Parameter, nn.Module]]:
        """The parameters of the body, by their names in it, with the module that each belongs to."""
        modules = dict(self.body.named_modules())
        for name, parameter in self.body.named_parameters():
            yield name, parameter, modules[name.rpartition(".")[0]]

    def _use_of(self, role: Role) -> str:
        """What tasks do with the tensors of a role: `shared`, `frozen` or `private`."""
        return getattr(self.model, _ROLES[role]) or "shared"

    def _task_parts(self, tasks: Sequence[str]) -> TaskParts:
        roles: dict[str, Role] = {name: _role(parameter, module) for name, parameter, module in self._shared()}
        copied = [name for name, role in roles.items() if self._use_of(role) == "private"]
        updated = [
            name
            for name, _, module in self._shared()
            if self.model.lora and roles[name] == "matrix" and isinstance(module, nn.Linear) and _layer.search(name)
        ]
        lora = self.model.lora or Lora()
        return TaskParts(self.body, tasks if copied or updated else (), copied, updated, lora.rank, lora.scale)

    def for_task(self, task: str, values: Mapping[str, Tensor]) -> tuple[Transformer, dict[str, Tensor]]:
        """See `Encoder`; copies replace what they are copies of, and updates are added to their matrices."""
        private = {key: "shared" for key in ("norms", "biases") if getattr(self.model, key) == "private"}
        model = self.model.model_copy(update={**private, "lora": None})
        return model, self.tasks.folded(task, values, "body.")

    def width(self, readout: int) -> int:
        """See `Encoder`."""
        return int(self.body.config.hidden_size)

    def trimmed(
        self, section: EncoderSection, values: Mapping[str, Tensor], words: Iterable[str]
    ) -> tuple[EncoderSection, dict[str, Tensor]]:
        """See `Encoder`; words of other pieces are split into smaller ones."""
        needed = self.tokenizer.needed(words) | set(range(before_positions(self.body)))
        description, ids = trimmed(self.tokenizer.description, needed)
        number_of = {old: new for new, old in enumerate(ids.tolist())}
        architecture = {
            key: number_of.get(value) if key.endswith("_token_id") else value
            for key, value in (self.model.architecture or {}).items()
        }
        update = {"tokenizer": description, "architecture": {**architecture, "vocab_size": len(ids)}}
        rows = values[self.table].index_select(0, torch.from_numpy(ids))
        return section.model_copy(update=update), {**values, self.table: rows}

    def checkpoint_activations(self, on: bool) -> None:
        """See `Encoder`."""
        # Releases of the library before the name was changed have only the second.
        names = ("activation_checkpointing", "gradient_checkpointing")
        name = next(name for name in names if hasattr(self.body, f"{name}_enable"))
        if on:
            getattr(self.body, f"{name}_enable")({"use_reentrant": False})
        else:
            getattr(self.body, f"{name}_disable")()

    def readout_of(self, task: str, kept: Sequence[str]) -> int:
        """See `Encoder`; always the last layer, since each layer adds to the states of the one below.

        If tasks have tensors of their own, the number of the task, counted from 1.
        """
        return self.tasks.tasks.index(task) + 1 if self.tasks.parts else 1

    def unread(self, parts: Mapping[str, Tensor], readout: int) -> list[Tensor]:
        """See `Encoder`; every task reads all layers, but not the tensors of other tasks."""
        task = self.tasks.tasks[readout - 1] if self.tasks.parts else None
        return [parts[f"{PREFIX}.{key}"] for key, part in self.tasks.parts.items() if part.task != task]

    def batch(
        self,
        text: EncodedText,
        indices: Sequence[int] | np.ndarray,
        task: str | None = None,
        random: np.random.Generator | None = None,
    ) -> PieceBatch:
        """See `Encoder`."""
        positions_, mask = padded_positions(text, indices)
        windows = self.windows.read(text, indices)
        # The words in the order of [L, B]; after the end of a sentence, one that reads the first piece.
        lengths, last = mask.sum(0), len(windows.offsets) - 1
        numbers = np.cumsum(lengths) - lengths + np.arange(len(mask))[:, None]
        words = np.where(mask, numbers, last).reshape(-1)
        firsts, counts = np.append(windows.offsets[:-1], windows.offsets[-1]), np.append(np.diff(windows.offsets), 1)
        starts = np.cumsum(counts[words]) - counts[words]
        inside = np.arange(counts[words].sum()) - np.repeat(starts, counts[words])
        places = np.append(windows.places, 0)[np.repeat(firsts[words], counts[words]) + inside]
        piece_rows, pieces = np.unique(windows.ids, return_inverse=True)
        return PieceBatch(
            piece_rows=torch.from_numpy(piece_rows),
            pieces=torch.from_numpy(pieces.reshape(windows.ids.shape)),
            attended=torch.from_numpy(windows.attended),
            places=torch.from_numpy(places),
            starts=torch.from_numpy(starts),
            table=self.table,
            tags=torch.from_numpy(gold_tags(text, task, positions_, mask)),
            mask=torch.from_numpy(mask),
        )

    def states(self, rows: Mapping[str, Tensor], batch: PieceBatch, readout: int) -> Tensor:
        """See `Encoder`; of the last layer."""
        if self.tasks.parts:
            self.tasks.activate(self.tasks.tasks[readout - 1])
        hidden = self.body(
            inputs_embeds=functional.embedding(batch.pieces, rows[self.table]), attention_mask=batch.attended.long()
        ).last_hidden_state
        flat = hidden.reshape(-1, hidden.shape[2])
        if len(batch.places) == len(batch.starts):
            states = flat.index_select(0, batch.places)
        else:
            states = functional.embedding_bag(batch.places, flat, batch.starts, mode="mean")
        return states.view(*batch.mask.shape, -1)


class _Pretrained:
    """The pretrained weights, read on first use."""

    def __init__(self, folder: str | None, body: nn.Module) -> None:
        self.folder, self.body = folder, body
        self.values: dict[str, Tensor] | None = None

    def first(self, name: str) -> FirstValues:
        """A function that fills the tensor of a name with its pretrained values."""

        def fill(tensor: Tensor, source: torch.Generator) -> None:
            if self.folder is None:
                raise ArtifactError("missing the folder of the pretrained model, from which initial weights are read")
            if self.values is None:
                self.values = read_weights(Path(self.folder), self.body)
            value = self.values[name.removeprefix("body.")]
            if value.shape != tensor.shape:
                raise ArtifactError(
                    f"{self.folder}: {name} has shape {tuple(value.shape)}, expected {tuple(tensor.shape)} by "
                    "config.json"
                )
            tensor.copy_(value)

        return fill


def _role(parameter: nn.Parameter, module: nn.Module) -> Role:
    if "norm" in type(module).__name__.lower():
        return "norm"
    if parameter.dim() == 1:
        return "bias"
    return "matrix" if isinstance(module, nn.Linear | nn.Conv1d) else "embedding"


def _declare(
    name: str, parameter: nn.Parameter, module: nn.Module, first: FirstValues, frozen: Collection[Role]
) -> TensorInfo:
    """The declaration of a parameter: masks cover the matrices of attention and feed-forward network in the layers."""
    match, role = _layer.search(name), _role(parameter, module)
    number = int(match[1]) + 1 if match else 0
    return TensorInfo(
        name,
        tuple(parameter.shape),
        number,
        role,
        first,
        prunable=role == "matrix" and number > 0,
        layer_name=f"layer {number}" if number else "embeddings",
        frozen=role in frozen,
    )


def _declare_part(name: str, part: Part, parameter: nn.Parameter, origin: TensorInfo) -> TensorInfo:
    """The declaration of a tensor of one task, from that of the tensor of all tasks that it replaces or updates."""
    declaration = replace(
        origin, name=name, shape=tuple(parameter.shape), prunable=False, frozen=False, units=(), task=part.task
    )
    return replace(declaration, copy_of=origin.name) if part.kind == "copy" else replace(declaration, first=part.first)
