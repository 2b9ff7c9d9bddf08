"""Vocabularies: words, characters and tags as numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sparse_sharing.text.schemes import Scheme

UNKNOWN_WORD = 0
PADDING_CHARACTER = 0
UNKNOWN_CHARACTER = 1
MISSING_TAG = ""
"""The tag of a token without a tag, which is excluded from loss and score."""
NO_TAG = -1
"""Its number in encoded text."""


@dataclass(frozen=True)
class TaskTags:
    """The tags of a task: `tags` in the order of their numbers, in `model_scheme`; files use `scheme`.

    `metric` is the metric of the task if it is not the default of its scheme. `choose_on_dev` is whether dev scores of
    the task may choose epochs, rounds and masks.
    """

    tags: tuple[str, ...]
    scheme: Scheme
    model_scheme: Scheme
    metric: str | None = None
    choose_on_dev: bool = True

    @property
    def has_spans(self) -> bool:
        """Whether the tags encode spans."""
        return self.scheme != "none"

    def to_json(self) -> dict:
        """The tags as JSON values; `metric` only if there is one, `choose_on_dev` only if it is false."""
        values: dict[str, object] = {"tags": list(self.tags), "scheme": self.scheme, "model_scheme": self.model_scheme}
        values |= {} if self.metric is None else {"metric": self.metric}
        return values if self.choose_on_dev else values | {"choose_on_dev": False}

    @classmethod
    def from_json(cls, values: Mapping) -> "TaskTags":
        """The inverse of `to_json`."""
        return cls(
            tuple(values["tags"]),
            values["scheme"],
            values["model_scheme"],
            values.get("metric"),
            values.get("choose_on_dev", True),
        )


@dataclass(frozen=True)
class Vocabulary:
    """The words, characters and tags of the training text.

    The tags of tasks are stored apart from words and characters, so that adding a task does not change those.

    Attributes:
        words: word of each id from 1 on; id 0 is the unknown word.
        characters: character of each id from 2 on; 0 is padding, 1 the unknown character.
        tasks: the tags of each task.
        lowercase: whether words are looked up in lower case.
        maximum_characters: the number of leading characters of a word that are read.
    """

    words: tuple[str, ...]
    characters: tuple[str, ...]
    tasks: Mapping[str, TaskTags]
    lowercase: bool
    maximum_characters: int

    @property
    def word_count(self) -> int:
        """The number of word ids, including the unknown word."""
        return len(self.words) + 1

    @property
    def character_count(self) -> int:
        """The number of character ids, including padding and the unknown character."""
        return len(self.characters) + 2

    def key(self, word: str) -> str:
        """The form in which a word is looked up."""
        return word.lower() if self.lowercase else word

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """The id of each known word."""
        return {word: index for index, word in enumerate(self.words, start=1)}

    @cached_property
    def character_ids(self) -> dict[str, int]:
        """The id of each known character."""
        return {character: index for index, character in enumerate(self.characters, start=2)}

    def spell(self, word: str) -> list[int]:
        """The character ids of a word, at most `maximum_characters`."""
        ids = self.character_ids
        return [ids.get(character, UNKNOWN_CHARACTER) for character in word[: self.maximum_characters]]

    def words_to_json(self) -> dict:
        """Words and characters, and how they are looked up, as JSON values."""
        return {
            "words": list(self.words),
            "characters": list(self.characters),
            "lowercase": self.lowercase,
            "maximum_characters": self.maximum_characters,
        }

    def to_json(self) -> dict:
        """The vocabulary as JSON values."""
        return {**self.words_to_json(), "tasks": {name: task.to_json() for name, task in self.tasks.items()}}

    @classmethod
    def from_json(cls, values: Mapping) -> "Vocabulary":
        """The inverse of `to_json`, and of `words_to_json` with no tasks."""
        tasks = {name: TaskTags.from_json(task) for name, task in values.get("tasks", {}).items()}
        return cls(
            tuple(values["words"]),
            tuple(values["characters"]),
            tasks,
            values["lowercase"],
            values["maximum_characters"],
        )


def frequent(counts: Counter[str], minimum: int, always: Iterable[str] = ()) -> tuple[str, ...]:
    """The keys with a count of at least `minimum`, and those of `always` with any count, sorted."""
    frequent_keys = {key for key, count in counts.items() if count >= minimum}
    return tuple(sorted(frequent_keys | {key for key in always if key in counts}))
