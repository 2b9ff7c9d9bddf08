# Sparse sharing: labelled text -> masks -> jointly trained taggers -> tables. `snakemake --cores 4 all`

from pathlib import Path

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.20")


# With `data`, a configuration given with --configfile replaces config.yaml; without, it is merged over it.
if "data" not in config:

    configfile: Path(workflow.basedir) / "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/foreign.smk"
include: "workflow/rules/scheduling.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/warmup.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/select.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    data,
    masks,
    models,
    demo,
    select,
    tables,
    figures,


rule all:
    default_target: True
    input:
        before_jobs,
        rules.tables.output,
        rules.figures.output,
        rules.report.output,


# Targets that stop after a stage, in addition to the rules `tables` and `figures`.


rule data:
    input:
        before_jobs,
        files_of("prepare"),
        files_of("prepare_task"),


rule masks:
    input:
        before_jobs,
        files_of("select"),


rule models:
    input:
        before_jobs,
        files_of("train", "model.safetensors"),
        files_of("add_task", "model.safetensors"),
        files_of("merge", "model.safetensors"),


# The last lines of a run. `sparse-sharing run` prints the same itself.


onsuccess:
    from sparse_sharing.running.summary import success

    logger.info(success(run_config))


onerror:
    from sparse_sharing.running.summary import failure

    logger.info(failure(run_config))
