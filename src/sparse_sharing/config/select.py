"""The section `select`: which masks of the prunings the joint training gets."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.section import Name, Section, Source, refuse_duplicates

Density = Annotated[float, Field(gt=0, le=1)]


class Search(Section):
    """How rule search looks for the density of each task: by successive halving, on dev.

    Combinations of stored rounds are trained jointly, each for a few epochs. The better half goes on to twice as many,
    until one is left. How to train is said by the section `train`, but for epochs, patience and schedule.
    """

    combinations: int = Field(default=16, ge=2)
    """At most so many combinations are trained at first. Where there are more, those with the same round for every task
    are among them, and the others are drawn at random."""
    epochs: int = Field(default=1, ge=1)
    """Epochs that each combination is trained at first."""
    rounds: list[Annotated[int, Field(ge=0)]] | None = Field(default=None, min_length=2)
    """The rounds that are combined; none: all from 1 on."""

    def rungs(self, count: int) -> list[tuple[int, int]]:
        """For each rung of the halving, how many of `count` combinations reach it, and its last epoch."""
        found, epochs = [], self.epochs
        while not found or count > 1:
            found.append((count, epochs))
            count, epochs = (count + 1) // 2, 2 * epochs
        return found

    def trained_epochs(self, count: int) -> int:
        """The epochs of all trainings of `count` combinations; each goes on from its last epoch."""
        rungs = self.rungs(count)
        before = [0, *(epochs for _, epochs in rungs)]
        return sum(number * (epochs - last) for (number, epochs), last in zip(rungs, before, strict=False))


class Choice(Section):
    """A rule that picks one round's mask for each task."""

    name: Name
    rule: Literal["target_density", "best_dev", "rounds", "search", "file", "magnitude"]
    """Take the round nearest to a density, the one with the best dev score, or one by number; or the combination of
    rounds that a search by short joint trainings finds; or masks of a file; or, as a control, the largest of the
    starting weights, without pruning."""
    target_density: Density | dict[Name, Density] | None = None
    """Rule target_density: the density wanted, for all tasks or for each; the nearest round is taken. Rule magnitude:
    the density of the masks."""
    pruning: Name | None = None
    """The pruning among `prunings` that the masks come from; none: that of the section `prune`."""
    tolerance: float = Field(default=0.05, ge=0, le=1)
    """Rule target_density: the largest distance of the nearest round's density that is accepted."""
    rounds: Annotated[int, Field(ge=0)] | dict[Name, Annotated[int, Field(ge=0)]] | None = None
    """Rule rounds: the round to take, for all tasks or for each."""
    search: Search | None = None
    """Rule search: its budget, where it is not the default."""
    file: Source | None = None
    """Rule file: masks of all tasks, as `sparse-sharing masks` writes them; no pruning is needed for this choice."""
    allow_dense: bool = False
    """Let round 0, which keeps every weight, be chosen. Otherwise only subnetworks are."""
    random: bool | Literal["permuted"] = False
    """Controls. true: each mask is replaced by one that keeps as many weights at random positions, drawn for each task.
    permuted: the weights of each tensor are permuted at random, alike for all tasks, so that densities by layer and
    overlaps stay as they are."""

    @model_validator(mode="after")
    def check(self) -> "Choice":
        """Each rule has its own key, and only that."""
        owners = {"target_density": ("target_density", "magnitude"), "rounds": ("rounds",), "file": ("file",)}
        for key, rules in owners.items():
            if (getattr(self, key) is not None) != (self.rule in rules):
                verb = "needs" if self.rule in rules else "does not use"
                raise ValueError(f"rule '{self.rule}' {verb} the key '{key}'")
        if self.search is not None and self.rule != "search":
            raise ValueError(f"rule '{self.rule}' does not use the key 'search'")
        if self.search is not None and not self.allow_dense and 0 in (self.search.rounds or ()):
            raise ValueError("search.rounds: round 0 is the whole network: set allow_dense, or leave it out")
        if self.pruning is not None and not self.is_pruned:
            raise ValueError(f"rule '{self.rule}' does not use the key 'pruning': its masks come from no pruning")
        return self

    @property
    def is_pruned(self) -> bool:
        """Whether the masks come out of a pruning."""
        return self.rule not in ("file", "magnitude")

    @property
    def budget(self) -> Search:
        """The budget of rule search."""
        return self.search or Search()

    def density_of(self, task: str) -> float | None:
        """The density wanted for a task, where there is one."""
        return self.target_density[task] if isinstance(self.target_density, dict) else self.target_density


class Select(Section):
    """Which masks the joint training gets; several choices may stand side by side."""

    choices: list[Choice] = Field(default=[])

    @model_validator(mode="after")
    def check(self) -> "Select":
        """No two choices of one name."""
        refuse_duplicates("choices", [choice.name for choice in self.choices])
        return self
