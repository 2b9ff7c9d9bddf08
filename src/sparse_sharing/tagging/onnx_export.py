"""Writes a model as an ONNX file for all of its tasks, after checking that its tags are those of torch."""

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.evaluation.metrics import score_numbers
from sparse_sharing.heads.crf import CrfHead
from sparse_sharing.network.compact import below_the_layers, compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel
from sparse_sharing.pipeline.specs import ExportSpec
from sparse_sharing.storage.artifacts import file_digest, save_json, write_atomically, write_text
from sparse_sharing.tagging.onnx_graph import CHAIN, Weights, build_graph
from sparse_sharing.tagging.onnx_tagger import DECODING_FILE, NETWORK_FILE, TOKENIZER_FILE, VOCABULARY_FILE, OnnxTagger
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import TaskTags

log = logging.getLogger(__name__)

TOLERATED = 1e-4
"""Share of tokens that may get another tag: rounding differs, so tags with equal scores may be swapped."""

FORBIDDEN = np.float32(-1e30)
"""A score lower than any sum of scores, and far from the smallest float32."""

Texts = Mapping[str, Mapping[str, EncodedText]]

ENCODERS = ("bilstm", "cross_stitch", "transformer")
"""The encoders that can be exported."""


def require_packages(encoder: str | None = None) -> None:
    """Check that the optional packages are installed; those for an encoder, if it is given.

    Raises:
        ConfigError: One is missing.
    """
    needed = ["onnx", "onnxruntime", *(["onnxscript"] if encoder == "transformer" else [])]
    for name in needed:
        if importlib.util.find_spec(name) is None:
            raise ConfigError(f"--onnx needs {name}; pip install {' '.join(needed)}")


def run(
    model: TrainedModel, network: Network, spec: ExportSpec, output: Path, texts: Texts, int8: bool = False
) -> None:
    """Write `network.onnx` and `onnx.json` of a model, checked against torch; of a transformer also `tokenizer.json`.

    Args:
        model: the model, which is written with all of its tasks.
        network: its network in torch.
        spec: the spec of the export.
        output: folder to write into.
        texts: by name (`dev`, `random`) the text of each task to compare the tags on.
        int8: whether weights are stored in eight bits; tags may then differ, and the difference is recorded.

    Raises:
        ConfigError: The model has parts that the graph does not support.
        ArtifactError: Too many tags differ from those of torch.
    """
    decoding = {
        "tasks": {task: _task_details(network, task) for task in model.tasks},
        "model": model.details["model"],
        "data": model.details["data"],
    }
    tokenizer = None
    if network.model.kind == "transformer":
        from sparse_sharing.tagging.onnx_transformer import graph_of, inputs_of

        decoding["model"], tokenizer = inputs_of(network)
        graph = graph_of(model, network, int8)
    else:
        graph = build_graph(weights_of(model, network, int8))
    content = graph.SerializeToString()
    del graph
    tagger = OnnxTagger(content, decoding, network.vocabulary, tokenizer=tokenizer)
    proof = {
        name: {task: _compared(tagger, network, task, text) for task, text in by_task.items()}
        for name, by_task in texts.items()
    }
    if not int8:
        _require_same(proof, output)
    write_atomically(output / NETWORK_FILE, content)
    files = {NETWORK_FILE: file_digest(output / NETWORK_FILE), VOCABULARY_FILE: model.details["vocabulary"]}
    if tokenizer is not None:
        write_text(output / TOKENIZER_FILE, tokenizer)
        files[TOKENIZER_FILE] = file_digest(output / TOKENIZER_FILE)
    save_json(output / DECODING_FILE, "onnx", spec, {**decoding, "files": files, "proof": proof, "int8": int8})
    for name, by_task in proof.items():
        for task, one in by_task.items():
            both = "; {metric} {torch:.2f} by torch, {onnx:.2f} by onnxruntime"
            scores = both.format(**one) if "metric" in one else ""
            counts = (one["different"], one["tokens"], name, task, scores)
            log.info("%s: %d of %d %s tokens get another tag of task '%s'%s", output / NETWORK_FILE, *counts)


def weights_of(model: TrainedModel, network: Network, int8: bool = False) -> Weights:
    """The weights for the graph of a model."""
    layers = {task: network.readouts[task] for task in model.tasks}
    deepest, layer_of = max(layers.values()), network.encoder.layers
    values = {name: np.asarray(value) for name, value in model.values.items() if layer_of.get(name, 0) <= deepest}
    if small := _compact(model, network):
        return Weights(values, {}, layers, int8, small)
    masks = {task: {name: part.numpy() for name, part in mask.tensors().items()} for task, mask in model.masks.items()}
    return Weights(values, masks, layers, int8)


def _compact(model: TrainedModel, network: Network) -> dict[str, dict[str, np.ndarray]]:
    """For each task the arrays of its smaller network if all masks remove whole units; else empty."""
    whole = below_the_layers(network) if len(model.tasks) > 1 else ()
    arrays = {}
    for task, mask in model.masks.items():
        small = compact_network(network, task, mask, whole)
        if small is None:
            return {}
        arrays[task] = {name: value.numpy() for name, value in small.values().items()}
    return arrays


def _task_details(network: Network, task: str) -> dict[str, Any]:
    """The tags of a task, and the scores of its CRF if it has one."""
    head = network.head_kinds[task]
    parts = head.parts(network.heads[task].detach())
    task_tags: TaskTags = network.vocabulary.tasks[task]
    details: dict[str, Any] = {"tags": list(task_tags.tags)}
    if isinstance(head, CrfHead):
        # JSON has no infinity, so forbidden transitions get a very low score.
        scores = {name: (parts[name] + head.barriers[name]).cpu().numpy() for name in CHAIN}
        details["chain"] = {name: np.maximum(values, FORBIDDEN).tolist() for name, values in scores.items()}
    return details


def _compared(tagger: OnnxTagger, network: Network, task: str, text: EncodedText) -> dict[str, Any]:
    """How many tags of a text differ; with gold tags, the score of both."""
    expected, predicted = network.predict(task, text), tagger.predict(text, [task])[task][0]
    result: dict[str, Any] = {"tokens": len(text.tokens), "different": int((expected != predicted).sum())}
    if task in text.tags:
        task_tags = network.vocabulary.tasks[task]
        names = (*task_tags.tags, *text.unseen_tags[task])
        scores = [
            score_numbers(text.tags[task], tags, names, text.offsets, task_tags.has_spans)
            for tags in (expected, predicted)
        ]
        result |= {"metric": scores[0].metric, "torch": scores[0].value, "onnx": scores[1].value}
    return result


def _require_same(proof: Mapping[str, Mapping[str, Mapping[str, Any]]], output: Path) -> None:
    for name, by_task in proof.items():
        for task, one in by_task.items():
            if one["different"] > TOLERATED * one["tokens"]:
                raise ArtifactError(
                    f"{output}: {one['different']} of {one['tokens']} {name} tokens got another tag of task '{task}' "
                    f"from onnxruntime than from torch, so {NETWORK_FILE} was not written"
                )
