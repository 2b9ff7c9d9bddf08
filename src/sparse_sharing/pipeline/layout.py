"""The paths of all files of a run. Paths contain identity only: run, dataset, seed, start, task, choice, system, ..."""

import os
import re
from pathlib import Path

from sparse_sharing.config.schema import DEMO, Config, Dataset
from sparse_sharing.config.schema import DEMO_FILES as DEMO_FILES
from sparse_sharing.pipeline.pretrained import pretrained_files as pretrained_files
from sparse_sharing.pipeline.pretrained import pretrained_folder as pretrained_folder
from sparse_sharing.pipeline.spec import Spec
from sparse_sharing.pipeline.tables import figure_files as figure_files
from sparse_sharing.pipeline.tables import table_files as table_files

RUN = "results/{run}"
DEMO_FOLDER = RUN + "/demo"
DEMO_FILE = DEMO_FOLDER + "/{file}"
DATASET = RUN + "/{dataset}"
DATA = DATASET + "/data"
TASK = DATA + "/tags/{task}"
START = DATASET + "/seed{seed}/{start}"
PRUNE = START + "/prune/{task}"
PRUNE_NAMED = START + "/prune-{pruning}/{task}"
PRUNE_AGAIN = PRUNE + "/again"
SEARCH = START + "/search/{choice}"
SELECT = START + "/select/{choice}"
MODEL = DATASET + "/seed{seed}/train/{system}/{model}"
EVALUATION = DATASET + "/seed{seed}/evaluate/{system}/{model}"
TABLES = RUN + "/tables"
FIGURES = RUN + "/figures"
SPEC = RUN + "/specs/{stage}-{digest}.json"


def spec_file(run: str, stage: str, spec: Spec) -> str:
    """The spec file of a job; its name has the digest, so that a job whose spec changes has another file."""
    return SPEC.format(run=run, stage=stage, digest=spec.digest())


def below(run_folder: Path, pattern: str, **identity: object) -> Path:
    """A path of the layout below the folder of a run, wherever that is."""
    return run_folder / pattern.removeprefix(RUN + "/").format(**identity)


def any_below(pattern: str) -> str:
    """A pattern of the layout as a glob below the folder of a run: every job of a stage."""
    return re.sub(r"{\w+}", "*", pattern.removeprefix(RUN + "/"))


def source_path(config: Config, path: str) -> str:
    """The path of a file of `data`: below data_root, or among the generated demo files."""
    if path.startswith(DEMO):
        return DEMO_FILE.format(run=config.run, file=path.removeprefix(DEMO))
    if path.startswith("/") or config.data_root in ("", "."):
        return path
    return f"{config.data_root.rstrip('/')}/{path}"


def source_files(config: Config, dataset: Dataset, split: str) -> list[tuple[str, str]]:
    """The (corpus, path) pairs of one split of a dataset, one for each file of each corpus."""
    return [(corpus.name, source_path(config, path)) for corpus in dataset.corpora for path in corpus.files(split)]


def document_lists(config: Config, dataset: Dataset, split: str) -> list[tuple[str, str]]:
    """The (CORPUS.SPLIT, path) pairs of the lists of documents of one split of a dataset."""
    return [
        (f"{corpus.name}.{split}", source_path(config, path))
        for corpus in dataset.corpora
        if corpus.documents and (path := getattr(corpus.documents, split))
    ]


def missing_sources(config: Config) -> list[str]:
    """The user's files of a configuration that do not exist, without those that can be downloaded."""
    named = [config.data.vectors, *(choice.file for choice in config.select.choices)]
    for dataset in config.data.datasets:
        for corpus in dataset.corpora:
            for split in ("train", "dev", "test"):
                named += corpus.files(split)
                named += [getattr(corpus.documents, split)] if corpus.documents else []
    fetched = {source.path for source in config.download}
    local_paths = dict.fromkeys(path for path in named if path and not path.startswith(DEMO) and path not in fetched)
    return [path for path in (source_path(config, name) for name in local_paths) if not Path(path).exists()]


def text_files(path: str) -> list[str]:
    """The files that are read for a path: for a folder, those below it with gold annotation, in order.

    Only the path itself if it is not a folder, or has no such files: reading it then reports the problem.
    """
    gold_files = [
        Path(folder, name) for folder, _, names in os.walk(path) for name in names if name.endswith("gold_conll")
    ]
    return [str(file) for file in sorted(gold_files)] or [path]
