"""Speed of a training step of a pretrained transformer, and of a plain loop of PyTorch and AdamW on the same batches.

python -m benchmarks.transformer FOLDER TEXT [STEPS]

FOLDER has the pretrained model, TEXT is a file of columns with parts of speech in the second. Steps take turns, each
timed by the processor time of this process; the output is words per second over all steps except the first of each
kind.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import nn

from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.config.optimization import Optimization
from sparse_sharing.encoders.base import complete
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.trainer import Trainer

BATCH, RATE, DECAY, DENSITY = 16, 5e-5, 0.01, 0.1
Step = Callable[[np.ndarray], object]


def read(path: Path) -> tuple[EncodedText, Vocabulary]:
    """The sentences of a file of columns, and their tags."""
    blocks = [block.splitlines() for block in path.read_text(encoding="utf-8").split("\n\n") if block.strip()]
    rows = [[line.split() for line in block if not line.startswith("-DOCSTART-")] for block in blocks]
    pairs = [([row[0] for row in block], {"pos": [row[1] for row in block]}) for block in rows if block]
    tags = tuple(sorted({tag for _, tagging in pairs for tag in tagging["pos"]}))
    vocabulary = Vocabulary((), (), {"pos": TaskTags(tags, "none", "none")}, False, 30)
    return encode_text(pairs, vocabulary, ["pos"], {}, 0), vocabulary


def own_step(folder: Path, text: EncodedText, vocabulary: Vocabulary, density: float | None) -> Step:
    """A step of the program, with a mask if a density is given."""
    section = complete(encoder_section({"encoder": "transformer", "pretrained": str(folder)}), folder)
    network = Network(section, vocabulary)
    word_count = vocabulary.word_count
    initialise(network, 1, np.zeros((word_count, 0), np.float32), np.zeros(word_count, bool))
    if density is not None:
        dense = Mask.dense(network.prunable_shapes, "")
        keep = torch.rand(dense.keep.shape, generator=torch.Generator().manual_seed(1)) < density
        network.set_masks({"pos": Mask(keep, dense.shapes, "")})
    trainer = Trainer(network, Optimization(optimizer="adam", learning_rate=RATE, weight_decay=DECAY))
    random = np.random.default_rng(1)
    return lambda batch: trainer.step("pos", network.encoder.batch(text, batch, "pos", random), RATE)


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
    seconds = dict.fromkeys(steps, 0.0)
    for number, batch in enumerate(batches):
        for name, step in steps.items():
            started = time.process_time()
            step(batch)
            seconds[name] += (time.process_time() - started) if number else 0.0
    word_count = int(sum(text.lengths[batch].sum() for batch in batches[1:]))
    first = next(iter(seconds.values()))
    for name, spent in seconds.items():
        sys.stdout.write(f"{name}: {word_count / spent:,.0f} words a processor second, {first / spent:.2f}x plain\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
