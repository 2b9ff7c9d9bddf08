# The systems that are compared: a model per task for single-task systems, else one for all tasks.


def starting_weights(wildcards):
    """The weights that a system starts from."""
    start = specs.systems[wildcards.system].start
    return path(layout.WEIGHTS).format(dataset=wildcards.dataset, seed=wildcards.seed, start=start)


def masks_of_system(wildcards):
    """The masks that a system is trained with, if it has any."""
    system = specs.systems[wildcards.system]
    if system.choice is None:
        return []
    identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "start": system.start, "choice": system.choice}
    return [path(layout.SELECT).format(**identity) + "/masks.safetensors"]


rule train_model:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        weights=starting_weights,
        masks=masks_of_system,
    output:
        model=path(layout.MODEL) + "/model.safetensors",
        vocabulary=path(layout.MODEL) + "/vocabulary.json",
        history=path(layout.MODEL) + "/history.csv",
    log:
        log_of(layout.MODEL),
    benchmark:
        benchmark_of(layout.MODEL)
    params:
        spec=spec_of("train", "dataset", "seed", "system", "model"),
        masks=lambda wildcards: option("--masks", masks_of_system(wildcards)),
        folder=path(layout.MODEL),
    resources:
        gpu=gpus(),
        mem_mb=4000,
        runtime=1440,
    shell:
        "sparse-sharing train --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} {params.masks:q}"
        " --output {params.folder:q} --device {run_config.device} --threads {threads} > {log:q} 2>&1"
