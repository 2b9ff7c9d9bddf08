"""The meaning of each key, taken from the text below it in the source: needed for the schema and the reference only."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator

from pydantic import BaseModel


def describe(base: type[BaseModel]) -> None:
    """Give every key of the sections derived from a class the text below it as its description.

    pydantic can do this when a class is made, but then every command waits for it.
    """
    for section in list(_derived(base)):
        # A section of several kinds imports the files of its kinds; see `config.tagged`.
        getattr(section, "kinds", dict)()
    sections = list(dict.fromkeys(_derived(base)))
    for section in sections:
        for owner in reversed(section.__mro__):
            if owner is not base and issubclass(owner, base):
                for key, text in _texts(owner).items():
                    # Class variables have a meaning too, and are no keys.
                    if key in section.model_fields:
                        section.model_fields[key].description = text
    for section in sections:
        section.model_rebuild(force=True)


def _derived(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All classes derived from a class, in the order in which they were made."""
    for kind in base.__subclasses__():
        yield kind
        yield from _derived(kind)


def _texts(section: type[BaseModel]) -> dict[str, str]:
    """The string below each annotated key of a class."""
    source = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(section))))
    body = next(node.body for node in source if isinstance(node, ast.ClassDef))
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in itertools.pairwise(body)
        if isinstance(above, ast.AnnAssign)
        and isinstance(above.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
