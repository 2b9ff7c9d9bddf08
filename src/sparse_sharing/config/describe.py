"""The meaning of each key, read from the string below it in the source; only schema and reference need it."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator

from pydantic import BaseModel


def describe(base: type[BaseModel]) -> None:
    """Use the string below each key of the sections derived from a class as the description of the key.

    pydantic can do this when a class is created, but then every command would wait for it.
    """
    for section in list(_derived(base)):
        # A section of several kinds imports the files of its kinds; see `config.tagged`.
        getattr(section, "kinds", dict)()
    sections = list(dict.fromkeys(_derived(base)))
    for section in sections:
        for owner in reversed(section.__mro__):
            if owner is not base and issubclass(owner, base):
                for key, text in _texts(owner).items():
                    # Class variables have such a string too, but are not keys.
                    if key in section.model_fields:
                        section.model_fields[key].description = text
    for section in sections:
        section.model_rebuild(force=True)


def _derived(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All classes derived from a class, in the order of their definition."""
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
