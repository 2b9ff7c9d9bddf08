"""Sections of several kinds, such as systems: one key, the tag, names the kind, and each kind has its own file."""

import importlib
import inspect
import pkgutil
from typing import Any, ClassVar, Self, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sparse_sharing.config.section import Section


class Tagged(Section):
    """The base of all kinds of a section, which are its subclasses.

    A class with TAG and PACKAGE is a root: as the type of a key, it accepts any of its kinds. A kind gives the tag a
    single value, such as `sharing: Literal["soft"]`, which registers it. All files of the package are imported before
    the first configuration is checked.
    """

    TAG: ClassVar[str]
    """The key whose value names the kind."""
    PACKAGE: ClassVar[str]
    """The package whose files define the kinds, one each."""
    DEFAULT: ClassVar[str] = ""
    """The kind of a section without the tag; empty: the tag is required."""
    known: ClassVar[dict[str, type]]
    """The kinds that are registered so far, by the value of the tag."""
    is_late: ClassVar[bool] = False
    """Whether a kind has been registered since the configuration was built."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Start a new root, or add a kind to its root."""
        super().__pydantic_init_subclass__(**options)
        if cls.is_root():
            cls.known = {}
        elif (values := get_args(cls.model_fields[cls.TAG].annotation)) and cls.TAG in cls.__annotations__:
            cls.known[values[0]] = cls
            Tagged.is_late = True

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """All kinds by the value of the tag, those of the package's files first, in alphabetical order."""
        if "TAG" not in dir(cls):
            return {}
        package = importlib.import_module(cls.PACKAGE)
        for module in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{cls.PACKAGE}.{module}")
        place = f"{cls.PACKAGE}."
        package_kinds = sorted(
            (kind.__module__, value) for value, kind in cls.known.items() if kind.__module__.startswith(place)
        )
        return {value: cls.known[value] for _, value in package_kinds} | cls.known

    @classmethod
    def kind_of(cls, value: str) -> type[Self]:
        """The kind that a value of the tag names (KeyError where there is none)."""
        if value not in cls.known:
            cls.kinds()
        return cls.known[value]

    @classmethod
    def is_root(cls) -> bool:
        """Whether the class is a root, which accepts any of its kinds."""
        return "TAG" in cls.__dict__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema; for a root, the union of its kinds, discriminated by the tag."""
        if not cls.is_root():
            return handler(source)
        choices = {value: handler.generate_schema(kind) for value, kind in cls.kinds().items()}
        union = core_schema.tagged_union_schema(choices, discriminator=cls.TAG)
        return core_schema.no_info_before_validator_function(cls._with_tag, union) if cls.DEFAULT else union

    @classmethod
    def _with_tag(cls, values: Any) -> Any:
        """The values of a section, with the tag of the default kind if they have no tag."""
        return {cls.TAG: cls.DEFAULT, **values} if isinstance(values, dict) else values

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The JSON schema; for a root, the union and its meaning; for a kind, only the keys that it uses."""
        reference = handler(schema)
        if cls.is_root():
            return {**reference, "description": inspect.cleandoc(cls.__doc__ or "")}
        definition = handler.resolve_ref_schema(reference)
        definition["properties"] = {
            key: value for key, value in definition["properties"].items() if value.get("type") != "null"
        }
        return reference


def add_late_kinds() -> None:
    """Register kinds that were defined after the first configuration was checked, such as those of an extension."""
    if Tagged.is_late:
        Tagged.is_late = False
        _rebuild(Section)


def _rebuild(base: type[Section]) -> None:
    for section in base.__subclasses__():
        _rebuild(section)
        if section.__pydantic_complete__:
            section.model_rebuild(force=True)
