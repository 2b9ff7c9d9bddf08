"""The reference of all configuration keys as Markdown, from the typed configuration."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from sparse_sharing.config.schema import Config
from sparse_sharing.config.tagged import Tagged

HEAD = """# Configuration reference

Every key, generated from the typed configuration by `sparse-sharing reference`. How to choose values:
[configuration](configuration.md).
"""


def reference() -> str:
    """All sections and keys with type, default and meaning, each section once."""
    schema = Config.model_json_schema()
    definitions = schema.get("$defs", {})
    for kinds in list(_unions(schema)):
        _split(kinds, definitions)
    parts = [HEAD, *_section("Top level", schema, definitions)]
    for name in _in_order(schema, definitions):
        parts += _section(name, definitions[name], definitions)
    return "\n".join(parts).rstrip() + "\n"


def _unions(value: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that is a union of several kinds of section, distinguished by one key."""
    if isinstance(value, dict):
        if "discriminator" in value:
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else []:
        yield from _unions(part)


def _split(union: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Make a section for a union with the keys that all its kinds share, and leave each kind only its other keys."""
    tag, names = union["discriminator"]["propertyName"], list(_references(union["oneOf"]))
    root = next(root for root in Tagged.__subclasses__() if tag == root.TAG)
    title = root.__name__
    union["$ref"] = f"#/$defs/{title}"
    del union["oneOf"], union["discriminator"]
    if title in definitions:
        return
    first, *others = (definitions[name] for name in names)
    common = {
        key: value
        for key, value in first["properties"].items()
        if all(other["properties"].get(key) == value for other in others)
    }
    values = [definitions[name]["properties"][tag]["const"] for name in names]
    meaning = f"The kind; the other keys depend on it: {', '.join(f'[{name}](#{name.lower()})' for name in names)}."
    for name in names:
        definition = definitions[name]
        definition["properties"] = {key: value for key, value in definition["properties"].items() if key not in common}
    definitions[title] = {
        "description": inspect.cleandoc(root.__doc__ or ""),
        "properties": {tag: {"enum": values, "description": meaning, "default": root.DEFAULT or None}, **common},
        "required": [*([] if root.DEFAULT else [tag]), *(key for key in first.get("required", []) if key in common)],
        "kinds": [{"$ref": f"#/$defs/{name}"} for name in names],
    }


def _in_order(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    """The sections in the order in which they are first mentioned."""
    sections: dict[str, None] = {}

    def visit(part: Mapping[str, Any]) -> None:
        for key in [*part.get("properties", {}).values(), *part.get("kinds", [])]:
            for name in _references(key):
                if name not in sections and "properties" in definitions[name]:
                    sections[name] = None
                    visit(definitions[name])

    visit(schema)
    return list(sections)


def _references(value: Any) -> Iterator[str]:
    """The sections that a key's schema refers to, at any depth."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _section(name: str, part: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    lines = [f"## {name}", "", _one_line(part.get("description", "")), "", "| key | type | default | meaning |"]
    lines.append("|---|---|---|---|")
    required = part.get("required", [])
    for key, value in part["properties"].items():
        meaning = value.get("description") or _meaning_of_section(value, definitions)
        default = "required" if key in required else _default(value)
        lines.append(f"| `{key}` | {_type(value, definitions)} | {default} | {_one_line(meaning)} |")
    return [*lines, ""]


def _type(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A key's type in words, with its bounds."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return (
            f"[{name}](#{name.lower()})" if "properties" in definitions[name] else _type(definitions[name], definitions)
        )
    if options := value.get("anyOf", value.get("allOf")):
        return " or ".join(_type(option, definitions) for option in options)
    if "enum" in value or "const" in value:
        return ", ".join(f"`{_value(item)}`" for item in value.get("enum", [value.get("const")]))
    kind = value.get("type", "value")
    if kind == "array":
        return f"list of {_type(value.get('items', {}), definitions)}"
    if kind == "object" and (named := [*value.get("patternProperties", {}).values()]):
        return f"{_type(named[0], definitions)} for each name"
    if kind == "object" and isinstance(value.get("additionalProperties"), Mapping):
        return f"{_type(value['additionalProperties'], definitions)} for each name"
    type_names = {"string": "text", "null": "null", "boolean": "true or false", "integer": "whole number"}
    bounds = [f"{sign} {value[key]:g}" for key, sign in BOUNDS.items() if key in value]
    return " ".join([type_names.get(kind, kind), *bounds])


BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _meaning_of_section(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The meaning of a key whose value is one section."""
    names = [name for name in _references(value) if "properties" in definitions[name]]
    return definitions[names[0]].get("description", "") if len(names) == 1 else ""


def _default(value: Mapping[str, Any]) -> str:
    """A default as written in YAML; the defaults of a section are in its own table."""
    default = value.get("default")
    return "see there" if isinstance(default, Mapping) else f"`{_value(default)}`"


def _value(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
