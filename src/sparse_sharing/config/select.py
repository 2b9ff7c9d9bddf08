"""The section `select`: which masks the systems are trained with."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.section import Name, Section, Source, refuse_duplicates

Density = Annotated[float, Field(gt=0, le=1)]


class Search(Section):
    """How rule search finds the density of each task: by successive halving, on dev.

    Combinations of stored rounds are trained jointly, each for a few epochs. The better half is trained to twice as
    many, until one combination is left. All other training settings are those of the section `train`, except
    patience and schedule.
    """

    combinations: int = Field(default=16, ge=2)
    """The most combinations that are trained at first. If there are more, those with the same round for every task are
    included, and the others are drawn at random."""
    epochs: int = Field(default=1, ge=1)
    """Epochs of the first training of each combination."""
    rounds: list[Annotated[int, Field(ge=0)]] | None = Field(default=None, min_length=2)
    """The rounds that are combined; none: all from 1 on."""

    def rungs(self, count: int) -> list[tuple[int, int]]:
        """For each rung of the halving, how many of `count` combinations reach it, and its last epoch."""
        rungs, epochs = [], self.epochs
        while not rungs or count > 1:
            rungs.append((count, epochs))
            count, epochs = (count + 1) // 2, 2 * epochs
        return rungs

    def trained_epochs(self, count: int) -> int:
        """The epochs of all trainings of `count` combinations; each resumes after its last epoch."""
        rungs = self.rungs(count)
        before = [0, *(epochs for _, epochs in rungs)]
        return sum(number * (epochs - last) for (number, epochs), last in zip(rungs, before, strict=False))


class Choice(Section):
    """A rule that picks one round's mask for each task."""

    name: Name
    rule: Literal["target_density", "best_dev", "rounds", "search", "file", "magnitude"]
    """target_density: the round nearest to a density; best_dev: the round with the best dev score; rounds: a round by
    its number; search: the combination of rounds that a search by short joint trainings finds; file: masks of a file;
    magnitude: as a control, the largest starting weights, without pruning."""
    target_density: Density | dict[Name, Density] | None = None
    """Rule target_density: the wanted density, for all tasks or per task; the nearest round is taken. Rule magnitude:
    the density of the masks."""
    pruning: Name | None = None
    """The pruning in `prunings` that the masks come from; none: that of the section `prune`."""
    tolerance: float = Field(default=0.05, ge=0, le=1)
    """Rule target_density: the largest accepted distance of the nearest round's density from the wanted density."""
    rounds: Annotated[int, Field(ge=0)] | dict[Name, Annotated[int, Field(ge=0)]] | None = None
    """Rule rounds: the number of the round, for all tasks or per task."""
    search: Search | None = None
    """Rule search: the budget of the search, if it is not the default."""
    file: Source | None = None
    """Rule file: masks of all tasks, as `sparse-sharing masks` writes them; no pruning is needed for this choice."""
    allow_dense: bool = False
    """Allow round 0, which keeps every weight, to be chosen; otherwise only subnetworks can be chosen."""
    random: bool | Literal["permuted"] = False
    """Controls. true: each mask is replaced by one that keeps as many weights at random positions, drawn for each task.
    permuted: the positions within each tensor are permuted at random, in the same way for all tasks, so that densities
    by layer and overlaps do not change."""

    @model_validator(mode="after")
    def check(self) -> "Choice":
        """Check that the choice has the keys of its rule, and no others."""
        owners = {"target_density": ("target_density", "magnitude"), "rounds": ("rounds",), "file": ("file",)}
        for key, rules in owners.items():
            if (getattr(self, key) is not None) != (self.rule in rules):
                verb = "needs" if self.rule in rules else "does not use"
                raise ValueError(f"rule '{self.rule}' {verb} the key '{key}'")
        if self.search is not None and self.rule != "search":
            raise ValueError(f"rule '{self.rule}' does not use the key 'search'")
        if self.search is not None and not self.allow_dense and 0 in (self.search.rounds or ()):
            raise ValueError("search.rounds: round 0 is the whole network; set allow_dense: true, or leave round 0 out")
        if self.pruning is not None and not self.is_pruned:
            raise ValueError(
                f"rule '{self.rule}' does not use the key 'pruning', since its masks do not come from a pruning"
            )
        return self

    @property
    def is_pruned(self) -> bool:
        """Whether the masks come from a pruning."""
        return self.rule not in ("file", "magnitude")

    @property
    def budget(self) -> Search:
        """The budget of rule search."""
        return self.search or Search()

    def density_of(self, task: str) -> float | None:
        """The wanted density of a task, if there is one."""
        return self.target_density[task] if isinstance(self.target_density, dict) else self.target_density


class Select(Section):
    """Which masks the systems are trained with; there can be several choices."""

    choices: list[Choice] = Field(default=[])

    @model_validator(mode="after")
    def check(self) -> "Select":
        """Check that choices have distinct names."""
        refuse_duplicates("choices", [choice.name for choice in self.choices])
        return self
