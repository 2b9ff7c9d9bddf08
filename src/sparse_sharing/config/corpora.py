"""The part of the configuration about labelled text: corpora, their formats, and the tasks annotated in them."""

from typing import Annotated, Literal, TypeGuard, get_args

from pydantic import Field, StringConstraints, model_validator

from sparse_sharing.config.formats import COLUMN, MISC, Format, ModelScheme
from sparse_sharing.config.formats import Scheme as Scheme
from sparse_sharing.config.section import Name, Section, Source

DEMO = "demo:"
"""Prefix of a path below the embedded demo corpora, which the workflow generates."""

SHARED = "shared"
"""The name of the model of a system that trains all tasks together; no task can have it."""

SPLITS = ("train", "dev", "test")

DEMO_FILES = (
    *(f"joint/{split}.txt" for split in SPLITS),
    *(f"separate/{task}.{split}.txt" for task in ("pos", "chunk", "ner") for split in SPLITS),
)
"""The generated demo files."""

Weight = Annotated[float, Field(gt=0, le=1000)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
LAYERS: dict[str, dict[str, Scheme]] = {
    "conll2012": {"pos": "none", "chunk": "iob2", "ner": "iob2"},
    "conllu": {"upos": "none", "xpos": "none"},
    "spans": {"spans": "iob2"},
}
"""The layers of the formats that name them, and the tag scheme of each; CoNLL-U has further layers, in any scheme."""

OPEN_LAYERS = (MISC, COLUMN)
"""Prefixes of the CoNLL-U layers that a file names itself: a key of MISC, or a column of CoNLL-U Plus."""

DOMAINS_WITHOUT_NAMES = ["pt"]
"""The domains of OntoNotes that are skipped: texts from the Bible, which are not annotated with names."""


class Task(Section):
    """One tagging task: a column or a layer of a corpus, or something derived from the sentence."""

    name: Name
    """The name of the task in paths and tables."""
    column: int | None = None
    """Format columns: the column that holds its tags, from 0; negative numbers count from the last column."""
    layer: str | None = None
    """Format conll2012: pos, chunk or ner. Format conllu: upos, xpos, misc:KEY (such as misc:NER), or column:NAME for
    another column of CoNLL-U Plus. Format jsonl: the key of the list of tags. Format spans: spans."""
    derive: Literal["position"] | None = None
    """Derive the tags without annotation. position: the tag of a token is its index in the sentence, from 0 (paper:
    "negative transfer")."""
    scheme: Scheme = "none"
    """The tag scheme in the file: none (one tag per token, scored by accuracy), or a scheme of spans (scored by F1):
    iob1, iob2, bioes, and bilou, bmes, bmewo, which are bioes with other letters."""
    model_scheme: ModelScheme | None = None
    """The tag scheme the model is trained on; the default is the file's scheme, or bioes for bilou, bmes and bmewo.
    Conversion is exact both ways."""
    spelling: Literal["loose"] | None = None
    """loose: also read span tags written as b-PER, B_PER, PER-B, B (without a type), and 0, o, -, _ and an empty cell
    for O."""
    labels: dict[str, str] | None = Field(default=None, min_length=1)
    """Rename tags, or types of spans, while they are read: {GPE: LOC}; a type renamed O is outside."""
    missing: Literal["skip"] | None = None
    """skip: tokens without a tag (_ or an empty cell) count neither in the loss nor in the score; none: an error."""
    metric: Literal["accuracy", "f1"] | None = None
    """The metric of the task; none: f1 of spans if the task has a tag scheme, else accuracy."""
    choose_on_dev: bool = True
    """Whether scores on the task's dev text may choose epochs, rounds and masks. For a task of spans the dev text must
    have a span, unless this is false: then the other tasks choose; without other tasks the last epoch is kept."""
    sampling_weight: Weight | None = None
    """Passes over the task's sentences in an epoch when several tasks are trained together; none: one."""
    loss_weight: Weight | None = None
    """Factor of the task's loss when several tasks are trained together; none: one."""

    @model_validator(mode="after")
    def check(self) -> "Task":
        """Check that spans stay spans, and that the task does not have the reserved name of joint models."""
        if self.name.lower() == SHARED:
            raise ValueError(f"'{SHARED}' is a reserved name, that of joint models; rename the task")
        if self.model_scheme is not None and (self.scheme == "none") != (self.model_scheme == "none"):
            raise ValueError(f"scheme '{self.scheme}' cannot be converted to model_scheme '{self.model_scheme}'")
        sources = [key for key in ("column", "layer", "derive") if getattr(self, key) is not None]
        if len(sources) != 1:
            actual = f"got {' and '.join(sources)}" if sources else "got none of them"
            raise ValueError(
                f"task '{self.name}' needs exactly one of column (column files), layer (conll2012, conllu) and derive "
                f"(position); {actual}"
            )
        if self.metric == "f1" and self.scheme == "none":
            raise ValueError(
                "metric 'f1' counts spans, and scheme 'none' has no spans; use metric: accuracy, or set the scheme"
            )
        if self.derive and self.scheme != "none":
            raise ValueError(f"task '{self.name}': positions are not spans; set scheme: none")
        if self.spelling and self.scheme == "none":
            raise ValueError(
                f"task '{self.name}': spelling applies to span tags only; set a scheme of spans, such as iob2"
            )
        if self.missing and (self.scheme != "none" or self.derive):
            raise ValueError(
                f"task '{self.name}': missing: skip applies to scheme: none only, with tags read from a file"
            )
        return self

    @property
    def trained_scheme(self) -> ModelScheme:
        """The scheme of the model's tags."""
        return self.model_scheme or (self.scheme if _is_trained(self.scheme) else "bioes")

    @property
    def unusual_metric(self) -> str | None:
        """The metric of the task if it is not the default of its scheme."""
        return None if self.metric == ("accuracy" if self.scheme == "none" else "f1") else self.metric


def _is_trained(scheme: Scheme) -> TypeGuard[ModelScheme]:
    """Whether models can be trained on tags of a scheme."""
    return scheme in get_args(ModelScheme)


def cannot_choose(task: str) -> str:
    """The message that a rule needs dev scores of a task with choose_on_dev: false, and what to do."""
    return (
        f"rule 'best_dev' cannot choose a mask for task '{task}', which has choose_on_dev: false; "
        "use rule target_density or rounds"
    )


class Documents(Section):
    """Lists of the documents of each split."""

    train: Source | None = None
    """File with one document id per line; none: every document of the training files is read."""
    dev: Source | None = None
    """The same for dev."""
    test: Source | None = None
    """The same for test."""


class Corpus(Section):
    """Files with the tags of one or more tasks on the same sentences."""

    name: Name
    """The name of the corpus in the data summary."""
    format: Format = "columns"
    """columns: one token per line; conll2012: the files of OntoNotes; conllu: the files of Universal Dependencies, and
    CoNLL-U Plus; jsonl: one JSON object per line with a list of tokens and lists of tags; spans: texts with spans given
    by character offsets, as Doccano, Label Studio and Prodigy export them."""
    train: Source | list[Source]
    """Training file, or a list of files that are read in order. Format columns: columns separated by spaces or tabs, a
    blank line after each sentence, plain or gzip. Format conll2012: a file, or a folder, of which every file whose name
    ends in gold_conll is read."""
    dev: Source | list[Source] | None = None
    """Development file, or list of files; if left out, dev is cut from the training sentences."""
    test: Source | list[Source] | None = None
    """Test file, or list of files; only the stage evaluate uses the test text. Required unless `split` cuts it off, or
    every task of the corpus has test text in another corpus of the dataset; then no dev is cut either, unless
    dev_fraction is given."""
    split: Annotated[str, StringConstraints(pattern=r"^[1-9]\d?/[1-9]\d?/[1-9]\d?$")] | None = None
    """Cut train, dev and test from the training file: shares in percent, such as 80/10/10, drawn at random with
    split_seed. If the text has documents, whole documents are drawn."""
    documents: Documents | None = None
    """Format conll2012: read only the listed documents, for instance when one folder holds all splits."""
    skip_domains: list[str] | None = None
    """Format conll2012: skip documents whose id begins with one of these; none: pt, which is not annotated with
    names."""
    dev_fraction: Fraction = 0.1
    """Share of the training sentences that becomes dev if no dev file is given."""
    split_seed: int = Field(default=1, ge=0)
    """Seed of that cut."""
    train_sentences: int | None = Field(default=None, ge=1)
    """Use only this many sentences of the training file: the first ones, or those that train_sentences_seed draws."""
    train_sentences_seed: int | None = Field(default=None, ge=0)
    """Draw the train_sentences at random with this seed; they keep their order. The first sentences of an ordered
    corpus, such as news ordered by time, are not a random sample."""
    word_column: int = 0
    """Format columns: the column that holds the words, counted from 0."""
    separator: Literal["tab"] | None = None
    """Format columns: tab: only tabs separate columns, so that cells may be empty and words may contain spaces, which
    become no-break spaces; none: both spaces and tabs separate columns."""
    comments: bool | None = None
    """Format columns: true: lines before a sentence that begin with # and have the form of a comment are skipped."""
    words: str | None = None
    """Format jsonl: the key of the list of tokens; none: tokens."""
    multiword: Literal["surface"] | None = None
    """Format conllu: surface: a multiword token (1-2) is one token, as in the text, with the tags of its words
    joined by +; none: its words are the tokens."""
    repair: bool = False
    """Repair violations of a tag scheme as conlleval would read them, and count them, instead of rejecting the file."""
    tasks: list[Task] = Field(min_length=1)

    @model_validator(mode="after")
    def check(self) -> "Corpus":
        """Check that demo files exist, and that keys and layers belong to the format."""
        for path in (path for split in SPLITS for path in self.files(split)):
            if path.startswith(DEMO) and path.removeprefix(DEMO) not in DEMO_FILES:
                demo_files = ", ".join(DEMO + name for name in DEMO_FILES)
                raise ValueError(f"there is no demo file '{path}'; the demo files are {demo_files}")
        if self.train_sentences_seed is not None and self.train_sentences is None:
            raise ValueError(f"corpus '{self.name}': train_sentences_seed needs the key train_sentences")
        owners = {"documents": "conll2012", "skip_domains": "conll2012", "word_column": "columns"}
        if self.split:
            if self.dev or self.test:
                raise ValueError(f"corpus '{self.name}': split cuts dev and test from train; name no files for them")
            if sum(map(int, self.split.split("/"))) != 100:
                raise ValueError(f"corpus '{self.name}': the shares of split '{self.split}' must sum to 100")
        owners |= {"separator": "columns", "comments": "columns", "words": "jsonl"}
        owners |= {"multiword": "conllu"}
        for key, owner in owners.items():
            if key in self.model_fields_set and self.format != owner and getattr(self, key) is not None:
                raise ValueError(f"corpus '{self.name}': format '{self.format}' does not use the key '{key}'")
        for split in SPLITS if self.documents else ():
            if getattr(self.documents, split) and not getattr(self, split):
                raise ValueError(f"corpus '{self.name}': documents.{split} needs the key '{split}'")
        for task in self.tasks:
            self._check_source(task)
        return self

    @property
    def splits(self) -> list[str]:
        """The splits in which it has sentences; a corpus without test text has dev text only if a key says so."""
        whole = bool(self.split or self.test)
        has_dev = whole or self.dev is not None or "dev_fraction" in self.model_fields_set
        return [split for split, has in zip(SPLITS, (True, has_dev, whole), strict=True) if has]

    @property
    def cuts_dev(self) -> bool:
        """Whether dev is a share of the training sentences."""
        return "dev" in self.splits and not (self.dev or self.split)

    def files(self, split: str) -> list[str]:
        """The paths of the files of a split, in order."""
        path = getattr(self, split)
        return [] if path is None else [path] if isinstance(path, str) else path

    def _check_source(self, task: Task) -> None:
        """Check that the format has the column or layer of a task, with tags in the task's scheme."""
        if task.derive:
            return
        if self.format == "columns":
            if task.layer is not None:
                raise ValueError(f"task '{task.name}': column files have no layers; set its column")
            return
        if self.format == "jsonl" and task.layer:
            return
        schemes: dict[str, Scheme] = LAYERS.get(self.format, {"the keys of its objects": "none"})
        layers = ", ".join([*schemes, *([f"{MISC}KEY", f"{COLUMN}NAME"] if self.format == "conllu" else [])])
        layer = task.layer or ""
        in_file = self.format == "conllu" and layer.startswith(OPEN_LAYERS) and bool(layer.partition(":")[2])
        if layer not in schemes and not in_file:
            missing = f"column {task.column}" if task.layer is None else f"layer '{task.layer}'"
            raise ValueError(f"task '{task.name}': format '{self.format}' has no {missing}; its layers are {layers}")
        if not in_file and task.scheme != schemes[layer]:
            raise ValueError(
                f"task '{task.name}': layer '{layer}' is read with scheme: {schemes[layer]}, got "
                f"'{task.scheme}' (model_scheme may differ)"
            )

    @property
    def skipped_domains(self) -> list[str] | None:
        """The domains that are skipped, in order; None if the format has no domains."""
        if self.format != "conll2012":
            return None
        return sorted(set(DOMAINS_WITHOUT_NAMES if self.skip_domains is None else self.skip_domains))


class TaskColumn(Section):
    """The column or layer of a task's tags, or what they are derived from, and the scheme they are trained in."""

    name: str
    column: int | None = None
    layer: str | None = None
    derive: str | None = None
    scheme: Scheme
    model_scheme: Scheme
    metric: str | None = Field(default=None, description="if it is not the default of the scheme")
    choose_on_dev: bool | None = Field(default=None, description="false if dev scores may choose nothing")

    @property
    def needs_dev_spans(self) -> bool:
        """Whether epochs and masks are chosen by the F1 of spans in the dev text."""
        return self.choose_on_dev is not False and self.scheme != "none" and self.metric != "accuracy"

    spelling: str | None = None
    labels: dict[str, str] | None = None
    missing: str | None = None


class CorpusSpec(Section):
    """How one corpus is read."""

    name: str
    format: Format | None = Field(default=None, description="none: columns")
    splits: list[str] | None = Field(default=None, description="the splits that it has, if not all")
    documents: list[str] | None = Field(default=None, description="the splits that have a list of documents")
    skip_domains: list[str] | None = None
    dev_fraction: float | None = None
    split: str | None = None
    split_seed: int | None = None
    train_sentences: int | None = None
    train_sentences_seed: int | None = None
    word_column: int | None = None
    separator: str | None = None
    comments: bool | None = None
    words: str | None = None
    multiword: str | None = None
    repair: bool
    tasks: list[TaskColumn]

    def of_task(self, task: str) -> "CorpusSpec | None":
        """How the corpus is read for one task; none where it has no such task."""
        tasks = [column for column in self.tasks if column.name == task]
        return self.model_copy(update={"tasks": tasks}) if tasks else None


def corpus_spec(corpus: Corpus) -> CorpusSpec:
    """Everything that reading a corpus depends on, without the paths."""
    documents = [split for split in SPLITS if corpus.documents and getattr(corpus.documents, split)]
    return CorpusSpec(
        name=corpus.name,
        format=None if corpus.format == "columns" else corpus.format,
        splits=None if len(corpus.splits) == len(SPLITS) else corpus.splits,
        documents=documents or None,
        skip_domains=corpus.skipped_domains,
        dev_fraction=corpus.dev_fraction if corpus.cuts_dev else None,
        split=corpus.split,
        split_seed=corpus.split_seed if corpus.split or corpus.cuts_dev else None,
        train_sentences=corpus.train_sentences,
        train_sentences_seed=corpus.train_sentences_seed,
        word_column=corpus.word_column if corpus.format == "columns" else None,
        separator=corpus.separator,
        comments=corpus.comments or None,
        words=corpus.words,
        multiword=corpus.multiword,
        repair=corpus.repair,
        tasks=[
            TaskColumn(
                name=task.name,
                column=task.column,
                layer=task.layer,
                derive=task.derive,
                scheme=task.scheme,
                model_scheme=task.trained_scheme,
                metric=task.unusual_metric,
                choose_on_dev=None if task.choose_on_dev else False,
                spelling=task.spelling,
                labels=task.labels,
                missing=task.missing,
            )
            for task in sorted(corpus.tasks, key=lambda task: task.name)
        ],
    )
