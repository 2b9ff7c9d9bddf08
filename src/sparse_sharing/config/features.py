"""The keys of hashed features of the spelling of words, an optional input of the BiLSTM."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sparse_sharing.config.section import Section, duplicates


def _as_list(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _sorted(values: list[int]) -> list[int]:
    if repeated := duplicates(values):
        raise ValueError(f"duplicate value {repeated[0]}")
    return sorted(values)


Length = Annotated[int, Field(ge=1, le=20)]
Lengths = Annotated[list[Length], Field(min_length=1), AfterValidator(_sorted)]
"""Different numbers of characters, in ascending order."""
OneOrMoreLengths = Annotated[Lengths, BeforeValidator(_as_list, json_schema_input_type=Length | Lengths)]
"""The same; one number is read as a list of one."""


class Features(Section):
    """Features of the spelling of a word; the vectors of each are read from a table by hashed rows."""

    prefix: OneOrMoreLengths | None = None
    """Lengths of prefixes in characters, such as 1 or [1, 2]; prefixes are read in lower case."""
    suffix: OneOrMoreLengths | None = None
    """Lengths of suffixes in characters, such as 3 or [1, 2, 3]; suffixes are read in lower case."""
    shape: bool = False
    """The shape of the word: X for upper case, x for other letters, d for digits, at most four in a row: Xxxxx-dd."""
    case: bool = False
    """The case of the word: lower, upper, title, mixed, number, or none without letters and digits."""
    rows: int = Field(default=2000, ge=1)
    """Rows of the table. Each feature reads the sum of two of them, so that few features have the same vector."""
    width: int = Field(default=10, ge=1)
    """Width of the vector of a feature."""

    @model_validator(mode="after")
    def check(self) -> "Features":
        """Check that there is a feature."""
        if not self.count:
            raise ValueError("no feature is chosen; set prefix, suffix, shape or case, or leave features out")
        return self

    @property
    def count(self) -> int:
        """The number of features of a word."""
        return len(self.prefix or []) + len(self.suffix or []) + self.shape + self.case
