"""Runs several tasks in one pass on a CPU: shared parts are computed once.

Words and their characters become vectors once for each distinct word, and are kept between calls. A BiLSTM layer runs
once for all tasks whose subnetworks agree in it and in all layers below it. A subnetwork whose mask removes whole units
runs as a smaller dense network.
"""

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from sparse_sharing.encoders.bilstm import BiLstmEncoder, feature_vectors
from sparse_sharing.heads.base import Head
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.compact import below_the_layers, compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.tagging.decoding import Predictions, shares_of
from sparse_sharing.tagging.encoding import Surfaces
from sparse_sharing.text.batches import MAXIMUM_POSITIONS, WORDS
from sparse_sharing.text.features import FEATURES, FeatureRows
from sparse_sharing.text.vocabulary import UNKNOWN_WORD


@dataclass
class _Step:
    """A layer with one set of weights, the layers that read its states, and the tasks that read them."""

    module: nn.Module
    above: dict[str, "_Step"] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)


class SharedRunner:
    """Runs the subnetworks of all tasks of a network on a CPU, each part with the weights of its task."""

    def __init__(self, network: Network, surfaces: Surfaces, masks: Mapping[str, Mask] | None = None) -> None:
        """Copy the weights of each distinct part once; `masks` are the masks of the network."""
        self.network, self.surfaces = network, surfaces
        self.heads: dict[str, tuple[Head, Tensor]] = {}
        self.roots: dict[str, _Step] = {}
        self.tables: dict[str, Tensor] = {}
        self.filled: dict[str, int] = {}
        self.known_words: dict[str, int] = {}
        self.features: FeatureRows | None = None
        self.generation = surfaces.generation
        network.encoder.eval()
        with torch.no_grad():
            for task in network.heads:
                self._add_task(task, (masks or {}).get(task))

    @staticmethod
    def can_run(network: Network) -> bool:
        """Whether this class supports the network: the plain BiLSTM encoder, on a CPU."""
        return type(network.encoder) is BiLstmEncoder and network.device.type == "cpu"

    def _add_task(self, task: str, mask: Mask | None) -> None:
        # With other tasks beside it, all run the filters of characters once.
        whole = below_the_layers(self.network) if len(self.network.heads) > 1 else ()
        small = None if mask is None else compact_network(self.network, task, mask, whole)
        network = self.network if small is None else small
        self.heads[task] = network.head_kinds[task], network.heads[task]
        network.activate(task)
        encoder = network.encoder
        if not isinstance(encoder, BiLstmEncoder):
            raise TypeError(f"the encoder is a {type(encoder).__name__}, for which `can_run` is False")
        self.features = encoder.features
        steps, step = self.roots, None
        word_limit = self.network.word_limits.get(task, len(self.network.rows[WORDS]))
        for module in [encoder.characters, *encoder.recurrent[: network.readouts[task]]]:
            key = _digest(module)
            if step is None:
                # Tasks with different vocabularies read different vectors, whatever they share above.
                key = f"{key} {word_limit}"
                self.known_words[key] = word_limit
            if key not in steps:
                steps[key] = _Step(copy.deepcopy(module))
            step = steps[key]
            steps = step.above
        if step is not None:
            step.tasks.append(task)

    @torch.inference_mode()
    def predict(
        self, surfaces: np.ndarray, offsets: np.ndarray, tasks: Sequence[str], batch_size: int
    ) -> Mapping[str, Predictions]:
        """See `BaseTagger.predict_surfaces`."""
        predictions = {task: (np.empty(len(surfaces), np.int64), np.empty(len(surfaces), np.float32)) for task in tasks}
        wanted = frozenset(tasks)
        lengths = np.diff(offsets)
        roots = [(key, root) for key, root in self.roots.items() if _leads_to(root, wanted)]
        for key, root in roots:
            self._extend_table(key, root.module)
        for sentences in _batches(lengths, batch_size):
            places, reverse, mask = _padded(offsets[:-1][sentences], lengths[sentences])
            rows = torch.from_numpy(surfaces[places])
            flat = places[mask]
            for key, root in roots:
                embedded = self.tables[key][rows]
                for task, states in self._run(root, embedded, torch.from_numpy(reverse.reshape(-1)), wanted):
                    numbers, shares = predictions[task]
                    numbers[flat], shares[flat] = self._decode(task, states, mask)
        return predictions

    def _run(self, step: _Step, states: Tensor, reverse: Tensor, wanted: frozenset) -> Iterator[tuple[str, Tensor]]:
        """The states that each wanted task reads, float [L, B, S], from the output of a step."""
        for above in step.above.values():
            if _leads_to(above, wanted):
                ours = above.module(states, reverse)
                yield from ((task, ours) for task in above.tasks if task in wanted)
                yield from self._run(above, ours, reverse, wanted)

    def _decode(self, task: str, states: Tensor, mask: np.ndarray) -> Predictions:
        """The tag of each token and its probability, in the order of the mask's True entries."""
        head, weights = self.heads[task]
        present = torch.from_numpy(mask)
        scores = head.scores(weights, states)[present].numpy()
        best = head.decode(weights, states, present)[present].numpy() if head.decodes_sentences else scores.argmax(1)
        return best, shares_of(scores, best)

    def _extend_table(self, key: str, characters: nn.Module) -> None:
        """Compute the inputs of the first layer, float [U, inputs], of surfaces that have none yet."""
        if self.generation != self.surfaces.generation:
            self.tables, self.filled, self.generation = {}, {}, self.surfaces.generation
        filled, wanted = self.filled.get(key, 0), len(self.surfaces)
        if filled == wanted:
            return
        ids = self.surfaces.characters[filled:]
        ids = np.ascontiguousarray(ids[:, : max(1, int((ids != 0).any(0).sum()))], dtype=np.int64)
        parts = [characters(torch.from_numpy(ids[at : at + 2048])) for at in range(0, len(ids), 2048)]
        inputs = [self._word_vectors(self.surfaces.words[filled:], self.known_words[key]), torch.cat(parts)]
        if self.features is not None:
            rows = torch.from_numpy(self.features.of(self.surfaces.written(filled)))
            inputs.append(feature_vectors(self.network.rows[FEATURES], rows))
        new = torch.cat(inputs, dim=1)
        if key not in self.tables or wanted > len(self.tables[key]):
            larger = torch.empty(max(1024, 2 * wanted), new.shape[1])
            if filled:
                larger[:filled] = self.tables[key][:filled]
            self.tables[key] = larger
        self.tables[key][filled:wanted] = new
        self.filled[key] = wanted

    def _word_vectors(self, ids: np.ndarray, word_limit: int) -> Tensor:
        """Float [n, D], of the first `word_limit` words of the vocabulary and of those with given vectors behind it."""
        table = self.network.rows[WORDS]
        word_count = len(table)
        ids = np.where((ids >= word_limit) & (ids < word_count), UNKNOWN_WORD, ids)
        rows = table[torch.from_numpy(np.minimum(ids, word_count - 1))]
        beyond = np.flatnonzero(ids >= word_count)
        if len(beyond):
            extra = torch.from_numpy(self.surfaces.extra[ids[beyond] - word_count])
            rows[beyond] = nn.functional.pad(extra, (0, table.shape[1] - extra.shape[1]))
        return rows


def _batches(lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Every sentence once, longest first, in batches of at most MAXIMUM_POSITIONS padded positions."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + max(1, min(batch_size, MAXIMUM_POSITIONS // int(lengths[order[start]])))
        yield order[start:end]
        start = end


def _padded(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For sentences, each [L, B]: the token of each position, its place in the sentence turned round, bool mask."""
    time = np.arange(int(lengths.max()))[:, None]
    mask = time < lengths
    reverse = np.where(mask, lengths - 1 - time, time) * len(lengths) + np.arange(len(lengths))
    return np.where(mask, starts + time, starts), reverse, mask


def _leads_to(step: _Step, wanted: frozenset) -> bool:
    return not wanted.isdisjoint(step.tasks) or any(_leads_to(above, wanted) for above in step.above.values())


def _digest(module: nn.Module) -> str:
    """A digest of the weights of a module: equal weights give equal states."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
