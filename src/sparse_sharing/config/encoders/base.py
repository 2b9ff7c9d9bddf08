"""The keys that every encoder has, and how the section `model` is matched to an encoder."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from sparse_sharing.config.heads import HeadKind
from sparse_sharing.config.section import Name, Section

DEFAULT = "bilstm"
"""The encoder if the configuration names none."""


class EncoderSection(Section):
    """The keys of an encoder, and the heads on it.

    A subclass in `config/encoders/NAME.py` adds the keys of its encoder and the three class variables. Defining the
    class registers the encoder.
    """

    kind: ClassVar[str]
    """The name of the encoder: the value of the key `encoder`."""
    implementation: ClassVar[str]
    """The module that implements the encoder in torch; it is imported when a stage runs."""
    key: ClassVar[str | None] = None
    """For an encoder that only systems use: the key by which its section is recognised, instead of `encoder`."""

    checkpoints_activations: ClassVar[bool] = False
    """Whether it can compute states again in the backward pass instead of storing them."""
    extra: ClassVar[str | None] = None
    """The extra of this package that the encoder needs."""

    head: HeadKind | dict[Name, HeadKind] | None = None
    """linear or crf, for all tasks or per task; tasks that are not named have linear heads."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the encoder."""
        super().__init_subclass__(**options)
        ENCODERS[cls.kind] = cls

    def head_of(self, task: str) -> str:
        """The kind of a task's head."""
        kind = self.head.get(task) if isinstance(self.head, dict) else self.head
        return kind or "linear"

    @property
    def depth(self) -> int:
        """Layers at which a task can be supervised."""
        return 1

    @property
    def vector_width(self) -> int:
        """Dimensions of a word vector; 0 for an encoder without word vectors."""
        return 0

    @property
    def source(self) -> str | None:
        """The folder of the pretrained weights, as the user wrote it; None for an encoder without any."""
        return None

    def identified(self, digest: str) -> Self:
        """The section in a spec, for an encoder with a `source` whose files have this digest."""
        return self

    def check_system(self, sharing: str, layers: int | None) -> None:
        """Check that the encoder can be trained with a way of sharing, and with `layers` layers if they are given.

        Raises:
            ValueError: It cannot.
        """
        if sharing in ("bitfit", "lora"):
            self.adapted(None)

    def adapted(self, lora: tuple[int, float] | None) -> Self:
        """The encoder whose pretrained weights are frozen, and of which each task trains a small part of its own.

        Args:
            lora: rank and alpha of low-rank updates of the matrices; None: copies of norms and biases (BitFit).

        Raises:
            ValueError: The encoder has no pretrained weights.
        """
        raise ValueError(
            f"sharing 'bitfit' or 'lora' is not possible with encoder '{self.kind}', which has no pretrained weights"
        )

    def with_depth(self, layers: int) -> Self:
        """The same encoder with another number of layers.

        Raises:
            ValueError: It cannot have another number of layers.
        """
        if layers == self.depth:
            return self
        raise ValueError(f"encoder '{self.kind}' has {self.depth} layers and cannot have {layers}")

    def with_stacks(self, tasks: list[str]) -> "EncoderSection":
        """The encoder of soft sharing: a stack of layers for each task.

        Raises:
            ValueError: Soft sharing is not possible with this encoder.
        """
        raise ValueError(f"sharing 'soft' is not possible with encoder '{self.kind}'")


ENCODERS: dict[str, type[EncoderSection]] = {}
"""The section of every encoder by its name."""


def section_class(values: Mapping[str, Any], of_system: bool = True) -> type[EncoderSection]:
    """The class of the section with these values.

    Args:
        values: keys and values; without the key `encoder` the encoder is the BiLSTM.
        of_system: whether encoders that only systems use are allowed.

    Raises:
        ValueError: There is no such encoder.
    """
    selectable = {kind: section for kind, section in ENCODERS.items() if section.key is None}
    by_key = [section for section in ENCODERS.values() if of_system and section.key and values.get(section.key)]
    name = values.get("encoder") or DEFAULT
    if not by_key and name not in selectable:
        raise ValueError(f"there is no encoder {name!r}; known: {', '.join(selectable)}")
    return by_key[0] if by_key else selectable[name]


def encoder_section(values: Mapping[str, Any], of_system: bool = True) -> EncoderSection:
    """The section with these values; see `section_class`.

    Raises:
        ValueError: There is no such encoder, or its keys are wrong (pydantic's `ValidationError`).
    """
    return section_class(values, of_system).model_validate(values)


class _Described:
    """Reads the section of the encoder that the values name."""

    def __init__(self, of_system: bool) -> None:
        self.of_system = of_system

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # The JSON schema has the encoders of this package only; others are checked like them when they are read.
        package_sections = [
            section for section in ENCODERS.values() if section.__module__.startswith(f"{__package__}.")
        ]
        sections = [section for section in package_sections if section.key is None or self.of_system]
        choices = [handler.generate_schema(section) for section in sections]
        return core_schema.no_info_wrap_validator_function(
            self._read,
            choices[0] if len(choices) == 1 else core_schema.union_schema([*choices]),
            serialization=core_schema.plain_serializer_function_ser_schema(_plain, info_arg=True),
        )

    def _read(self, value: Any, handler: Callable[[Any], Any]) -> EncoderSection:
        if isinstance(value, EncoderSection):
            return value
        if not isinstance(value, Mapping):
            raise PydanticKnownError("model_type", {"class_name": EncoderSection.__name__})
        return encoder_section(value, self.of_system)


def _plain(section: EncoderSection, info: core_schema.SerializationInfo) -> dict[str, Any]:
    return section.model_dump(mode=info.mode)


ConfiguredEncoder = Annotated[EncoderSection, _Described(of_system=False)]
"""The encoder that a user describes in the section `model`."""

AnyEncoder = Annotated[EncoderSection, _Described(of_system=True)]
"""An encoder in a spec; it may be one that only systems use."""
