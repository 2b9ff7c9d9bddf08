"""The kinds of heads that a configuration can name, and what the configuration needs to know about each."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class HeadFacts:
    """What the configuration needs to know about a kind of head.

    Attributes:
        module: the module that implements it; importing it registers the class (see `heads.base`).
        needs_every_tag: whether it can only learn from sentences in which every token has a tag.
    """

    module: str
    needs_every_tag: bool = False


HEADS = {
    "linear": HeadFacts("sparse_sharing.heads.linear"),
    "crf": HeadFacts("sparse_sharing.heads.crf", needs_every_tag=True),
}
"""`linear` is a softmax for each token; `crf` is a conditional random field over the sentence."""


def _known(name: object) -> str:
    if not isinstance(name, str) or name not in HEADS:
        expected = " or ".join(map(repr, HEADS))
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return name


HeadKind = Annotated[str, PlainValidator(_known), WithJsonSchema({"enum": list(HEADS), "type": "string"})]
