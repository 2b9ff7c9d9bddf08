"""Reads a configuration and explains what is wrong with it, one line per key."""

import difflib
import os
import re
import textwrap
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from sparse_sharing.config.encoders.base import ENCODERS, EncoderSection, section_class
from sparse_sharing.config.schema import Config
from sparse_sharing.config.tagged import Tagged, add_late_kinds
from sparse_sharing.errors import ConfigError

LONGEST_LIST = 200
"""The longest list of known keys in a message, in characters; docs/reference.md has all keys."""

MOST_VALUES = 1_000_000
"""The most values that a configuration may have; more are a mistake or an attack."""

# pydantic's names of the branches of a union, such as a number or a number per task: they are not the user's keys.
_branch = re.compile(r"constrained-(int|float)|(literal|dict|list|function-(after|plain))\[.*\]|\[key\]").fullmatch


# Not the loader in C, which ends the process by a segmentation fault on text that is nested too deeply.
class _UniqueKeys(yaml.SafeLoader):
    """A loader that rejects duplicate keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = []
        for node_of_key in (key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"):
            key = self.construct_object(node_of_key, deep=deep)
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key '{key}' in one section", node_of_key.start_mark
                )
            keys.append(key)
        return super().construct_mapping(node, deep=deep)


def load_config(path: Path, **overrides: str) -> Config:
    """Read and check a configuration file; `overrides` replace top-level keys.

    A relative data_root in the file starts at the folder of the file; one in the overrides, at the current folder.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or a key or value is wrong.
    """
    return parse_config({**from_folder(read_values(path), path.parent), **overrides}, source=str(path))


def read_values(path: Path) -> dict[str, object]:
    """The values of a configuration file, not checked.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or has no sections.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected sections (run, data, model, ...), found {type(values).__name__}")
    return values


def from_folder(values: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The values of a configuration file in a folder, with data_root made relative to the current folder."""
    root, here = values.get("data_root", "."), os.path.relpath(folder)
    if here == "." or not isinstance(root, str) or Path(root).is_absolute():
        return dict(values)
    return {**values, "data_root": os.path.normpath(Path(here, root))}


def parse_config(values: Mapping[str, object], source: str = "config") -> Config:
    """Check the values of a configuration.

    Raises:
        ConfigError: One line for each wrong key: its path, its value, what is allowed, the nearest valid name.
    """
    _refuse_explosion(values, source)
    add_late_kinds()
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        items = [item for item in error.errors(include_url=False) if not _is_other_branch(item)]
        lines = [_explain(item, values).replace("\n", r"\n") for item in items]
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise ConfigError("\n".join([f"{source}: {count}", *(f"  {line}" for line in lines)])) from error


def _refuse_explosion(values: object, source: str) -> None:
    """Raise ConfigError if YAML aliases expand to too many values, or to themselves."""
    sizes: dict[int, int | None] = {}

    def size(value: object) -> int:
        if not isinstance(value, dict | list):
            return 1
        if (count := sizes.get(id(value), 0)) is None:
            raise ConfigError(f"{source}: a section contains itself; replace its alias (*name) by its values")
        if count == 0:
            sizes[id(value)] = None
            sizes[id(value)] = count = 1 + sum(map(size, value.values() if isinstance(value, dict) else value))
        return count

    try:
        total = size(values)
    except RecursionError as error:
        raise ConfigError(f"{source}: sections are nested too deeply; the schema has only a few levels") from error
    if total > MOST_VALUES:
        raise ConfigError(f"{source}: its aliases (*name) expand to {total:,} values; expected at most {MOST_VALUES:,}")


def _explain(item: Mapping[str, typing.Any], values: Mapping[str, typing.Any]) -> str:
    """One readable line for one of pydantic's errors about values."""
    if unfit := _explain_kind(item):
        return unfit
    if item["type"] == "extra_forbidden":
        return _explain_unknown(item["loc"], values)
    path = _path(part for part in _without_tags(item["loc"]) if not _branch(str(part)))
    value = _shorten(item["input"])
    match item["type"]:
        case "union_tag_not_found":
            return f"{path}.{item['ctx']['discriminator'].strip(chr(39))}: is required"
        case "union_tag_invalid":
            return _explain_choice(
                f"{path}.{item['ctx']['discriminator'].strip(chr(39))}",
                item["ctx"]["tag"],
                item["ctx"]["expected_tags"],
            )
        case "missing":
            return f"{path}: is required"
        case "literal_error":
            return _explain_choice(path, item["input"], item["ctx"]["expected"])
        case "value_error":
            return f"{path}: {item['ctx']['error']}" if path else str(item["ctx"]["error"])
        case "model_type" | "model_attributes_type":
            return f"{path}: got {value}; expected a section with keys"
        case "string_pattern_mismatch":
            return f"{path}: got {value}; allowed: letters, digits, '-' and '_', beginning with a letter or digit"
    message = item["msg"][0].lower() + item["msg"][1:]
    return f"{path}: got {value}; {message}"


def _explain_choice(path: str, value: object, expected: str) -> str:
    """One readable line for a value that is not among the allowed ones."""
    names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
    close = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"{path}: got {_shorten(value)}; allowed: {expected}{hint}"


def _explain_kind(item: Mapping[str, typing.Any]) -> str | None:
    """One readable line for a key that belongs to another kind of section, or that this kind requires."""
    kind, tag = _kind_at(item["loc"][:-1])
    if kind is None or item["type"] not in ("extra_forbidden", "none_required", "missing"):
        return None
    key, path = str(item["loc"][-1]), _path(_without_tags(item["loc"][:-1]))
    if item["type"] == "missing":
        common = all(
            other.model_fields.get(key) and other.model_fields[key].is_required() for other in kind.kinds().values()
        )
        return None if common else f"{path}: {kind.TAG} '{tag}' needs the key '{key}'"
    if any(key in other.model_fields for other in kind.kinds().values()):
        return f"{path}: {kind.TAG} '{tag}' does not use the key '{key}'"
    return None


def _explain_unknown(location: Sequence[int | str], values: Mapping[str, typing.Any]) -> str:
    """One readable line for an unknown key."""
    allowed = _fields_at(location[:-1], values)
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1, cutoff=0.5)
    listed = textwrap.shorten(", ".join(allowed), LONGEST_LIST, placeholder=" ...")
    hint = f"did you mean '{close[0]}'?" if close else f"known keys: {listed}"
    return f"{_path(_without_tags(location))}: unknown key; {hint}"


def _is_other_branch(item: Mapping[str, typing.Any]) -> bool:
    """Whether an error is about the branch of a union that the user did not mean: a value, or a value per task."""
    last = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] == "extra_forbidden" or not _branch(last) or last == "[key]":
        return False
    if last.startswith(("list[", "function-after[")):
        return isinstance(item["input"], list) != last.startswith("list[")
    return isinstance(item["input"], Mapping) != last.startswith("dict[")


def _path(location: Iterable[int | str]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _walk(location: Sequence[int | str]) -> Iterator[tuple[int | str, typing.Any]]:
    """Each part of a location with the type at that point; None if the type is not a section and contains none.

    After a section of several kinds, pydantic puts the tag of the kind.
    """
    kind: typing.Any = Config
    for part in location:
        if kind is not None:
            kind = _step(_plain(kind), part)
        yield part, None if kind is None else _plain(kind)


def _step(kind: typing.Any, part: int | str) -> typing.Any:
    """The type that a part of a location leads to from a type."""
    if typing.get_origin(kind) in (list, dict):
        return typing.get_args(kind)[-1]
    if _is_root(kind):
        return kind.kinds().get(part)
    # The sections of all encoders: whether the chosen one has the key is checked elsewhere.
    sections = [*ENCODERS.values()] if kind is EncoderSection else [kind]
    named = [section for section in sections if isinstance(section, type) and issubclass(section, BaseModel)]
    fields = [section.model_fields[str(part)] for section in named if str(part) in section.model_fields]
    return fields[0].annotation if fields else None


def _plain(annotation: typing.Any) -> typing.Any:
    """The list, dict or section inside an annotation such as `Annotated[list[Task], ...] | None`; None without any."""
    if typing.get_origin(annotation) in (list, dict) or isinstance(annotation, type):
        return annotation
    parts = filter(None, map(_plain, typing.get_args(annotation)))
    return next((part for part in parts if not isinstance(part, type) or issubclass(part, BaseModel)), None)


def _is_root(kind: typing.Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Tagged) and kind.is_root()


def _without_tags(location: Sequence[int | str]) -> list[int | str]:
    """A location as the keys in the user's file."""
    parts, before = [], Config
    for part, kind in _walk(location):
        if not _is_root(before):
            parts.append(part)
        before = kind
    return parts


def _kind_at(location: Sequence[int | str]) -> tuple[type[Tagged] | None, str]:
    """The kind of the section at a location, and its tag; None if the section has no kinds."""
    before: typing.Any = None
    kind_and_tag: tuple[type[Tagged] | None, str] = (None, "")
    for part, kind in _walk(location):
        kind_and_tag = (kind, str(part)) if _is_root(before) else (None, "")
        before = kind
    return kind_and_tag


def _fields_at(location: Sequence[int | str], values: Mapping[str, typing.Any]) -> list[str]:
    """The valid keys of the section at a location."""
    *_, kind = [Config, *(kind for _, kind in _walk(location))]
    if kind is EncoderSection:
        section: typing.Any = values
        for part in location:
            section = section[part]
        kind = section_class(section)
    return list(kind.model_fields)
