"""Which experiments of the paper the systems of a run belong to, and which tables and figures the run has."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Protocol

from sparse_sharing.config.schema import Choice, Config
from sparse_sharing.config.section import Section
from sparse_sharing.config.systems import Start, System


class SystemFacts(Section):
    """Facts about a system that the tables use, besides its name and sharing."""

    kind: str
    """The corresponding row of the paper's tables: its sharing, single_subnet, sparse_no_warmup or sparse_at_density
    (masks of a target density, as in Fig. 4); or a control that the paper does not have, see CONTROLS."""
    start: Start
    choice: str | None = None
    target_density: float | None = None
    """The target density of its choice of masks, if it is the same for all tasks."""
    tasks: list[str] | None = None
    """The tasks that it trains, if not all of a dataset."""
    merges: str | None = None
    """The system whose models it merges; their trainings are part of its cost."""
    method: str | None = None
    """How it merges them."""


CONTROLS: Mapping[str, str] = {
    "single_warm": "a dense model per task, trained from the warmed-up weights",
    "hard_warm": "dense joint training from the warmed-up weights",
    "own_epochs": "each task with the weights of its own best epoch on dev, so one set of weights per task",
    "magnitude_masks": "masks of the largest starting weights, without pruning",
    "permuted_masks": "the masks with one random permutation of each tensor, the same for all tasks",
    "random_masks": "masks of the same densities at random positions, drawn for each task",
}
"""The kinds of systems that are controls, which the paper does not have, and what each is."""


SINGLE_KINDS = ("single", "single_warm")
"""The kinds of systems with a dense model for each task."""

NOT_JOINT = (*SINGLE_KINDS, "single_subnet", "merged", "extended")
"""The kinds of systems whose tasks are not trained together."""


class TabulatedRun(Protocol):
    """The part of the spec of the tables that decides which tables and figures there are."""

    @property
    def facts(self) -> Mapping[str, SystemFacts]:
        """The facts about each system."""
        ...

    @property
    def chosen(self) -> Sequence[tuple[Start, str]]:
        """The (start, choice) pairs that systems use."""
        ...

    @property
    def searched(self) -> Sequence[str] | None:
        """The choices of masks that were made by a search."""
        ...

    @property
    def conflict(self) -> int | None:
        """The number of sentences of each task on which gradients are compared; None: they are not."""
        ...

    @property
    def affinity(self) -> bool | None:
        """Whether the affinity of tasks is measured."""
        ...

    @property
    def comparisons(self) -> Sequence[tuple[str, str]]:
        """The (reference, system) pairs that are tested."""
        ...

    @property
    def paper(self) -> Mapping[str, str] | None:
        """For each dataset with one, the experiment of the paper."""
        ...


def facts_of(system: System, choice: Choice | None) -> SystemFacts:
    """The facts of a system and its choice of masks."""
    density = choice.target_density if choice is not None and choice.rule == "target_density" else None
    return SystemFacts(
        kind=_kind_of(system, choice),
        start=system.start,
        choice=system.choice,
        target_density=density if isinstance(density, float) else None,
        tasks=sorted(system.tasks) if system.tasks else None,
        merges=getattr(system, "merges", None),
        method=getattr(system, "method", None),
    )


def _kind_of(system: System, choice: Choice | None) -> str:
    if system.best_epoch == "each":
        return "own_epochs"
    warm = f"{system.sharing}_warm"
    if choice is None and system.start == "warmup" and warm in CONTROLS:
        return warm
    if choice is not None and choice.random:
        return "permuted_masks" if choice.random == "permuted" else "random_masks"
    if choice is not None and choice.rule == "magnitude":
        return "magnitude_masks"
    return system.row(choice)


def compared_pairs(config: Config, facts: Mapping[str, SystemFacts]) -> list[tuple[str, str]]:
    """The (reference, system) pairs that are tested; two systems are tested at most once.

    If `tables.comparisons` names a system, every other system is tested against it; a pair of names is one test.
    Without the key every system is tested against the baseline; sparse systems of all tasks against the first hard
    sharing of all tasks by name, and those of two tasks against the hard sharing of the same two.
    """
    if config.tables.comparisons is None:
        wanted = [*_against(config.tables.baseline, facts), *_sparse_against_hard(facts)]
    else:
        wanted = []
        for entry in config.tables.comparisons:
            wanted += _against(entry, facts) if isinstance(entry, str) else [(entry[1], entry[0])]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for pair in wanted:
        pairs.setdefault(frozenset(pair), pair)
    return list(pairs.values())


def _against(reference: str, facts: Mapping[str, SystemFacts]) -> list[tuple[str, str]]:
    """A reference paired with every other system; if it has only some tasks, with the systems of the same tasks."""
    if reference not in facts:
        return []
    tasks = facts[reference].tasks
    return [(reference, name) for name in sorted(facts) if name != reference and tasks in (None, facts[name].tasks)]


def _sparse_against_hard(facts: Mapping[str, SystemFacts]) -> list[tuple[str, str]]:
    """Sparse systems paired with hard sharing: those of all tasks with the first, those of two with that of the
    same.
    """
    hard = [name for name in _hard(facts) if facts[name].tasks is None]
    sparse = sorted(name for name, system in facts.items() if system.kind.startswith("sparse") and system.tasks is None)
    of_two = [(partner, name) for name, partner in pairs_of(facts) if partner is not None]
    return [*((reference, name) for reference in hard[:1] for name in sparse), *of_two]


def sweep_of(facts: Mapping[str, SystemFacts]) -> dict[str, float]:
    """Sparse systems of all tasks with one density for all, and that density (Fig. 4); empty if there is only one.

    Hard sharing of all tasks is the point with density 1.
    """
    whole = {name: system for name, system in sorted(facts.items()) if system.tasks is None}
    sparse = {name: system.target_density for name, system in whole.items() if system.kind == "sparse_at_density"}
    sparse = {name: density for name, density in sparse.items() if density is not None}
    if len(set(sparse.values())) < 2:
        return {}
    hard = _hard(whole)
    ordered = sorted(sparse, key=lambda name: (facts[name].start != "warmup", -sparse[name]))
    return dict.fromkeys(hard[:1], 1.0) | {name: sparse[name] for name in ordered}


def pairs_of(facts: Mapping[str, SystemFacts]) -> list[tuple[str, str | None]]:
    """Sparse systems of two tasks, each with the hard sharing of the same tasks if there is one."""
    tasks = {name: tuple(system.tasks or ()) for name, system in facts.items()}
    sparse = [name for name, system in facts.items() if system.kind.startswith("sparse") and len(tasks[name]) == 2]
    hard = {tasks[name]: name for name in reversed(_hard(facts))}
    return [(name, hard.get(tasks[name])) for name in sorted(sparse, key=lambda name: (tasks[name], name))]


def transfers_of(facts: Mapping[str, SystemFacts], comparisons: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of the (reference, system) pairs that are tested, the joint trainings of two tasks against single models."""
    return [
        (reference, system)
        for reference, system in comparisons
        if facts[reference].kind in SINGLE_KINDS
        and facts[system].kind not in NOT_JOINT
        and len(facts[system].tasks or ()) == 2
    ]


def _hard(facts: Mapping[str, SystemFacts]) -> list[str]:
    """The systems with hard sharing, by name; those from the warmed-up weights come last."""
    hard_systems = (name for name, system in facts.items() if system.kind in ("hard", "hard_warm"))
    return sorted(hard_systems, key=lambda name: (facts[name].kind, name))


def ablation_of(facts: Mapping[str, SystemFacts]) -> list[tuple[str, str]]:
    """Pairs of sparse systems with and without warm-up that are equal otherwise (Table 8)."""
    sparse = sorted(name for name, system in facts.items() if system.kind.startswith("sparse"))
    return [
        (warm, cold)
        for warm, cold in product(sparse, sparse)
        if (facts[warm].start, facts[cold].start) == ("warmup", "initial")
        and (facts[warm].choice, facts[warm].tasks) == (facts[cold].choice, facts[cold].tasks)
    ]
