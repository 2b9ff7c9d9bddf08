"""Reads a configuration and explains what is wrong with it, one line per key."""

import difflib
import types
import typing
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from sparse_sharing.config.schema import Config
from sparse_sharing.errors import ConfigError


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a key written twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice in one section", node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep=deep)


def load_config(path: Path, **overrides: str) -> Config:
    """Read and check a configuration file; `overrides` replace top-level keys.

    Raises:
        ConfigError: The file cannot be read, is no YAML, or a key or value is wrong.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected sections (run, data, model, ...), found {type(values).__name__}")
    return parse_config({**values, **overrides}, source=str(path))


def parse_config(values: Mapping[str, object], source: str = "config") -> Config:
    """Check the values of a configuration.

    Raises:
        ConfigError: One line for each wrong key: its path, its value, what is allowed, the nearest valid name.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(item) for item in error.errors(include_url=False)]
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise ConfigError("\n".join([f"{source}: {count}", *(f"  {line}" for line in lines)])) from error


def _explain(item: Mapping[str, typing.Any]) -> str:
    """One readable line for one pydantic error."""
    location = [part for part in item["loc"] if not _is_union_branch(part)]
    path = _path(location)
    value = _shorten(item["input"])
    match item["type"]:
        case "extra_forbidden":
            allowed = _fields_at(location[:-1])
            close = difflib.get_close_matches(str(location[-1]), allowed, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(allowed)}"
            return f"{path}: unknown key; {hint}"
        case "missing":
            return f"{path}: is required"
        case "literal_error":
            expected = item["ctx"]["expected"]
            names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
            close = difflib.get_close_matches(str(item["input"]), names, n=1, cutoff=0.5)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            return f"{path}: got {value}; allowed: {expected}{hint}"
        case "value_error":
            return f"{path}: {item['ctx']['error']}" if path else str(item["ctx"]["error"])
        case "string_pattern_mismatch":
            return f"{path}: got {value}; allowed: letters, digits, '-' and '_', beginning with a letter or digit"
    message = item["msg"][0].lower() + item["msg"][1:]
    return f"{path}: got {value}; {message}"


def _is_union_branch(part: object) -> bool:
    """Whether pydantic named a branch of a union here, which is no key of the user's."""
    return isinstance(part, str) and ("[" in part or part in {"int", "float", "str"})


def _path(location: list[object]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _fields_at(location: list[object]) -> list[str]:
    """The keys that the section at a location knows."""
    kind: typing.Any = Config
    for part in location:
        if isinstance(part, int):
            continue
        kind = _section(kind.model_fields[part].annotation)
    return list(kind.model_fields)


def _section(annotation: typing.Any) -> type[BaseModel]:
    """The section class inside an annotation such as `list[Task]` or `Warmup | None`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation
    return next(_section(part) for part in typing.get_args(annotation) if part is not type(None))
