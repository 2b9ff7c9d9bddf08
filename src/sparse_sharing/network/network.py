"""The network: one shared encoder with a subnetwork per task, and a head per task.

To run a task, the encoder's parameters `theta` times the task's mask are written into a second buffer that the encoder
reads: one multiplication, no copies of modules.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.heads.base import build_head
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.masks.units import Units
from sparse_sharing.network.memory import BatchLimit, is_gpu_shortage
from sparse_sharing.network.parameters import Parameters, common_ranges, require_shapes
from sparse_sharing.text.batches import WORDS, Batch, sorted_batches
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import UNKNOWN_WORD, Vocabulary

Found = TypeVar("Found")


class Network:
    """The weights of all tasks, and how they are run.

    Attributes:
        encoder: the module; its parameters are views of `work`.
        parameters: the memory of all weights.
        head_kinds: for each task its head, which also defines the layout of its weights in `heads`.
        readouts: for each task the layer at which it reads the encoder's states: see `readout_of` of the encoder.
        ranges: for each task the parts of `theta` that it reads up to that layer, without frozen ones.
        keeps: for each task bool [P], True where its subnetwork has a weight or something all tasks share; None where
            it keeps everything that it reads.
        word_limits: for a task that knows only the first word ids, since later ones were added, how many: see
            `read_rows`.
        batch_limit: how much runs at once in inference.
        mixed: whether the encoder runs in bfloat16 in training.
        factors: `keeps` as float32 [P], 1 and 0: multiplying by it is several times as fast as by bool.
        frozen: bool [P], True where no training changes the encoder's parameters; None where there are none.
        base: float32 [P], the values that a task reads for removed weights; None: zeros.
    """

    def __init__(
        self,
        model: EncoderSection,
        vocabulary: Vocabulary,
        device: torch.device | str = "cpu",
        units: Mapping[str, int] | None = None,
    ) -> None:
        """Build a network of zeros for the tasks of a vocabulary; `load` gives it weights.

        Args:
            model: the section of the encoder and the heads.
            vocabulary: words, characters, and the tags of the tasks.
            device: where it runs.
            units: of a compact network, for each group of units their number.
        """
        self.model, self.vocabulary = model, vocabulary
        self.device = torch.device(device)
        sizes = TextSizes(vocabulary.word_count, vocabulary.character_count, units or {}, tuple(vocabulary.tasks))
        self.encoder = build_encoder(model, sizes).to(self.device)
        width = self.encoder.width(model.depth)
        self.head_kinds = {
            task: build_head(model.head_of(task), width, tags, self.device) for task, tags in vocabulary.tasks.items()
        }
        self.parameters = Parameters(self.encoder, self.head_kinds, self.device)
        self.units = Units(self.parameters.infos.values())
        self.batch_limit, self.mixed = BatchLimit(), False
        self.word_limits: dict[str, int] = {}
        self.base: Tensor | None = None
        self.frozen = self._frozen()
        self.set_masks({})

    @property
    def theta(self) -> Tensor:
        """float32 [P], the encoder's parameters, concatenated."""
        return self.parameters.theta

    @property
    def work(self) -> Tensor:
        """float32 [P], the encoder's input: `theta` with the active task's mask applied."""
        return self.parameters.work

    @property
    def rows(self) -> dict[str, Tensor]:
        """For each tensor of role rows float32 [V, D]."""
        return self.parameters.rows

    @property
    def heads(self) -> dict[str, Tensor]:
        """For each task float32 [weights of its head]."""
        return self.parameters.heads

    def parts(self, flat: Tensor) -> dict[str, Tensor]:
        """A flat vector over all encoder parameters, cut into views with their names and shapes."""
        return self.parameters.parts(flat)

    def values(self) -> dict[str, Tensor]:
        """All weights by name, as views: what `load` reads."""
        return self.parameters.values()

    def copy_values(self) -> dict[str, Tensor]:
        """A copy of all weights by name."""
        return {name: value.clone() for name, value in self.values().items()}

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Take weights by name; those of other tasks' heads are ignored.

        Raises:
            ValueError: A weight is missing or has another shape.
        """
        self.parameters.load(values)

    @property
    def prunable_shapes(self) -> Shapes:
        """Name and shape of the tensors that masks cover."""
        return self.encoder.prunable_shapes()

    def prunable_values(self) -> Tensor:
        """float32 [prunable weights], in the order of a mask."""
        return self.prunable_part(self.theta)

    def prunable_part(self, flat: Tensor) -> Tensor:
        """The part of a flat vector over all encoder parameters that belongs to prunable weights, in the order of a
        mask.
        """
        parts = self.parts(flat)
        return torch.cat([parts[name].reshape(-1) for name in self.prunable_shapes])

    def set_masks(self, masks: Mapping[str, Mask], simplify: bool = True) -> None:
        """Give each task its subnetwork, by a mask over weights or over units; without a mask it keeps everything.

        A mask that keeps everything is treated as no mask, which is faster and bit-identical, unless `simplify` is off.
        """
        masks = self.over_weights(
            {task: masks.get(task) or Mask.dense(self.prunable_shapes, "") for task in self.heads}
        )
        kept_names = {
            task: [name for name, part in mask.tensors().items() if part.any()] for task, mask in masks.items()
        }
        self.readouts = {task: self.encoder.readout_of(task, names) for task, names in kept_names.items()}
        reads = {task: self._read(readout) for task, readout in self.readouts.items()}
        self.ranges = common_ranges({task: self._moving(read) for task, read in reads.items()})
        self.keeps = {task: self._kept(mask, reads[task], simplify) for task, mask in masks.items()}
        self.factors = {task: None if keep is None else keep.float() for task, keep in self.keeps.items()}
        sparse = any(keep is not None for keep in self.keeps.values())
        self.parameters.use(torch.empty_like(self.theta) if sparse else self.theta)

    def keep_base(self) -> None:
        """Let masks keep changes: for a weight that its mask removes, a task reads the present value."""
        self.base = self.theta.clone()

    def load_base(self, values: Mapping[str, Tensor]) -> None:
        """Let masks keep changes to these values of the tensors that they cover; without values they keep weights.

        Raises:
            ValueError: There is no such tensor, or it has another shape.
        """
        self.base = None
        if values:
            base = self.theta.clone()
            base_parts = self.parts(base)
            require_shapes(values, base_parts)
            for name, value in values.items():
                base_parts[name].copy_(value)
            self.base = base

    def over_weights(self, masks: Mapping[str, Mask]) -> dict[str, Mask]:
        """Masks over weights unchanged, masks over units expanded to weights and biases."""
        return {
            task: self.units.expand(mask) if self.units.is_over_units(mask) else mask for task, mask in masks.items()
        }

    def require_fit(self, mask: Mask, weights: str, label: str) -> None:
        """Check that a mask over weights or units belongs to the network and its starting weights (ArtifactError)."""
        supported = (self.prunable_shapes, self.units.shapes, self.units.covered)
        fitting = [shapes for shapes in supported if dict(shapes) == dict(mask.shapes)]
        mask.require_fit(fitting[0] if fitting else self.prunable_shapes, weights, label)

    def _read(self, readout: int) -> Tensor:
        """Bool [P], True where a task reads the encoder's parameters, whatever its mask."""
        read = torch.ones_like(self.theta, dtype=torch.bool)
        for part in self.encoder.unread(self.parts(read), readout):
            part.fill_(False)
        return read

    def _frozen(self) -> Tensor | None:
        frozen = torch.zeros_like(self.theta, dtype=torch.bool)
        for name, part in self.parts(frozen).items():
            part.fill_(self.parameters.infos[name].frozen)
        return frozen if frozen.any() else None

    def _moving(self, part: Tensor) -> Tensor:
        """Those of some parameters, bool [P], that training changes."""
        return part if self.frozen is None else part & ~self.frozen

    def _kept(self, mask: Mask, read: Tensor, simplify: bool) -> Tensor | None:
        """The mask over all encoder parameters: those that masks do not cover are kept if the task reads them."""
        if simplify and mask.is_dense:
            return None
        keep = read.clone()
        parts = self.parts(keep)
        for name, part in mask.tensors().items():
            parts[name].copy_(part)
        return None if simplify and torch.equal(keep, read) else keep

    def takes_part(self, task: str) -> Tensor | None:
        """Bool [P], the encoder's parameters that a step of a task changes; None for all of them."""
        if (keep := self.keeps[task]) is not None:
            return self._moving(keep)
        part = torch.zeros_like(self.theta, dtype=torch.bool)
        for range_ in self.ranges[task]:
            part[range_] = True
        return None if part.all() else part

    def activate(self, task: str) -> None:
        """Make a task's subnetwork the encoder's weights."""
        factor = self.factors[task]
        if factor is not None and self.base is not None:
            # With factors of 0 and 1 the result is one of the two numbers, bit for bit.
            torch.lerp(self.base, self.theta, factor, out=self.work)
        elif factor is not None:
            torch.mul(self.theta, factor, out=self.work)
        elif self.work is not self.theta:
            self.work.copy_(self.theta)

    def gather(self, batch: Batch) -> dict[str, Tensor]:
        """The rows that a batch reads of each tensor of role rows, float [W, D]: copies."""
        return {name: self.rows[name].index_select(0, rows) for name, rows in batch.rows.items()}

    def _states(self, task: str, rows: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The input of the task's head: states float [L, B, width of the encoder]."""
        mixed = self.mixed and self.encoder.training
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            states = self.encoder.states(rows, batch, self.readouts[task])
        return states.float()

    def logits(self, task: str, rows: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """Scores float [L, B, T] of single tags of the active task; `rows` is the result of `gather`."""
        return self.head_kinds[task].scores(self.heads[task], self._states(task, rows, batch))

    def loss(self, task: str, rows: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The loss of the task's head, the mean over its `units` of the batch; `rows` is the result of `gather`."""
        states = self._states(task, rows, batch)
        return self.head_kinds[task].loss(self.heads[task], states, batch.tags, batch.mask)

    @torch.no_grad()
    def predict(self, task: str, text: EncodedText, batch_size: int = 128) -> np.ndarray:
        """The number of the best tag of every token, int64 [N], by the task's subnetwork."""
        self.encoder.eval()
        self.activate(task)
        tables = self.encoder.extend_rows(self.read_rows(task), text)
        tags = np.empty(len(text.tokens), dtype=np.int64)

        def decode(batch: Batch) -> np.ndarray:
            states = self._states(task, _rows(tables, batch), batch)
            return self.head_kinds[task].decode(self.heads[task], states, batch.mask)[batch.mask].cpu().numpy()

        for positions, best in self._by_batch(task, text, batch_size, decode):
            tags[positions] = best
        return tags

    @torch.no_grad()
    def predict_with_loss(self, task: str, text: EncodedText, batch_size: int = 128) -> tuple[np.ndarray, float]:
        """The tags of `predict`, and the mean loss of the gold tags over the tokens, in one pass.

        Tags that do not occur in training have no probability: their tokens, or with a CRF head their sentences, are
        excluded from the mean. It is 0 if no token is left.
        """
        self.encoder.eval()
        self.activate(task)
        tables = self.encoder.extend_rows(self.read_rows(task), text)
        tags = np.empty(len(text.tokens), dtype=np.int64)
        total, count = 0.0, 0

        def assess(batch: Batch) -> tuple[np.ndarray, float, int]:
            states = self._states(task, _rows(tables, batch), batch)
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
        tables = self.encoder.extend_rows(self.read_rows(task), text)
        probabilities = np.empty(len(text.tokens), dtype=np.float32)

        def shares(batch: Batch) -> np.ndarray:
            return self.logits(task, _rows(tables, batch), batch).softmax(2)[batch.mask].cpu().numpy()

        for positions, batch_shares in self._by_batch(task, text, batch_size, shares):
            probabilities[positions] = batch_shares[np.arange(len(positions)), tags[positions]]
        return probabilities

    def _by_batch(
        self, task: str, text: EncodedText, batch_size: int, apply: Callable[[Batch], Found], gold: bool = False
    ) -> Iterator[tuple[np.ndarray, Found]]:
        """For each batch the positions of its tokens in the text, int64 [n], and the result of a function of the batch.

        With `gold` the batches have the annotated tags of the task.
        """
        lengths = text.lengths
        for indices in sorted_batches(lengths, batch_size):
            while len(indices):
                longest = int(lengths[indices[0]])
                size = self.batch_limit.sentences(len(indices), longest)
                try:
                    batch = self.encoder.batch(text, indices[:size], task if gold else None).to(self.device)
                    result = apply(batch)
                    time, column = (place.cpu().numpy() for place in batch.mask.nonzero(as_tuple=True))
                except (MemoryError, RuntimeError) as error:
                    if not is_gpu_shortage(error):
                        error.add_note(f"tagging with task {task}, {size} sentences of up to {longest} tokens")
                        raise
                    # Keep only the text: the error itself references all memory of the attempt.
                    problem = str(error)
                else:
                    yield text.offsets[indices][column] + time, result
                    indices = indices[size:]
                    continue
                self.batch_limit.shrink(size, longest, f"tagging with task {task}", problem)

    def read_rows(self, task: str) -> dict[str, Tensor]:
        """The tensors of role `rows` as a task reads them: words that were added later are unknown to it."""
        limit = self.word_limits.get(task)
        if limit is None or limit >= len(self.rows[WORDS]):
            return self.rows
        word_rows = self.rows[WORDS].clone()
        word_rows[limit:] = word_rows[UNKNOWN_WORD]
        return {**self.rows, WORDS: word_rows}


def _rows(tables: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    return {name: tables[name][rows] for name, rows in batch.rows.items()}
