"""`python -m tools.api > docs/api.md`: the public names of the package with their docstrings."""

import inspect
import re
import sys
from collections.abc import Iterator

import sparse_sharing
from sparse_sharing.tagging.sentences import TaggedSentence, TaggedSpan

HEAD = """\
# Python

```python
from sparse_sharing import Tagger

tagger = Tagger.load("results/demo/joint/seed1/train/sparse/shared")
for sentence in tagger.tag(["EU rejects German call to boycott British lamb."]):
    print(sentence.tags)
```

These are the public names of the package. Everything else may change in any version. This page is generated from the
docstrings (`make generated`).
"""
INHERITED = "See `BaseTagger`."
"""The docstring of a method that the page describes elsewhere."""

SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$")
ITEM = re.compile(r"^ {4}([\w*, `]+): (.*)$")


def page() -> str:
    """The page in Markdown."""
    public = [(name, getattr(sparse_sharing, name)) for name in sparse_sharing.__all__ if not name.startswith("__")]
    results = [(result.__name__, result) for result in (TaggedSentence, TaggedSpan)]
    lines = [line for name, value in [*public, *results] for line in _entry(name, value)]
    return "\n".join([HEAD, *lines])


def _entry(name: str, value: object) -> Iterator[str]:
    """A function, or a class with its public methods and properties, those of its bases first."""
    yield from _described("##", name, value)
    for base in reversed(value.__mro__) if inspect.isclass(value) else ():
        for member, described in vars(base).items():
            overridden = getattr(value, member, None) is not getattr(base, member, None) and base is not value
            if not member.startswith("_") and not overridden and _text(described) not in ("", INHERITED):
                yield from _described("###", f"{name}.{member}", described)


def _described(heading: str, name: str, value: object) -> Iterator[str]:
    """A heading, the signature of what can be called, and the docstring."""
    function = getattr(value, "__func__", value)
    signature = str(inspect.signature(function)) if callable(function) else ""
    signature = re.sub(r"\((?:self|cls)(?:, )?", "(", signature)
    signature = re.sub(r"\b(?:sparse_sharing|pathlib|collections|typing)(?:\.\w+)*\.", "", signature).replace("'", "")
    yield from (f"{heading} {name}", "")
    if signature:
        yield from ("```python", f"{name}{signature.removesuffix(' -> None')}", "```", "")
    yield from (*_markdown(_text(value)), "")


def _text(value: object) -> str:
    """The docstring of a function, class, property or class method; empty for other values."""
    function = getattr(value, "__func__", value)
    documented = inspect.isfunction(function) or inspect.isclass(function) or isinstance(function, property)
    return inspect.getdoc(function) or "" if documented else ""


def _markdown(text: str) -> Iterator[str]:
    """A docstring with its sections as lists."""
    inside = False
    for line in text.splitlines():
        if SECTION.match(line):
            inside = True
            yield from (f"**{line[:-1].replace('Args', 'Arguments')}**", "")
        elif inside and (item := ITEM.match(line)):
            yield f"- `{item[1].strip('`')}`: {item[2]}"
        else:
            yield f"  {line.strip()}" if inside and line else line


if __name__ == "__main__":
    sys.stdout.write(page())
