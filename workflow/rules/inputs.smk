# What jobs read, for the wildcards of a job: texts, tags, masks and models. This file has no rules.

from pathlib import Path

from sparse_sharing.pipeline import layout


def corpora_of(wildcards):
    """The names of the corpora that a job reads: all of its dataset, or that of its task."""
    dataset, task = specs.datasets[wildcards.dataset], wildcards.get("task")
    return [corpus.name for corpus in dataset.corpora if task is None or task in [entry.name for entry in corpus.tasks]]


def sources(split):
    """A function that returns the (corpus, file) pairs of one split for a job, sorted by corpus."""

    @of_jobs
    def files(wildcards):
        pairs = layout.source_files(run_config, specs.datasets[wildcards.dataset], split)
        read = corpora_of(wildcards)
        return sorted((pair for pair in pairs if pair[0] in read), key=lambda pair: pair[0])

    return files


def document_lists(split):
    """A function that returns the document lists of one split of a dataset, by corpus and split."""

    @of_jobs
    def files(wildcards):
        lists = layout.document_lists(run_config, specs.datasets[wildcards.dataset], split)
        read = [f"{corpus}.{split}" for corpus in corpora_of(wildcards)]
        return dict(sorted((name, path) for name, path in lists if name in read))

    return files


def source_paths(split):
    """A function that returns the files of one split of a dataset and its document lists, without folders."""

    @of_jobs
    def files(wildcards):
        texts = [text for _, text in sources(split)(wildcards)] + [*document_lists(split)(wildcards).values()]
        return [text for text in texts if not Path(text).is_dir()]

    return files


@of_jobs
def files_in_folders(wildcards):
    """The files in the folders of a dataset, each once, so that Snakemake notices changed, new and missing files."""
    texts = [text for split in ("train", "dev", "test") for _, text in sources(split)(wildcards)]
    return [file for text in sorted(set(texts)) if Path(text).is_dir() for file in layout.text_files(text)]


def source_options(split):
    """A function that returns the options for one split of a dataset: its files and its document lists."""

    @of_jobs
    def options(wildcards):
        files = option(f"--{split}", named(sources(split)(wildcards)))
        return files + option("--documents", named(document_lists(split)(wildcards)))

    return options


# The missing files that can be downloaded, as the configuration names them. An existing file has no rule, so that
# nothing can replace it.
missing_files = [
    source.path for source in run_config.download if not Path(layout.source_path(run_config, source.path)).exists()
]


@of_jobs
def vectors_path(wildcards):
    """The word vectors, if the configuration names any."""
    vectors = run_config.data.vectors
    return [] if vectors is None else [layout.source_path(run_config, vectors)]


# The folder of the pretrained encoder, if the configuration names one.
pretrained = [str(folder) for folder in [layout.pretrained_folder(run_config)] if folder is not None]


@of_jobs
def pretrained_files(wildcards):
    """The files of the pretrained encoder that are read."""
    return [str(file) for folder in pretrained for file in layout.pretrained_files(Path(folder))]


def masks_of_tasks(wildcards):
    """The masks of each task of a dataset, by task; none if the choice needs no pruning."""
    choice = specs.choices[wildcards.choice]
    if not choice.is_pruned:
        return {}
    masks = outputs_of("prune" if choice.pruning is None else "prune_named")["masks"]
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": wildcards.start,
        "pruning": choice.pruning,
    }
    return {task: masks.format(**identity, task=task) for task in specs.tasks(wildcards.dataset)}


def search_of_choice(wildcards):
    """The result of the search of a choice, if its rule is search."""
    searched = specs.choices[wildcards.choice].rule == "search"
    if not searched:
        return []
    return [outputs_of("search")["search"].format(**wildcards)]


def given_masks(wildcards):
    """The file of masks that a choice names, if any."""
    file = specs.choices[wildcards.choice].file
    return [] if file is None else [layout.source_path(run_config, file)]


@of_jobs
def starting_weights(wildcards):
    """The weights that a system starts from."""
    start = specs.start(wildcards.system)
    return outputs_of("warmup")["weights"].format(dataset=wildcards.dataset, seed=wildcards.seed, start=start)


@of_jobs
def masks_of_system(wildcards):
    """The masks that a system is trained with, if any."""
    system = specs.systems[wildcards.system]
    if system.choice is None:
        return []
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": system.start,
        "choice": system.choice,
    }
    masks = outputs_of("select")["masks"].format(**identity)
    trained = specs.trained(wildcards.dataset, wildcards.system, wildcards.model)
    if specs.choices[system.choice].is_pruned and len(trained) < len(specs.tasks(wildcards.dataset)):
        # The file also has masks of other tasks, which may change its time. Changes of the masks that are read change
        # the spec.
        return [ancient(masks)]
    return [masks]


def systems_of(stage):
    """The systems whose models a stage makes."""
    return [system.name for system in run_config.train.systems if system.STAGE == stage]


extended_systems, merged_systems = systems_of("add_task"), systems_of("merge")


def extended_model(output):
    """A function that returns an output of the training whose model a system extends."""

    @of_jobs
    def file(wildcards):
        base = specs.systems[wildcards.system].extends
        identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "model": wildcards.model}
        return outputs_of("train")[output].format(system=base, **identity)

    return file


def merged_models(output):
    """A function that returns an output of the training of each merged model, by task."""

    @of_jobs
    def files(wildcards):
        system = specs.systems[wildcards.system]
        identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "system": system.merges}
        tasks = specs.trained(wildcards.dataset, wildcards.system, wildcards.model)
        return {task: outputs_of("train")[output].format(model=task, **identity) for task in tasks}

    return files


@of_jobs
def test_text_of_system(wildcards):
    """The test text, only for a system that chooses the epoch on test as the original code does."""
    if "epoch_on_test" not in (specs.replicate(wildcards.system) or []):
        return []
    return [outputs_of("prepare")["test"].format(dataset=wildcards.dataset)]


@of_jobs
def masks_and_test_text(wildcards):
    """The options of the files that only some trainings read."""
    return [*option("--masks", masks_of_system(wildcards)), *option("--test", test_text_of_system(wildcards))]


def tags_of(*splits):
    """A function that returns the tags of the tasks that a job reads, in some splits."""

    @of_jobs
    def files(wildcards):
        dataset = wildcards.dataset
        if "model" in wildcards.keys():
            tasks = specs.trained(dataset, wildcards.system, wildcards.model)
            test = test_text_of_system(wildcards) and splits != ("test",)
        elif "choice" in wildcards.keys():
            tasks, test = specs.tasks(dataset), False
        else:
            task = wildcards.get("task")
            tasks = [task] if task else specs.warmup(dataset, run_config.seeds[0], wildcards.start).tags or []
            test = False
        read = [*splits, "test"] if test else splits
        tags = outputs_of("prepare_task")
        return [tags[split].format(dataset=dataset, task=task) for task in tasks for split in read]

    return files
