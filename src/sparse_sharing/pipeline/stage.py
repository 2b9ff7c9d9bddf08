"""The stages of the workflow: the only list of them, used by rules, commands, `why`, `status` and the report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from sparse_sharing.config.systems import START
from sparse_sharing.pipeline import artefact, layout, specs
from sparse_sharing.pipeline.artefact import Artefact


@dataclass(frozen=True)
class Stage:
    """A step of the workflow; each of its jobs is one command.

    Attributes:
        name: the name of the stage, its rule and its command.
        meaning: one line for readers.
        folder: the folder of a job, as a pattern of the layout; the names in braces identify the job.
        spec: the class of its specs.
        outputs: the files that each job writes there. Those of download, demo, tables and figures depend on the run.
        carrier: the output that stores the spec of its job; None: no output stores it.
        log: the name of its log, if several stages share a folder.
        trains: whether it runs a network, and so uses a GPU if there is one.
        command: the command that runs it, if it has no command of its name.
    """

    name: str
    meaning: str
    folder: str
    spec: type[specs.Spec]
    outputs: tuple[Artefact, ...] = ()
    carrier: Artefact | None = None
    log: str = ""
    trains: bool = False
    command: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """The names that identify a job within a run, in order: dataset, seed, ..."""
        return tuple(name for name in re.findall(r"{(\w+)}", self.folder) if name != "run")

    def beside(self, kind: str, suffix: str) -> str:
        """The pattern of a file about a job, such as its log, in the folder `kind` of the run."""
        path = PurePosixPath(self.folder.replace(layout.RUN, f"{layout.RUN}/{kind}", 1), self.log)
        return f"{path}{suffix}"

    @cached_property
    def _named(self) -> re.Pattern[str]:
        """The path of a file about a job, below `logs` or `benchmarks`, without its suffix."""
        pattern = re.escape(self.beside("", "").removeprefix(f"{layout.RUN}/"))
        forms = {"seed": r"\d+", "start": START}
        return re.compile(re.sub(r"\\{(\w+)\\}", lambda name: f"(?P<{name[1]}>{forms.get(name[1], '[^/]+')})", pattern))

    def identity_in(self, path: str) -> Mapping[str, str] | None:
        """The identity of the job that a path is about; the path is below `logs` or `benchmarks`, without suffix."""
        match = self._named.fullmatch(path)
        return match.groupdict() if match else None


STAGES: tuple[Stage, ...] = (
    Stage(
        "download",
        "download one file of the section `download`; an existing file is kept",
        "{path}",
        specs.DownloadSpec,
    ),
    Stage("demo", "write the embedded demo corpora as column files", layout.DEMO_FOLDER, specs.DemoSpec),
    Stage(
        "prepare",
        "read the text of a dataset, build its vocabulary, encode every split",
        layout.DATA,
        specs.PrepareSpec,
        outputs=(
            artefact.WORDS,
            artefact.VECTORS,
            artefact.TRAIN,
            artefact.DEV,
            artefact.TEST,
            artefact.SUMMARY,
        ),
        carrier=artefact.TRAIN,
    ),
    Stage(
        "prepare_task",
        "read the tags of one task in every split",
        layout.TASK,
        specs.PrepareTaskSpec,
        outputs=(artefact.TRAIN_TAGS, artefact.DEV_TAGS, artefact.TEST_TAGS, artefact.TASK_SUMMARY),
        carrier=artefact.TRAIN_TAGS,
    ),
    Stage(
        "warmup",
        "make the starting weights, theta(0) or theta(w)",
        layout.START,
        specs.WarmupSpec,
        outputs=(artefact.WEIGHTS,),
        carrier=artefact.WEIGHTS,
        log="weights",
        trains=True,
    ),
    Stage(
        "prune",
        "find the masks of one task while it is trained, by iterative magnitude pruning or another source",
        layout.PRUNE,
        specs.PruneSpec,
        outputs=(artefact.MASKS, artefact.ROUNDS),
        carrier=artefact.MASKS,
        trains=True,
    ),
    Stage(
        "prune_again",
        "prune one task again with another order of the data, to show how much two prunings of a task overlap",
        layout.PRUNE_AGAIN,
        specs.PruneSpec,
        outputs=(artefact.MASKS, artefact.ROUNDS),
        carrier=artefact.MASKS,
        trains=True,
        command="prune",
    ),
    Stage(
        "prune_named",
        "find the masks of one task with a section of `prunings`",
        layout.PRUNE_NAMED,
        specs.PruneSpec,
        outputs=(artefact.MASKS, artefact.ROUNDS),
        carrier=artefact.MASKS,
        trains=True,
        command="prune",
    ),
    Stage(
        "search",
        "search for the best density of each task by short joint trainings with stored masks",
        layout.SEARCH,
        specs.SearchSpec,
        outputs=(artefact.SEARCH, artefact.TRIALS),
        carrier=artefact.SEARCH,
        trains=True,
    ),
    Stage(
        "select",
        "choose one mask for each task",
        layout.SELECT,
        specs.SelectSpec,
        outputs=(artefact.SELECTION, artefact.CHOICE, artefact.OVERLAP),
        carrier=artefact.SELECTION,
    ),
    Stage(
        "train",
        "train one model of a system",
        layout.MODEL,
        specs.TrainSpec,
        outputs=(artefact.MODEL, artefact.VOCABULARY, artefact.HISTORY, artefact.CARD),
        carrier=artefact.MODEL,
        trains=True,
    ),
    Stage(
        "add_task",
        "add a task to the finished model of another system, whose tasks do not change",
        layout.MODEL,
        specs.AddTaskSpec,
        outputs=(artefact.MODEL, artefact.VOCABULARY, artefact.HISTORY, artefact.CARD),
        carrier=artefact.MODEL,
        log="add_task",
        trains=True,
    ),
    Stage(
        "merge",
        "merge the finished models of single tasks, without joint training",
        layout.MODEL,
        specs.MergeSpec,
        outputs=(artefact.MODEL, artefact.VOCABULARY, artefact.HISTORY, artefact.MERGING, artefact.CARD),
        carrier=artefact.MODEL,
        log="merge",
        trains=True,
    ),
    Stage(
        "evaluate",
        "score a trained model on the test text",
        layout.EVALUATION,
        specs.EvaluateSpec,
        outputs=(artefact.METRICS, artefact.SENTENCES, artefact.PREDICTIONS, artefact.CARD),
        carrier=artefact.METRICS,
        trains=True,
    ),
    Stage(
        "tables",
        "collect the results of all models of a run in tables",
        layout.TABLES,
        specs.TablesSpec,
        carrier=artefact.PROVENANCE,
    ),
    Stage("figures", "draw the tables of a run", layout.FIGURES, specs.FiguresSpec),
    Stage(
        "report",
        "show a finished run on one self-contained HTML page",
        layout.RUN,
        specs.ReportSpec,
        outputs=(artefact.REPORT,),
        log="report.html",
    ),
)
"""In the order in which they run."""

STAGE: Mapping[str, Stage] = {stage.name: stage for stage in STAGES}
