"""The network: word vectors, one shared encoder with a subnetwork per task, and a head per task.

All encoder parameters live in one flat buffer, `theta`. To run a task, `theta` times the task's mask is written into a
second buffer that the encoder reads: one multiplication, no copies of modules.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.config.schema import Architecture
from sparse_sharing.encoders.bilstm import Encoder, is_prunable
from sparse_sharing.encoders.cross_stitch import CrossStitchEncoder
from sparse_sharing.errors import ArtifactError
from sparse_sharing.heads.heads import make_head
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.network.memory import Room, is_gpu_shortage
from sparse_sharing.text.batches import Batch, make_batch, sorted_batches
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import UNKNOWN_WORD, Vocabulary

WORDS = "words.weight"
Found = TypeVar("Found")


class Network:
    """Weights and how they are run.

    Attributes:
        encoder: the module; its parameters are views of `work`.
        theta: float32 [P], the encoder's weights.
        work: float32 [P], what the encoder reads: `theta` with the active task's mask applied; the same memory as
            `theta` where no task has a mask.
        words: float32 [V, D], the word vectors.
        head_kinds: for each task what its head does with the states, and how its weights lie in `heads`.
        heads: for each task float32 [weights of its head].
        readouts: for each task where it reads the encoder's states: see `readout_of` of the encoder.
        ranges: for each task the parts of `theta` that it reads on the way there.
        keeps: for each task bool [P], True where its subnetwork has a weight or something all tasks share; None where
            it keeps everything that it reads.
        word_limits: for a task that knows only the first word ids, as others came later, how many: see `read_words`.
        room: how much runs at once when the network is applied.
        mixed: whether the encoder runs in bfloat16 while it is trained.
        factors: the same as float32 [P], 1 and 0: what a step multiplies by, several times as fast as by bool.
    """

    def __init__(self, model: Architecture, vocabulary: Vocabulary, device: torch.device | str = "cpu") -> None:
        """Build a network of zeros for the tasks of a vocabulary; `load` gives it weights."""
        self.model, self.vocabulary = model, vocabulary
        self.device = torch.device(device)
        encoder = CrossStitchEncoder if model.stacks else Encoder
        self.encoder = encoder(model, vocabulary.character_count).to(self.device)
        size = sum(parameter.numel() for parameter in self.encoder.parameters())
        self.theta = torch.zeros(size, device=self.device)
        self.words = torch.zeros(vocabulary.word_count, model.word_dimension, device=self.device)
        self.head_kinds = {
            task: make_head(model.head_of(task), 2 * model.hidden, tags, self.device)
            for task, tags in vocabulary.tasks.items()
        }
        self.heads = {
            task: torch.zeros(kind.size, device=self.device, requires_grad=True)
            for task, kind in self.head_kinds.items()
        }
        self.room, self.mixed = Room(), False
        self.word_limits: dict[str, int] = {}
        self.set_masks({})

    def _home(self, work: Tensor) -> None:
        """Make the encoder's parameters views of a flat buffer."""
        self.work = work
        start = 0
        for parameter in self.encoder.parameters():
            end = start + parameter.numel()
            parameter.data = work[start:end].view(parameter.shape)
            start = end

    def parts(self, flat: Tensor) -> dict[str, Tensor]:
        """A flat vector over all encoder parameters, cut into views with their names and shapes."""
        named = dict(self.encoder.named_parameters())
        parts = torch.split(flat, [parameter.numel() for parameter in named.values()])
        return {name: part.view(named[name].shape) for name, part in zip(named, parts, strict=True)}

    def values(self) -> dict[str, Tensor]:
        """All weights by name, as views: what `load` reads."""
        tensors = self.parts(self.theta) | {WORDS: self.words}
        for task, kind in self.head_kinds.items():
            parts = kind.parts(self.heads[task].detach())
            tensors |= {f"heads.{task}.{name}": part for name, part in parts.items()}
        return tensors

    def copy_values(self) -> dict[str, Tensor]:
        """A copy of all weights by name."""
        return {name: value.clone() for name, value in self.values().items()}

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Take weights by name; those of other tasks' heads are ignored.

        Raises:
            ValueError: A weight is missing or has another shape.
        """
        own = self.values()
        require_shapes(own, values)
        for name, value in own.items():
            value.copy_(values[name])

    @property
    def prunable_shapes(self) -> Shapes:
        """Name and shape of the tensors that masks cover."""
        return self.encoder.prunable_shapes()

    def prunable_values(self) -> Tensor:
        """float32 [prunable weights], in the order of a mask."""
        return self.prunable_part(self.theta)

    def prunable_part(self, flat: Tensor) -> Tensor:
        """Of a flat vector over all encoder parameters what belongs to prunable weights, in the order of a mask."""
        return torch.cat([part.reshape(-1) for name, part in self.parts(flat).items() if is_prunable(name)])

    def set_masks(self, masks: Mapping[str, Mask], simplify: bool = True) -> None:
        """Give each task its subnetwork; a task without a mask keeps everything.

        A mask that keeps everything is treated as no mask, which is faster and equal to the last bit. With `simplify`
        off it is applied as any other is.
        """
        masks = {task: masks.get(task) or Mask.dense(self.prunable_shapes, "") for task in self.heads}
        kept = {task: [name for name, part in mask.tensors().items() if part.any()] for task, mask in masks.items()}
        self.readouts = {task: self.encoder.readout_of(task, names) for task, names in kept.items()}
        reads = {task: self._read(readout) for task, readout in self.readouts.items()}
        self.ranges = _ranges(reads)
        self.keeps = {task: self._kept(mask, reads[task], simplify) for task, mask in masks.items()}
        self.factors = {task: None if keep is None else keep.float() for task, keep in self.keeps.items()}
        sparse = any(keep is not None for keep in self.keeps.values())
        self._home(torch.empty_like(self.theta) if sparse else self.theta)

    def _read(self, readout: int) -> Tensor:
        """Bool [P], True where a task reads the encoder's parameters, whatever its mask."""
        read = torch.ones_like(self.theta, dtype=torch.bool)
        for part in self.encoder.unread(self.parts(read), readout):
            part.fill_(False)
        return read

    def _kept(self, mask: Mask, read: Tensor, simplify: bool) -> Tensor | None:
        """The mask over all encoder parameters: what masks do not cover is kept where the task reads it."""
        if simplify and mask.is_dense:
            return None
        keep = read.clone()
        parts = self.parts(keep)
        for name, part in mask.tensors().items():
            parts[name].copy_(part)
        return None if simplify and torch.equal(keep, read) else keep

    def takes_part(self, task: str) -> Tensor | None:
        """Bool [P], the encoder's parameters that a step of a task changes; None for all of them."""
        if self.keeps[task] is not None:
            return self.keeps[task]
        part = torch.zeros_like(self.theta, dtype=torch.bool)
        for range_ in self.ranges[task]:
            part[range_] = True
        return None if part.all() else part

    def activate(self, task: str) -> None:
        """Put a task's subnetwork before the encoder."""
        factor = self.factors[task]
        if factor is not None:
            torch.mul(self.theta, factor, out=self.work)
        elif self.work is not self.theta:
            self.work.copy_(self.theta)

    def _states(self, task: str, word_vectors: Tensor, batch: Batch) -> Tensor:
        """What the task's head is given: states float [L, B, 2 * hidden]."""
        mixed = self.mixed and self.encoder.training
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            states = self.encoder(word_vectors, batch, self.readouts[task])
        return states.float()

    def logits(self, task: str, word_vectors: Tensor, batch: Batch) -> Tensor:
        """Scores float [L, B, T] of single tags of the active task; `word_vectors` float [W, D] are of `word_rows`."""
        return self.head_kinds[task].scores(self.heads[task], self._states(task, word_vectors, batch))

    def loss(self, task: str, word_vectors: Tensor, batch: Batch) -> Tensor:
        """The loss of the task's head, the mean over its `units` of the batch."""
        states = self._states(task, word_vectors, batch)
        return self.head_kinds[task].loss(self.heads[task], states, batch.tags, batch.mask)

    @torch.no_grad()
    def predict(self, task: str, text: EncodedText, batch_size: int = 128) -> np.ndarray:
        """The number of the best tag of every token, int64 [N], by the task's subnetwork."""
        self.encoder.eval()
        self.activate(task)
        table = self._word_table(text, task)
        tags = np.empty(len(text.tokens), dtype=np.int64)

        def decode(batch: Batch) -> np.ndarray:
            states = self._states(task, table[batch.word_rows], batch)
            return self.head_kinds[task].decode(self.heads[task], states, batch.mask)[batch.mask].cpu().numpy()

        for positions, best in self._by_batch(task, text, batch_size, decode):
            tags[positions] = best
        return tags

    @torch.no_grad()
    def predict_with_loss(self, task: str, text: EncodedText, batch_size: int = 128) -> tuple[np.ndarray, float]:
        """The tags that `predict` gives, and the mean loss of the gold tags over the tokens, in one pass.

        Tags that training lacks have no probability: their tokens, or their sentences where the head is a CRF, are left
        out of the mean. It is 0 where no token is left.
        """
        self.encoder.eval()
        self.activate(task)
        table = self._word_table(text, task)
        tags = np.empty(len(text.tokens), dtype=np.int64)
        total, count = 0.0, 0

        def assess(batch: Batch) -> tuple[np.ndarray, float, int]:
            states = self._states(task, table[batch.word_rows], batch)
            best, loss, tokens = self.head_kinds[task].assess(self.heads[task], states, batch.tags, batch.mask)
            return best[batch.mask].cpu().numpy(), loss.item(), int(tokens)

        for positions, (best, loss, tokens) in self._by_batch(task, text, batch_size, assess, gold=True):
            tags[positions] = best
            total, count = total + loss, count + tokens
        return tags, total / max(1, count)

    @torch.no_grad()
    def confidences(self, task: str, text: EncodedText, tags: np.ndarray, batch_size: int = 128) -> np.ndarray:
        """The probability of a given tag, int64 [N], of each token: float32 [N], by a softmax over its scores."""
        self.encoder.eval()
        self.activate(task)
        table = self._word_table(text, task)
        found = np.empty(len(text.tokens), dtype=np.float32)

        def shares(batch: Batch) -> np.ndarray:
            return self.logits(task, table[batch.word_rows], batch).softmax(2)[batch.mask].cpu().numpy()

        for positions, own in self._by_batch(task, text, batch_size, shares):
            found[positions] = own[np.arange(len(positions)), tags[positions]]
        return found

    def _by_batch(
        self, task: str, text: EncodedText, batch_size: int, apply: Callable[[Batch], Found], gold: bool = False
    ) -> Iterator[tuple[np.ndarray, Found]]:
        """For each batch the places of its tokens in the text, int64 [n], and what a function says of the batch.

        With `gold` the batches hold the annotated tags of the task.
        """
        lengths = text.lengths
        for indices in sorted_batches(lengths, batch_size):
            while len(indices):
                longest = int(lengths[indices[0]])
                size = self.room.sentences(len(indices), longest)
                try:
                    batch = make_batch(text, indices[:size], task if gold else None).to(self.device)
                    found = apply(batch)
                    time, column = (place.cpu().numpy() for place in batch.mask.nonzero(as_tuple=True))
                except (MemoryError, RuntimeError) as error:
                    if not is_gpu_shortage(error):
                        error.add_note(f"tagging with task {task}, {size} sentences of up to {longest} tokens")
                        raise
                    # Only the text is kept: the error itself holds all that the attempt has allocated.
                    problem = str(error)
                else:
                    yield text.offsets[indices][column] + time, found
                    indices = indices[size:]
                    continue
                self.room.shrink(size, longest, f"tagging with task {task}", problem)

    def read_words(self, task: str) -> Tensor:
        """float32 [V, D], the word vectors as a task reads them: to it, words that came later are unknown."""
        limit = self.word_limits.get(task, len(self.words))
        if limit >= len(self.words):
            return self.words
        words = self.words.clone()
        words[limit:] = words[UNKNOWN_WORD]
        return words

    def _word_table(self, text: EncodedText, task: str) -> Tensor:
        """float32 [V + E, D], the word vectors and behind them those of the text's words that training lacks."""
        words = self.read_words(task)
        if not len(text.extra):
            return words
        if text.extra.shape[1] > self.words.shape[1]:
            raise ArtifactError(
                f"the text has word vectors of {text.extra.shape[1]} numbers, the network of {self.words.shape[1]}; "
                "prepare the text with the vectors of the training"
            )
        extra = torch.zeros(len(text.extra), self.words.shape[1], device=self.device)
        extra[:, : text.extra.shape[1]] = torch.from_numpy(text.extra)
        return torch.cat([words, extra])


def require_shapes(own: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Check, before anything is copied, that there is a value of the same shape for each of `own` (ValueError)."""
    for name, value in own.items():
        if name not in values or values[name].shape != value.shape:
            found = tuple(values[name].shape) if name in values else "nothing"
            raise ValueError(f"weight {name}: expected shape {tuple(value.shape)}, found {found}")


def _ranges(reads: Mapping[str, Tensor]) -> dict[str, list[slice]]:
    """The stretches of a flat vector that each task reads, cut so that tasks read all of a stretch or nothing of it."""
    if not reads:
        return {}
    table = torch.stack(list(reads.values())).cpu()
    changes = (table[:, 1:] != table[:, :-1]).any(0).nonzero().squeeze(1) + 1
    edges = [0, *changes.tolist(), table.shape[1]]
    stretches = [slice(start, end) for start, end in pairwise(edges)]
    return {task: [part for part in stretches if own[part.start]] for task, own in zip(reads, table, strict=True)}
