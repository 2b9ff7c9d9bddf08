"""The base of every part of the configuration: sections that reject unknown keys, and names that are valid in paths."""

import os
from typing import Annotated, Any, TypeVar, dataclass_transform

# The configuration uses no pydantic plugins of other packages, and searching for them takes time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""The name of a run, dataset, corpus, task, system or choice: it becomes part of a path and of a wildcard."""

Value = TypeVar("Value")

Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=64)]


def _source(path: str) -> str:
    if set("{}\0") & set(path):
        raise ValueError(f"got {path!r}; a path must not contain {{ or }}, which Snakemake reads as wildcards")
    return path


Source = Annotated[str, AfterValidator(_source)]
"""The path of a user's file or folder."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class _FrozenModel(type(BaseModel)):
    """Declares all sections frozen for type checkers: with pydantic's own class, each section would have to repeat
    it.
    """


class Section(BaseModel, frozen=True, metaclass=_FrozenModel):
    """A part of the configuration: unknown keys are errors, values do not change after loading."""

    # Deferred: commands that inspect a run are faster if only the sections in use are built.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON schema, with the meaning of each key."""
        from sparse_sharing.config.describe import describe

        describe(Section)
        return super().model_json_schema(*arguments, **options)

    @model_serializer(mode="wrap")
    def without_unused(self, to_values: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The values without optional ones that are None: unused keys are not written."""
        fields = type(self).model_fields
        return {
            key: value for key, value in to_values(self).items() if value is not None or fields[key].default is not None
        }


def duplicates(names: list[Value]) -> list[Value]:
    """The values that occur more than once, in order."""
    return sorted({name for name in names if names.count(name) > 1}, key=names.index)


def refuse_duplicates(kind: str, names: list[str]) -> None:
    """Raise ValueError if two names are equal apart from letter case: their paths would collide."""
    if repeated := duplicates([name.lower() for name in names]):
        raise ValueError(f"two {kind} are called {', '.join(repeated)} (letter case does not count): rename one")
