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


localrules:
    all,
    data,
    masks,
    train,
    tables,
    demo_corpora,


rule all:
    default_target: True
    input:
        rules.summarise.output,


# Targets that stop after a stage.


rule data:
    input:
        prepared_files(),


rule masks:
    input:
        chosen_masks(),


rule train:
    input:
        trained_models(),


rule tables:
    input:
        rules.summarise.output,
