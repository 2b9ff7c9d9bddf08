# Sparse sharing: labelled text -> masks -> jointly trained taggers -> tables. `snakemake --cores 4 all`

from pathlib import Path

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.20")


# With `data`, a configuration given with --configfile replaces config.yaml; without, it is merged over it.
if "data" not in config:

    configfile: Path(workflow.basedir) / "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/warmup.smk"
include: "workflow/rules/prune.smk"
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
    train,
    tables,
    figures,
    demo_corpora,
    select,
    summarise,


rule all:
    default_target: True
    input:
        refuse_foreign,
        rules.summarise.output,
        rules.draw.output,
        rules.report_page.output,


# Targets that stop after a stage.


rule data:
    input:
        refuse_foreign,
        prepared_files(*layout.PREPARED_FILES),


rule masks:
    input:
        refuse_foreign,
        chosen_masks("masks.safetensors", "choice.csv", "overlap.csv"),


rule train:
    input:
        refuse_foreign,
        trained_models("model.safetensors"),


rule tables:
    input:
        refuse_foreign,
        rules.summarise.output,


rule figures:
    input:
        refuse_foreign,
        rules.draw.output,


# The last words of a run. `sparse-sharing run` says the same itself.


onsuccess:
    from sparse_sharing.running.summary import success

    logger.info(success(run_config))


onerror:
    from sparse_sharing.running.summary import failure

    logger.info(failure(run_config))
