"""Stage `evaluate`: apply a trained model to the test text; no other stage reads it."""

import csv
from pathlib import Path
from typing import Any

from sparse_sharing.errors import ArtifactError
from sparse_sharing.evaluation.scoring import as_scored, count_tags, predict_tags, score_tags, written_tags
from sparse_sharing.network.storage import TrainedModel
from sparse_sharing.pipeline.artefact import AFFINITY, CONFLICT
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.results.card import model_card
from sparse_sharing.storage.artifacts import parts_of, remedy, save_json, save_tensors, write_text
from sparse_sharing.storage.costs import read_costs
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.tags import UNSPECIFIED
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import load_own_epoch, open_model


def run(spec: EvaluateSpec, model: Path, test_text: Path, output: Path, device: str) -> None:
    """Score the model in the folder `model`; write `metrics.json`, `predictions/{task}.txt` and a card.

    A task whose own best epoch was kept in training is scored with the weights of that epoch.
    `sentences.safetensors` holds for each task the counts of each test sentence, in the order of the file, for tests
    between systems; beside them, as TASK.documents and TASK.leaked, what `EncodedText` calls documents and leaked.

    Raises:
        ArtifactError: A file of the model, or the text, is missing, damaged, or made with other settings.
    """
    opened = open_model(model, device, spec.model)
    trained, vocabulary, network = opened.trained, opened.vocabulary, opened.network
    texts = load_text(test_text, spec.data, vocabulary, trained.spec["tags"])
    history = _history(model / "history.csv")
    if not history and "merging" not in trained.details:
        raise ArtifactError(f"{model / 'history.csv'}: has no epoch. {remedy(model / 'history.csv')}")
    tasks, counts, replicate = {}, {}, trained.spec.get("replicate", [])
    for task in trained.tasks:
        text, tags = texts[task], vocabulary.tasks[task]
        if task in trained.own_values:
            load_own_epoch(opened, task)
        gold, predicted = text.gold_tags(task, vocabulary), predict_tags(network, task, text, spec.batch_size)
        scored = as_scored(gold, predicted, tags, "lenient_spans" in replicate)
        score = score_tags(*scored, tags)
        counts[task] = count_tags(*scored, tags)
        about = {"documents": text.documents, "leaked": text.leaked}
        counts |= {f"{task}.{name}": values for name, values in about.items() if values is not None}
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
        **({"trained_parameters": count} if (count := trained.details.get("trained_parameters")) is not None else {}),
        "seconds": round(sum(float(row["seconds"]) for row in history), 2),
    }
    if "merging" not in trained.details:
        metrics["training"] = _training(trained, history, model)
    if rates := trained.details.get("learning_rates"):
        metrics["learning_rates"] = rates
    if trained.spec.get("conflict") is not None:
        metrics["conflict"] = _conflict(model / CONFLICT.file)
    if trained.spec.get("affinity") is not None:
        metrics["affinity"] = _affinity(model / AFFINITY.file)
    save_tensors(output / "sentences.safetensors", "sentences", spec, counts)
    if replicate:
        metrics["replicate"] = replicate
    save_json(output / "metrics.json", "metrics", spec, metrics)
    write_text(output / "README.md", model_card(trained, tasks))


def columns_of(text: EncodedText, gold: list[list[str]], predicted: list[list[str]]) -> str:
    """Word, annotated tag and predicted tag of each token on a line, a blank line after each sentence (conlleval)."""
    sentences = zip(text.words(), gold, predicted, strict=True)
    return "".join(
        "".join(f"{word} {right or UNSPECIFIED} {guess}\n" for word, right, guess in zip(*sentence, strict=True)) + "\n"
        for sentence in sentences
    )


def _history(path: Path) -> list[dict[str, str]]:
    """The epochs of the training, one row each."""
    return _table(path, "seconds")


def _table(path: Path, number: str) -> list[dict[str, str]]:
    """The rows of a table whose column `number` must have numbers."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            float(row[number])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ArtifactError(f"{path}: is missing or damaged ({error}). {remedy(path)}") from error
    return rows


def _conflict(path: Path) -> list[dict[str, Any]]:
    """The agreement of the gradients of each pair of tasks after each epoch of the training."""
    rows = _table(path, "weights")
    with parts_of(path):
        return [
            row
            | {"epoch": int(row["epoch"]), "weights": int(row["weights"])}
            | {"cosine": float(row["cosine"]) if row["cosine"] else None}
            for row in rows
        ]


def _affinity(path: Path) -> list[dict[str, Any]]:
    """How a step of each task changed the losses of all after some epochs of the training."""
    rows = _table(path, "loss")
    with parts_of(path):
        return [
            row
            | {"epoch": int(row["epoch"]), "loss": float(row["loss"])}
            | {"affinity": float(row["affinity"]) if row["affinity"] else None}
            for row in rows
        ]


def _training(trained: TrainedModel, history: list[dict[str, str]], model: Path) -> dict[str, Any]:
    """Facts about the training and its cost; models of earlier versions have no record of their cost.

    `best_dev` is the highest score of each task in any epoch, on the split that epochs were compared on.
    """
    costs, path = read_costs(model), model / "history.csv"
    split = "test" if "epoch_on_test" in trained.spec.get("replicate", []) else "dev"
    choosing = [task for task in trained.tasks if task not in trained.details.get("not_chosen_on_dev", ())]
    with parts_of(path):
        return {
            "best_epoch": int(trained.details["best_epoch"]),
            "epochs": len(history),
            "planned_epochs": int(trained.spec["optimization"]["epochs"]),
            "best_dev": {task: max(float(row[f"{split} {task}"]) for row in history) for task in choosing},
            "updates": costs.updates if costs else {},
            "tokens": costs.tokens if costs else {},
            "seconds": costs.processor_seconds if costs else None,
        }
