"""Speed of a pretrained transformer: training steps beside a plain loop, and tagging with half of its units.

`python -m benchmarks.transformer FOLDER TEXT [STEPS]`: FOLDER has the pretrained model, TEXT is a file of columns with
parts of speech in the second. The plain loop is PyTorch and AdamW on the same batches. All take turns, timed by the
processor time of this process; the output is words per second over all turns except the first of each kind, and the
median of the ratios within a turn.
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch
import transformers
from torch import nn

from benchmarks.inference import part_of
from benchmarks.units import random_units
from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.config.optimization import Optimization
from sparse_sharing.encoders.base import complete
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.compact import compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.trainer import Trainer

BATCH, RATE, DECAY, DENSITY = 16, 5e-5, 0.01, 0.1
TAGGED = 64
"""Sentences that are tagged in a turn."""
Step = Callable[[np.ndarray], object]


def read(path: Path) -> tuple[EncodedText, Vocabulary]:
    """The sentences of a file of columns, and their tags."""
    blocks = [block.splitlines() for block in path.read_text(encoding="utf-8").split("\n\n") if block.strip()]
    rows = [[line.split() for line in block if not line.startswith("-DOCSTART-")] for block in blocks]
    pairs = [([row[0] for row in block], {"pos": [row[1] for row in block]}) for block in rows if block]
    tags = tuple(sorted({tag for _, tagging in pairs for tag in tagging["pos"]}))
    vocabulary = Vocabulary((), (), {"pos": TaskTags(tags, "none", "none")}, False, 30)
    return encode_text(pairs, vocabulary, ["pos"], {}, 0), vocabulary


def own_network(folder: Path, vocabulary: Vocabulary) -> Network:
    """The network of the program, with the pretrained weights."""
    section = complete(encoder_section({"encoder": "transformer", "pretrained": str(folder)}), folder)
    network = Network(section, vocabulary)
    word_count = vocabulary.word_count
    initialise(network, 1, np.zeros((word_count, 0), np.float32), np.zeros(word_count, bool))
    return network


def own_step(folder: Path, text: EncodedText, vocabulary: Vocabulary, density: float | None) -> Step:
    """A step of the program, with a mask if a density is given."""
    network = own_network(folder, vocabulary)
    if density is not None:
        dense = Mask.dense(network.prunable_shapes, "")
        keep = torch.rand(dense.keep.shape, generator=torch.Generator().manual_seed(1)) < density
        network.set_masks({"pos": Mask(keep, dense.shapes, "")})
    trainer = Trainer(network, Optimization(optimizer="adam", learning_rate=RATE, weight_decay=DECAY))
    random = np.random.default_rng(1)
    return lambda batch: trainer.step("pos", network.encoder.batch(text, batch, "pos", random), RATE)


def taggings(folder: Path, text: EncodedText, vocabulary: Vocabulary) -> dict[str, Step]:
    """Tagging with the whole network, and with the smaller one of a mask that keeps half of the units of each kind."""
    whole, network = own_network(folder, vocabulary), own_network(folder, vocabulary)
    mask = random_units(network, 0.5, seed=1)
    network.set_masks({"pos": mask})
    half = compact_network(network, "pos", mask)
    if half is None:
        raise SystemExit(f"{folder}: its units cannot be removed")
    return {
        "tagging, all units": lambda batch: whole.predict("pos", _of_batch(text, batch)),
        "tagging, half of the heads and feed-forward units": lambda batch: half.predict("pos", _of_batch(text, batch)),
    }


def _of_batch(text: EncodedText, batch: np.ndarray) -> EncodedText:
    """The sentences of a batch, which follow one another in the text, as a text."""
    return part_of(text, int(batch.min()), int(batch.max()) + 1)


def plain_step(folder: Path, text: EncodedText, vocabulary: Vocabulary) -> Step:
    """A step of the usual loop: all parameters, the library's tokenizer, PyTorch's AdamW."""
    model = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    head = nn.Linear(model.config.hidden_size, len(vocabulary.tasks["pos"].tags))
    parameters = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    words, tags = text.words(), text.by_sentence(text.tags["pos"].tolist())

    def step(batch: np.ndarray) -> None:
        model.train()
        encoded = tokenizer(
            [words[index] for index in batch], is_split_into_words=True, padding=True, return_tensors="pt"
        )
        gold = torch.full(encoded["input_ids"].shape, -100)
        for row, index in enumerate(batch):
            counted_words = set[int]()
            for place, word in enumerate(encoded.word_ids(row)):
                if word is not None and word not in counted_words:
                    counted_words.add(word)
                    gold[row, place] = tags[index][word]
        scores = head(model(**encoded).last_hidden_state)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), gold.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()

    return step


def compare(steps: Mapping[str, Step], batches: list[np.ndarray], words: list[int]) -> None:
    """Call all in turn with each batch, and print their speeds and their ratios to the first."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for batch in batches:
        for name, step in steps.items():
            started = time.process_time()
            step(batch)
            seconds[name].append(time.process_time() - started)
    first = seconds[next(iter(steps))][1:]
    for name, spent in seconds.items():
        speed = sum(words[1:]) / sum(spent[1:])
        ratio = median(other / one for one, other in zip(spent[1:], first, strict=True))
        sys.stdout.write(f"{name}: {speed:,.0f} words a processor second, {ratio:.2f} times the first\n")
    sys.stdout.flush()


def main(folder: Path, path: Path, count: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    text, vocabulary = read(path)
    order = np.argsort(text.lengths, kind="stable")
    batches = [order[start : start + BATCH] for start in range(0, len(order) - BATCH + 1, BATCH)]
    batches = [batches[index] for index in np.random.default_rng(1).permutation(len(batches))[: count + 1]]
    steps = {
        "plain PyTorch and AdamW": plain_step(folder, text, vocabulary),
        "dense": own_step(folder, text, vocabulary, None),
        f"mask of density {DENSITY}": own_step(folder, text, vocabulary, DENSITY),
    }
    compare(steps, batches, [int(text.lengths[batch].sum()) for batch in batches])
    parts = [np.arange(start, start + TAGGED) for start in range(0, (count + 1) * TAGGED, TAGGED)]
    compare(taggings(folder, text, vocabulary), parts, [int(text.lengths[part].sum()) for part in parts])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
