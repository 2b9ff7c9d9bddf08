"""Stage `evaluate`: apply a trained model to the test text, the only stage that is ever given it."""

import csv
from pathlib import Path

from sparse_sharing.artifacts import remedy, save_json, save_tensors, write_text
from sparse_sharing.config.specs import EvaluateSpec
from sparse_sharing.data.text import EncodedText
from sparse_sharing.errors import ArtifactError
from sparse_sharing.stages.card import model_card
from sparse_sharing.stages.inputs import load_text
from sparse_sharing.stages.models import load_own_epoch, open_model
from sparse_sharing.training.scoring import as_scored, count_tags, predict_tags, score_tags, written_tags


def run(spec: EvaluateSpec, model: Path, test_text: Path, output: Path, device: str) -> None:
    """Score the model in the folder `model`; write `metrics.json`, `predictions/{task}.txt` and a card.

    A task whose own best epoch the training has kept is scored with the weights of that epoch.
    `sentences.safetensors` holds the counts of each test sentence, in the order of the file, for tests between systems.

    Raises:
        ArtifactError: A file of the model, or the text, is missing, damaged, or made under other settings.
    """
    opened = open_model(model, device, spec.model)
    trained, vocabulary, network = opened.trained, opened.vocabulary, opened.network
    texts = load_text(test_text, spec.data, vocabulary)
    tasks, counts, replicate = {}, {}, trained.spec.get("replicate", [])
    for task in trained.tasks:
        if task not in texts:
            raise ArtifactError(f"{test_text}: has no task '{task}', only {', '.join(texts)}. {remedy(test_text)}")
        text, tags = texts[task], vocabulary.tasks[task]
        if task in trained.own:
            load_own_epoch(opened, task)
        gold, predicted = text.gold_tags(task, vocabulary), predict_tags(network, task, text, spec.batch_size)
        scored = as_scored(gold, predicted, tags, "lenient_spans" in replicate)
        score = score_tags(*scored, tags)
        counts[task] = count_tags(*scored, tags)
        tasks[task] = {
            "metric": score.metric,
            "dev": trained.details["dev"][task],
            "test": score.metrics,
            "per_type": score.per_type,
            "density": trained.details["densities"][task],
        }
        columns = columns_of(text, written_tags(gold, tags), written_tags(predicted, tags))
        write_text(output / "predictions" / f"{task}.txt", columns)
    metrics = {
        "dataset": spec.dataset,
        "system": spec.system,
        "seed": spec.seed,
        "tasks": tasks,
        "parameters": trained.details["parameters"],
        "seconds": _seconds(model / "history.csv"),
    }
    if rates := trained.details.get("learning_rates"):
        metrics["learning_rates"] = rates
    save_tensors(output / "sentences.safetensors", "sentences", spec, counts)
    if replicate:
        metrics["replicate"] = replicate
    save_json(output / "metrics.json", "metrics", spec, metrics)
    write_text(output / "README.md", model_card(trained, tasks))


def columns_of(text: EncodedText, gold: list[list[str]], predicted: list[list[str]]) -> str:
    """Word, annotated tag and predicted tag of each token on a line, a blank line after each sentence (conlleval)."""
    sentences = zip(text.words(), gold, predicted, strict=True)
    return "".join(
        "".join(f"{word} {right} {guess}\n" for word, right, guess in zip(*sentence, strict=True)) + "\n"
        for sentence in sentences
    )


def _seconds(history: Path) -> float:
    """The time that the training took, over all its epochs."""
    try:
        with history.open(encoding="utf-8", newline="") as stream:
            seconds = [float(row["seconds"]) for row in csv.DictReader(stream)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ArtifactError(f"{history}: is missing or damaged ({error}). {remedy(history)}") from error
    if not seconds:
        raise ArtifactError(f"{history}: holds no epoch. {remedy(history)}")
    return round(sum(seconds), 2)
