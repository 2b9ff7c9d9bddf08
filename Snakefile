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
    models,
    demo,
    select,
    tables,
    figures,


rule all:
    default_target: True
    input:
        refuse_foreign,
        rules.tables.output,
        rules.figures.output,
        rules.report.output,


# Targets that stop after a stage, beside the rules `tables` and `figures`.


rule data:
    input:
        refuse_foreign,
        files_of("prepare"),


rule masks:
    input:
        refuse_foreign,
        files_of("select"),


rule models:
    input:
        refuse_foreign,
        files_of("train", "model.safetensors"),
