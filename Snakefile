# Sparse sharing: labelled text -> masks -> jointly trained taggers -> tables. `snakemake --cores 4 all`

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.20")


# A configuration given with --configfile that has its own data stands alone; any other is laid over the default run.
if "data" not in config:

    configfile: "config.yaml"


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
