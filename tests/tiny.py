"""A vocabulary, texts and networks of three tasks, small enough to train in milliseconds."""

from collections import Counter

import numpy as np
import torch

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import make_batch
from sparse_sharing.text.encoded import encode_text
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary, frequent
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.loop import TaskData

MODEL = BiLstm(
    word_dimension=6,
    character_dimension=4,
    character_filters=5,
    hidden=4,
    dropout=0.0,
    word_dropout=0.0,
)

TASKS = ("chunk", "ner", "pos")

# words, parts of speech, chunks in IOB2, names in BIOES: any sequence of phrases is a valid sentence
PHRASES = [
    ("the cat", "D N", "B-NP I-NP", "O O"),
    ("the old town", "D A N", "B-NP I-NP I-NP", "O O O"),
    ("Bob", "N", "B-NP", "S-PER"),
    ("Ann Lee", "N N", "B-NP I-NP", "B-PER E-PER"),
    ("New York City", "N N N", "B-NP I-NP I-NP", "B-LOC I-LOC E-LOC"),
    ("runs", "V", "B-VP", "O"),
    ("has seen", "V V", "B-VP I-VP", "O O"),
    ("quickly", "R", "O", "O"),
]


def sentences(count, seed=0):
    """So many (words, tags of each task) pairs of one to four phrases each."""
    random = np.random.default_rng(seed)
    return [_sentence(random.integers(len(PHRASES), size=random.integers(1, 5))) for _ in range(count)]


def sentence_of(*numbers):
    """The sentence made of the phrases with these numbers."""
    return _sentence(numbers)


def _sentence(numbers):
    words, pos, chunk, ner = (
        [item for number in numbers for item in PHRASES[number][column].split()] for column in range(4)
    )
    return words, {"chunk": chunk, "ner": ner, "pos": pos}


def vocabulary_of(tasks=TASKS):
    """The vocabulary of all phrases, with the tags of some tasks."""
    (words, tags) = _sentence(range(len(PHRASES)))
    schemes = {"chunk": ("iob2", "iob2"), "ner": ("iob2", "bioes"), "pos": ("none", "none")}
    return Vocabulary(
        words=frequent(Counter(word.lower() for word in words), 1),
        characters=frequent(Counter("".join(words)), 1),
        tasks={task: TaskTags(tuple(sorted(set(tags[task]))), *schemes[task]) for task in tasks},
        lowercase=True,
        maximum_characters=6,
    )


def encoded(pairs, vocabulary=None, vectors=None, dimension=0):
    """Sentences as an encoded text with the tags of the vocabulary's tasks."""
    vocabulary = vocabulary or vocabulary_of()
    return encode_text(pairs, vocabulary, list(vocabulary.tasks), vectors or {}, dimension)


def task_data(tasks=TASKS, train=12, dev=6):
    """The same training and dev text for each of the tasks."""
    data = TaskData(encoded(sentences(train, seed=1)), encoded(sentences(dev, seed=2)))
    return dict.fromkeys(tasks, data)


def batch_of(text, task, *indices):
    """A batch of some sentences of a text; of all, where none are named."""
    return make_batch(text, np.array(indices or range(text.sentences)), task)


def network_of(vocabulary=None, seed=1, **changes):
    """A network with its first weights; `changes` are model values that differ from MODEL."""
    stacks = changes.pop("stacks", None)
    model = MODEL.model_copy(update=changes)
    return initialised(model.with_stacks(stacks) if stacks else model, vocabulary, seed)


def initialised(section, vocabulary=None, seed=1):
    """A network of the section of an encoder with its first weights, without word vectors."""
    network = Network(section, vocabulary or vocabulary_of())
    words = network.vocabulary.word_count
    initialise(network, seed, np.zeros((words, 0), np.float32), np.zeros(words, bool))
    return network


def random_mask(network, density, seed=0):
    """A mask that keeps each weight with probability `density`."""
    mask = Mask.dense(network.prunable_shapes, "weights")
    random = np.random.default_rng(seed).random(mask.keep.numel())
    return Mask(torch.from_numpy(random < density), mask.shapes, mask.weights)


def mask_network(network):
    """Give each of the three tasks a mask of its own."""
    network.set_masks({task: random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)})
    return network


def optimization_of(optimizer, **changes):
    """Settings that move a tiny network visibly: no clipping, batches of four."""
    values = {"learning_rate": 0.05 if optimizer == "sgd" else 0.01, "gradient_clip": None, "batch_size": 4}
    return Optimization(**{"optimizer": optimizer, **values, **changes})


def bits(tensor):
    """The bytes of a tensor: equal bytes are equal bits, the sign of zero included."""
    return tensor.detach().contiguous().numpy().tobytes()


def all_bits(tensors):
    """The bytes of each tensor by name."""
    return {name: bits(tensor) for name, tensor in tensors.items()}
