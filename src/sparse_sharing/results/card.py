"""The model card: what a person should know before using a model, as Markdown beside the model and its test scores."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sparse_sharing import __version__
from sparse_sharing.network.storage import TrainedModel, storage_sizes
from sparse_sharing.storage.artifacts import Artifact
from sparse_sharing.training.loop import TaskData

LICENCE = """The model was made from the text{vectors} named above, and a copy of that text's words lies in
`vocabulary.json`. Their licences and the rules of their owners hold for the model too: look them up before you pass it
on. The program that made it says nothing about them."""

VECTORS = """It was trained with pretrained word vectors. Words that the training text lacks have their vectors in that
file alone: without `--vectors` (in Python `Tagger.load(folder, vectors=...)`) they are unknown words, and scores are
lower than those above. Give the same file as in training.
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

FOLDER is the folder that holds `model.safetensors` and `vocabulary.json`."""

_special = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$])")


def escape(text: object) -> str:
    """Text as Markdown shows it, whatever characters it holds."""
    return _special.sub(r"\\\1", " ".join(str(text).split()))


def data_summary(words: Artifact, tasks: Mapping[str, TaskData], corpora: Mapping[str, str]) -> dict[str, Any]:
    """What the text of a training was: its names, its size for each task, and how words are looked up.

    Args:
        words: the vocabulary of the prepared dataset.
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
        "dataset": words.spec["dataset"],
        "words": len(words.details["words"]),
        "lowercase": words.spec["lowercase"],
        "vectors": words.spec["vectors"],
        "tasks": sizes,
    }


def model_card(model: TrainedModel, scores: Mapping[str, Any] | None = None) -> str:
    """The card of a model as Markdown; `scores` holds those on the test text for each task, once they are known."""
    details, data = model.details, model.details["data"]
    tasks = ", ".join(map(escape, model.tasks))
    parts = [
        f"# A tagger for {tasks}",
        f"Trained on dataset {escape(data['dataset'])}: {_origin(model)}. "
        f"{details['parameters']:,} parameters without embeddings and heads, for all tasks together; "
        f"{_made(details)}.",
        f"## Scores\n\nIn percent. {_chosen_on(details)}"
        + ("" if scores else " The scores on it stand in the card that the stage `evaluate` writes."),
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
        f"Made by sparse-sharing {__version__}; content `{model.digest}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _pretrained(encoder: Mapping[str, Any]) -> Iterable[str]:
    """What is known of the pretrained model that the encoder starts from."""
    if name := encoder.get("pretrained"):
        version = encoder.get("revision") or encoder.get("digest")
        known = (
            f"Its card names the licence {escape(encoder['licence'])}"
            if encoder.get("licence")
            else ("Its folder names no licence: look it up")
        )
        yield (
            f"The training started from the pretrained model {escape(name)} (`{version}`), whose tokenizer and "
            f"architecture are in `model.safetensors`. {known}; that licence holds for this model as well."
        )


def _chosen_on(details: Mapping[str, Any]) -> str:
    """Which text decided."""
    if "epoch_on_test" in details["replicate"]:
        return "The epoch was chosen on the test text, as the original does: scores on it promise too much."
    text = "Everything was chosen on dev, nothing on the test text."
    if unchosen := details.get("not_chosen_on_dev"):
        text = f"Nothing was chosen on the test text, nor on the dev text of {', '.join(map(escape, unchosen))}."
    if rates := details.get("learning_rates"):
        tried = ", ".join(f"{escape(row['learning_rate'])} with {row['dev']:.2f}" for row in rates)
        text += f" Learning rate {escape(details['learning_rate'])} had the best mean on dev ({tried})."
    if own := details.get("own_epochs"):
        epochs = ", ".join(f"{escape(task)} {number}" for task, number in own.items())
        text += (
            f" These are scores of a control: each task has the weights of its own best epoch ({epochs}). Tags are "
            "given with the weights of one epoch for all tasks, whose scores can be lower."
        )
    return text


def _made(details: Mapping[str, Any]) -> str:
    """How its weights were found."""
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
    texts = f"{dev} are the same, every one, as are those for {random}" if dev else f"{random} are the same, every one"
    return f"taken out of the model with content `{escape(exported['source'])}`, whose tags for {texts}"


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
