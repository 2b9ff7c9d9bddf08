"""The model card: what a user should know about a model, as Markdown beside the model and its test scores."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sparse_sharing import __version__
from sparse_sharing.network.storage import TrainedModel, storage_sizes
from sparse_sharing.storage.artifacts import Artifact
from sparse_sharing.training.loop import TaskData

LICENCE = """The model was made from the text{vectors} named above, and `vocabulary.json` contains the words
of that text. Their licences and the rules of their owners apply to the model too: check them before you distribute it.
The program that made the model does not know them."""

VECTORS = """It was trained with pretrained word vectors. The vectors of words that are not in the training text are
only in that file: without `--vectors` (in Python `Tagger.load(folder, vectors=...)`) they are unknown words, and scores
are lower than those above. Use the same file as in training.
"""

USE = """```sh
echo "EU rejects German call" | sparse-sharing tag FOLDER
sparse-sharing size FOLDER
```

```python
from sparse_sharing import Tagger
tagger = Tagger.load("FOLDER")
tagger("EU rejects German call")
```

FOLDER is the folder with `model.safetensors` and `vocabulary.json`."""

_special = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$])")


def escape(text: object) -> str:
    """Text escaped for Markdown, so that it is shown unchanged."""
    return _special.sub(r"\\\1", " ".join(str(text).split()))


def data_summary(vocabulary: Artifact, tasks: Mapping[str, TaskData], corpora: Mapping[str, str]) -> dict[str, Any]:
    """The summary of the text of a training: its names, its size for each task, and how words are looked up.

    Args:
        vocabulary: of the prepared dataset.
        tasks: what the model was trained on.
        corpora: the corpus of each task.
    """
    sizes = {
        task: {
            "corpus": corpora[task],
            **{
                f"{split}_{unit}": count
                for split, text in (("train", data.train), ("dev", data.dev))
                for unit, count in (("sentences", text.sentences), ("tokens", len(text.tokens)))
            },
        }
        for task, data in tasks.items()
    }
    return {
        "dataset": vocabulary.spec["dataset"],
        "words": len(vocabulary.details["words"]),
        "lowercase": vocabulary.spec["lowercase"],
        "vectors": vocabulary.spec["vectors"],
        "tasks": sizes,
    }


def model_card(model: TrainedModel, scores: Mapping[str, Any] | None = None) -> str:
    """The card of a model as Markdown; `scores` has the test scores of each task, once they are known."""
    details, data = model.details, model.details["data"]
    tasks = ", ".join(map(escape, model.tasks))
    parts = [
        f"# A tagger for {tasks}",
        f"Trained on dataset {escape(data['dataset'])}: {_origin(model)}. "
        f"{details['parameters']:,} parameters without embeddings and heads, for all tasks together; "
        f"{_made(details)}.",
        f"## Scores\n\nIn percent. {_chosen_on(details)}"
        + ("" if scores else " The test scores are in the card that the stage `evaluate` writes."),
        _table(("task", "share of weights kept", "dev", *(("test",) if scores else ())), _scores(model, scores)),
        "## Data",
        _table(("task", "corpus", "train sentences", "train tokens", "dev sentences", "dev tokens"), _data(data)),
        f"{data['words']:,} words have a vector of their own"
        + (", looked up in lower case." if data["lowercase"] else "."),
        f"## Use\n\n{USE}",
        *([VECTORS.rstrip()] if data["vectors"] else []),
        "## Size",
        _table(("bytes", "this model", "one dense model per task"), _sizes(model)),
        "## Licence\n\n" + LICENCE.format(vectors=" and the word vectors" if data["vectors"] else ""),
        *_pretrained(details["model"]),
        *_pieces(details),
        f"Made by sparse-sharing {__version__}; content `{model.digest}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _pretrained(encoder: Mapping[str, Any]) -> Iterable[str]:
    """Facts about the pretrained model that the encoder starts from."""
    if name := encoder.get("pretrained"):
        version = encoder.get("revision") or encoder.get("digest")
        licence = (
            f"Its card names the licence {escape(encoder['licence'])}"
            if encoder.get("licence")
            else ("Its folder names no licence; look it up")
        )
        yield (
            f"The training started from the pretrained model {escape(name)} (`{version}`), whose tokenizer and "
            f"architecture are in `model.safetensors`. {licence}; that licence applies to this model too."
        )


def _pieces(details: Mapping[str, Any]) -> Iterable[str]:
    """How many pieces of the pretrained vocabulary are left."""
    if (pieces := details.get("pieces")) is not None:
        yield (
            f"{pieces['kept']:,} of {pieces['of']:,} pieces of the vocabulary were kept; words of other pieces are "
            "split into smaller ones."
        )


def _chosen_on(details: Mapping[str, Any]) -> str:
    """A sentence on the text by which the model was chosen."""
    if "epoch_on_test" in details["replicate"]:
        return "The epoch was chosen on the test text, as in the original code, so test scores are too high."
    text = "All choices were made on dev, none on the test text."
    if unchosen := details.get("not_chosen_on_dev"):
        text = f"No choice was made on the test text, or on the dev text of {', '.join(map(escape, unchosen))}."
    if rates := details.get("learning_rates"):
        tried = ", ".join(f"{escape(row['learning_rate'])} with {row['dev']:.2f}" for row in rates)
        text += f" Learning rate {escape(details['learning_rate'])} had the best mean on dev ({tried})."
    if task_epochs := details.get("own_epochs"):
        epochs = ", ".join(f"{escape(task)} {number}" for task, number in task_epochs.items())
        text += (
            f" These are scores of a control: each task has the weights of its own best epoch ({epochs}). Tags are "
            "given with the weights of one epoch for all tasks, whose scores can be lower."
        )
    return text


def _made(details: Mapping[str, Any]) -> str:
    """How its weights were made."""
    if (merging := details.get("merging")) is None:
        return f"epoch {details['best_epoch']} of {details['epochs']} was kept"
    chosen = [f"{name.replace('_', ' ')} {value:g}" for name, value in merging["setting"].items()]
    chosen += [f"threshold of {escape(task)} {value:g}" for task, value in merging.get("thresholds", {}).items()]
    return f"merged from models of single tasks by {escape(merging['method'])} ({', '.join(chosen)})"


def _origin(model: TrainedModel) -> str:
    exported = model.details.get("exported")
    if exported is None:
        return f"system {escape(model.spec['system'])}, seed {escape(model.spec['seed'])}"
    dev = f"{exported['sentences']:,} dev sentences ({exported['tokens']:,} tokens)" if "tokens" in exported else ""
    random = f"{exported['random_tokens']:,} tokens of random sequences of its vocabulary"
    texts = f"{dev} and for {random} are all the same" if dev else f"{random} are all the same"
    return f"exported from the model with content `{escape(exported['source'])}`, whose tags for {texts}"


def _scores(model: TrainedModel, scores: Mapping[str, Any] | None) -> Iterable[tuple[str, ...]]:
    dev, densities = model.details["dev"], model.details["densities"]
    for task in model.tasks:
        row = (escape(task), f"{100 * densities[task]:.2f} %", _metrics(dev.get(task, {})))
        yield (*row, _metrics(scores[task]["test"])) if scores else row


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{escape(name)} {value:.2f}" for name, value in metrics.items()) or "none"


def _data(data: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for task, sizes in data["tasks"].items():
        counts = (f"{sizes[name]:,}" for name in ("train_sentences", "train_tokens", "dev_sentences", "dev_tokens"))
        yield (escape(task), escape(sizes["corpus"]), *counts)


def _sizes(model: TrainedModel) -> Iterable[tuple[str, ...]]:
    sizes = storage_sizes(model)
    for part, stored in sizes["stored"].items():
        yield part, f"{stored:,}", f"{sizes['separate'][part]:,}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
