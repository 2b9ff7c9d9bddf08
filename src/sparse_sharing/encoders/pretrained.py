"""Reads pretrained models in the format of `transformers` from a folder.

Nothing in the folder is executed: the architecture must be one that `transformers` has itself, the weights must be in
safetensors.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel
from transformers.initialization import no_init_weights

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.pipeline.pretrained import READ, WITHOUT_TOKENIZER

# Silence the library: the checks here give better messages, and its progress bars are not needed.
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

UNUSED = ("auto_map", "id2label", "label2id", "_name_or_path", "torch_dtype", "dtype")
"""Keys of config.json that do not concern the encoder; `auto_map` names code in the folder."""


def download(name: str, revision: str) -> Path:
    """The folder of a model on the Hub at a commit; it is downloaded if it is not there yet.

    Raises:
        ConfigError: It does not exist, and cannot be downloaded.
    """
    patterns = [*READ, *WITHOUT_TOKENIZER]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    # Without a network, or for an unknown name, the library raises errors of many types.
    except Exception as error:
        raise ConfigError(
            f"model.pretrained: '{name}' at commit {revision} is not on this machine and could not be downloaded "
            f"({str(error).splitlines()[0]}). Check the name and the commit; without a network, copy the model's "
            "folder to this "
            "machine and set model.pretrained to it"
        ) from error


def read_architecture(folder: Path) -> dict[str, Any]:
    """The configuration of the encoder in config.json.

    Raises:
        ArtifactError: It cannot be read, or `transformers` has no such model.
    """
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: value for key, value in values.items() if key not in UNUSED}
    except (OSError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error})") from error
    try:
        AutoModel._model_mapping[type(_configuration(kept))]
    except (KeyError, ValueError) as error:
        raise ArtifactError(
            f"{path}: transformers {transformers.__version__} has no encoder of model_type "
            f"{values.get('model_type')!r}. Code in the folder is never run; use a model of another type"
        ) from error
    return kept


def read_licence(folder: Path) -> str | None:
    """The licence in the header of the card of a pretrained model, if there is one."""
    path = folder / "README.md"
    if not path.exists():
        return None
    header = path.read_text(encoding="utf-8", errors="replace").split("---", 2)
    match = re.search(r"^license: *(.+?) *$", header[1], re.MULTILINE) if len(header) == 3 else None
    return match[1] if match else None


def read_tokenizer(folder: Path) -> str:
    """The tokenizer of a folder as JSON: tokenizer.json, or a conversion of other files by `transformers`.

    Raises:
        ArtifactError: There is none, or it cannot be read.
    """
    path = folder / "tokenizer.json"
    try:
        if path.exists():
            return path.read_text(encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        return tokenizer.backend_tokenizer.to_str()
    # For files that it cannot read, the library raises errors of many types.
    except Exception as error:
        raise ArtifactError(
            f"{folder}: has no readable tokenizer ({error}). Copy the model's tokenizer.json into it"
        ) from error


def read_weights(folder: Path, module: nn.Module) -> dict[str, Tensor]:
    """The pretrained weights for a module from `build_module`, and its piece embeddings; float32 by name.

    Raises:
        ArtifactError: Weights are missing, have other shapes, or are not in a safetensors file.
    """
    if not list(folder.glob("*.safetensors")):
        raise ArtifactError(
            f"{folder}: has no weights in safetensors, the only supported format. Load the model with transformers "
            "and save it again: model.save_pretrained(FOLDER)"
        )
    try:
        model, report = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    # For files that it cannot read, the library raises errors of many types.
    except Exception as error:
        raise ArtifactError(f"{folder}: the weights cannot be read ({error})") from error
    needed = {*(name for name, _ in module.named_parameters()), table_name(model)}
    if missing := sorted(needed & set(report["missing_keys"])):
        raise ArtifactError(f"{folder}: has no weights {missing[0]} ({len(missing)} are missing); is it complete?")
    return {name: value.detach() for name, value in model.named_parameters() if name in needed}


def build_module(architecture: Mapping[str, Any], dropout: float | None) -> PreTrainedModel:
    """The encoder described by config.json, without its piece embeddings and with arbitrary weights.

    Args:
        architecture: the content of config.json.
        dropout: dropout of states and attention; None: as in config.json.

    Raises:
        ValueError: `transformers` has no such model, or a value is wrong.
    """
    values = dict(architecture)
    # The piece embeddings are passed in with each batch.
    values["vocab_size"] = (values.get("pad_token_id") or 0) + 1
    if dropout is not None:
        values |= {key: dropout for key in values if "dropout" in key and isinstance(values[key], float | int)}
        values |= dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), dropout)
    # Building the module draws random numbers that are not used.
    with torch.random.fork_rng(devices=[]), no_init_weights():
        module = AutoModel.from_config(_configuration(values))
    module.set_input_embeddings(NoTable())
    # The pooler computes a state of the whole sentence, which taggers do not use.
    if getattr(module, "pooler", None) is not None:
        module.pooler = None
    return module


class NoTable(nn.Module):
    """A placeholder for the piece embeddings."""


def table_name(module: PreTrainedModel) -> str:
    """The name of the piece embeddings among the weights of a module."""
    table = module.get_input_embeddings()
    return next(f"{name}.weight" for name, part in module.named_modules() if part is table)


def table_shape(architecture: Mapping[str, Any], module: nn.Module) -> tuple[int, int]:
    """The shape of the piece embeddings: number of pieces, dimension."""
    configuration = _configuration(architecture)
    width = getattr(configuration, "embedding_size", None) or configuration.hidden_size
    return configuration.vocab_size, width


def positions(module: PreTrainedModel) -> int:
    """The number of pieces, including special tokens, for which a model has positions."""
    return int(module.config.max_position_embeddings) - before_positions(module)


def before_positions(module: PreTrainedModel) -> int:
    """The number of the first position: RoBERTa counts positions from the one after the number of the padding."""
    tables = (part for name, part in module.named_modules() if name.endswith("position_embeddings"))
    table = next((part for part in tables if isinstance(part, nn.Embedding)), None)
    return 0 if table is None or table.padding_idx is None else table.padding_idx + 1


def _configuration(values: Mapping[str, Any]) -> Any:
    kind = values.get("model_type")
    if not isinstance(kind, str):
        raise ValueError("config.json has no model_type")
    return AutoConfig.for_model(kind, **{key: value for key, value in values.items() if key != "model_type"})
