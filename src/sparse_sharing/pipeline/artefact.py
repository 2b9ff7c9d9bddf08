"""The kinds of file that the program writes: the only list of them, with the format version of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Artefact:
    """A kind of file.

    Attributes:
        name: its name in rules and stages; an identifier.
        file: its name in the folder of its job.
        meaning: one line for readers.
        kind: the kind in its header; None: a file without a header, such as CSV.
        version: the version of its format, in its header; a file of another version is rejected.
        is_folder: whether it is a folder of files.
    """

    name: str
    file: str
    meaning: str
    kind: str | None = None
    version: int = 1
    is_folder: bool = False


VOCABULARY = Artefact(
    "vocabulary", "vocabulary.json", "words, characters, and the tags and schemes of each task", "vocabulary"
)
WORDS = Artefact("vocabulary", "vocabulary.json", "words and characters of the training text", "words")
VECTORS = Artefact(
    "vectors",
    "vectors.safetensors",
    "pretrained vectors of the training words, and which words have one",
    "vectors",
)
TRAIN, DEV, TEST = (
    Artefact(
        split,
        f"{split}.safetensors",
        f"the {split} text: tokens and sentence ends by corpus, and each distinct word once",
        "text",
        version=3,
    )
    for split in ("train", "dev", "test")
)
TRAIN_TAGS, DEV_TAGS, TEST_TAGS = (
    Artefact(split, f"{split}.safetensors", f"the tag of each token of the {split} text, and the set of tags", "tags")
    for split in ("train", "dev", "test")
)
SUMMARY = Artefact(
    "summary",
    "summary.json",
    "sizes, unknown words, vector coverage, duplicates across splits, digests of the source files",
    "summary",
    version=3,
)
TASK_SUMMARY = Artefact(
    "summary", "summary.json", "tags, spans by type, repairs and missing tags in each split", "task_summary"
)
WEIGHTS = Artefact(
    "weights", "weights.safetensors", "the starting weights: every tensor of the network under its name", "weights"
)
MASKS = Artefact(
    "masks", "masks.safetensors", "the masks of all rounds, `round000`, `round001`, ...: one bit per weight", "masks"
)
ROUNDS = Artefact("rounds", "rounds.csv", "density, dev score and seconds of each round of pruning")
SEARCH = Artefact("search", "search.json", "the combinations of rounds that a search tried, and the best one", "search")
TRIALS = Artefact("trials", "search.csv", "parameters and dev scores of each combination of a search, by rung")
SELECTION = Artefact(
    "masks", "masks.safetensors", "one mask for each task; `sparse-sharing masks` writes such files too", "selection"
)
CHOICE = Artefact(
    "choice", "choice.csv", "for each task the chosen round, its density, in total and by layer, and its dev score"
)
OVERLAP = Artefact(
    "overlap", "overlap.csv", "the overlap of the masks of tasks, and of the masks that it is compared with"
)
MODEL = Artefact(
    "model", "model.safetensors", "weights and masks, dev scores, densities, parameter count", "model", version=2
)
HISTORY = Artefact("history", "history.csv", "learning rate, loss, dev scores and seconds of each epoch")
MERGING = Artefact("merging", "merging.csv", "the dev score of each task for each setting of a merging")
CARD = Artefact("card", "README.md", "the model card")
METRICS = Artefact(
    "metrics",
    "metrics.json",
    "scores on dev and test, also by type; density, parameters, seconds, and facts about the training",
    "metrics",
)
SENTENCES = Artefact(
    "sentences",
    "sentences.safetensors",
    "for each task one int32 row per test sentence, in the order of the file: correct tags and tokens, or "
    "correct, predicted and gold spans; `TASK.documents` and `TASK.leaked` as below",
    "sentences",
)
PREDICTIONS = Artefact(
    "predictions", "predictions", "one file per task, in the columns that conlleval reads", is_folder=True
)
PROVENANCE = Artefact(
    "provenance", "provenance.json", "digests of the tables and of the metrics they were made from", "tables"
)
REPORT = Artefact(
    "report", "report.html", "the run on one page: verdicts, scores, learning curves, pruning, masks, costs, provenance"
)
COSTS = Artefact("costs", "costs.json", "processor seconds, updates and tokens of a job, which differ from run to run")
CONFLICT = Artefact("conflict", "conflict.csv", "cosines of the gradients of each pair of tasks by epoch, if measured")
AFFINITY = Artefact("affinity", "affinity.csv", "effect of a step of each task on the losses by epoch, if measured")
CHECKPOINT = Artefact(
    "checkpoint",
    "epoch.safetensors",
    "the state of a training after its last epoch, to resume from",
    "checkpoint",
    version=2,
)
ONNX = Artefact("onnx", "onnx.json", "what a tagger needs besides an ONNX network", "onnx", version=2)

ARTEFACTS: tuple[Artefact, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Artefact))

FORMATS: dict[str, int] = {artefact.kind: artefact.version for artefact in ARTEFACTS if artefact.kind is not None}
"""The version of each format that this program reads and writes."""
