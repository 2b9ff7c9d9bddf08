"""Checks that compared systems have the same budget: the same number of updates of each task, including the warm-up.

An update of a task is an optimizer step on a batch of its sentences. Pruning is not counted: it is the cost of the
masks, which the tables show, and which no other system could spend on training.
"""

from collections import Counter
from collections.abc import Mapping

from sparse_sharing.config.sharing.extended import Extended
from sparse_sharing.config.sharing.merged import Merged
from sparse_sharing.config.systems import models_of
from sparse_sharing.inspection.checks import CheckedCorpus
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.experiments import ablation_of, pairs_of
from sparse_sharing.pipeline.specs import AddTaskSpec, MergeSpec, TablesSpec, TrainSpec, WarmupSpec
from sparse_sharing.training.sampling import steps_in_epoch


def check_budgets(specs: Specs, data: Mapping[str, list[CheckedCorpus]], findings: Findings) -> None:
    """Report every pair of compared systems whose planned updates of a task differ.

    Args:
        specs: the specs of the run.
        data: the corpora of each dataset; datasets with a corpus that could not be read are left out.
        findings: a warning for each pair is added, or a note if the configuration declares the difference intended.
    """
    for dataset, corpora in data.items():
        sentences = Counter[str]()
        for checked in corpora:
            sentences.update({task.name: len(checked.sentences["train"]) for task in checked.corpus.tasks})
        if set(sentences) == set(specs.tasks(dataset)):
            compare_budgets(specs, dataset, sentences, findings)


def compare_budgets(specs: Specs, dataset: str, sentences: Mapping[str, int], findings: Findings) -> None:
    """Do the checks of `check_budgets` for one dataset; `sentences` has the number of training sentences of each
    task.
    """
    planned = {system: planned_updates(specs, dataset, system, sentences) for system in specs.systems}
    for first, second in shown_pairs(specs.tables()):
        differing = {
            task: (updates, planned[second][task])
            for task, updates in planned[first].items()
            if planned[second].get(task, updates) != updates
        }
        if not differing:
            continue
        numbers = ", ".join(f"{task} {one:,} and {other:,}" for task, (one, other) in differing.items())
        text = f"'{first}' and '{second}' are compared, but their planned updates differ: {numbers}"
        if any(specs.systems[name].unequal_budget for name in (first, second)):
            findings.note(dataset, f"{text}; the configuration allows it (unequal_budget: true)")
        else:
            findings.warning(dataset, f"{text}. {_remedy(specs)}")


def planned_updates(specs: Specs, dataset: str, system: str, sentences: Mapping[str, int]) -> dict[str, int]:
    """The updates of each task that a system trains: those of the warm-up that it starts from plus its own.

    Patience may end a training before its planned epochs; the tables show the actual numbers of updates.
    """
    seed = specs.config.seeds[0]
    start = specs.warmup(dataset, seed, specs.start(system))
    tasks, chosen = specs.tasks(dataset, system), specs.systems[system]
    updates = {}
    for model in models_of(chosen.sharing, tasks):
        training = specs.train(dataset, seed, system, model)
        if isinstance(training, MergeSpec):
            if isinstance(chosen, Merged):
                merged = planned_updates(specs, dataset, chosen.merges, sentences)
                updates |= {task: merged[task] for task in training.tasks}
            continue
        if isinstance(training, AddTaskSpec):
            if isinstance(chosen, Extended):
                updates |= planned_updates(specs, dataset, chosen.extends, sentences)
            steps = steps_in_epoch(sentences[training.task], training.optimization.step_size, 1.0)
            updates[training.task] = training.trainings * training.optimization.epochs * steps
            continue
        for task in training.tasks:
            updates[task] = sum(_updates(spec, task, sentences[task]) for spec in (start, training))
    return updates


def shown_pairs(run: TablesSpec) -> list[tuple[str, str]]:
    """The pairs of systems that the tables of a run compare, each once.

    They are tested, appear in a column of differences to the baseline, or are rows of one experiment.
    """
    systems = sorted(run.facts)
    pairs = list(run.comparisons)
    pairs += [(run.baseline, system) for system in systems if run.baseline in systems]
    pairs += [(hard, sparse) for sparse, hard in pairs_of(run.facts) if hard is not None]
    pairs += ablation_of(run.facts)
    return list({frozenset(pair): pair for pair in reversed(pairs) if pair[0] != pair[1]}.values())[::-1]


def _updates(spec: WarmupSpec | TrainSpec, task: str, sentences: int) -> int:
    """The updates of a task in a warm-up or a training."""
    if spec.optimization is None or task not in (spec.tags or {}):
        return 0
    weights = (spec.weights or {}).get(task)
    weight = 1.0 if weights is None or weights.sampling is None else weights.sampling
    return spec.optimization.epochs * steps_in_epoch(sentences, spec.optimization.step_size, weight)


def _remedy(specs: Specs) -> str:
    """How to make budgets equal."""
    config = specs.config
    batches = (config.warmup.step_size, config.train.step_size)
    if len(set(batches)) > 1 and any(system.start == "warmup" for system in config.train.systems):
        return (
            f"Epochs of the warm-up and of the training have different numbers of updates: give warmup.batch_size "
            f"({batches[0]}) and train.batch_size ({batches[1]}) the same value"
            + (", times accumulation" if config.warmup.accumulation or config.train.accumulation else "")
        )
    weighted = [task.name for dataset in config.data.datasets for task in dataset.tasks if task.sampling_weight]
    if weighted:
        return (
            f"sampling_weight ({', '.join(weighted)}) applies to joint training only: multiply the epochs of "
            "the single "
            "systems of these tasks by it, or set unequal_budget: true for a system whose budget differs on purpose"
        )
    return (
        "Give them the same epochs (the warm-up is included), or set unequal_budget: true for a system whose "
        "budget differs on purpose"
    )
