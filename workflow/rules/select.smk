# One round's mask for each task.


def masks_of_tasks(wildcards):
    """The masks of each task of a dataset, by task."""
    own = path(layout.PRUNE) + "/masks.safetensors"
    identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "start": wildcards.start}
    return {task: own.format(**identity, task=task) for task in specs.tasks(wildcards.dataset)}


rule select:
    input:
        lambda wildcards: list(masks_of_tasks(wildcards).values()),
    output:
        masks=path(layout.SELECT) + "/masks.safetensors",
        choice=path(layout.SELECT) + "/choice.csv",
        overlap=path(layout.SELECT) + "/overlap.csv",
    log:
        log_of(layout.SELECT),
    params:
        spec=spec_of("select", "dataset", "seed", "start", "choice"),
        masks=lambda wildcards: option("--masks", named(masks_of_tasks(wildcards))),
        folder=path(layout.SELECT),
    shell:
        "sparse-sharing select --spec {params.spec:q} {params.masks:q} --output {params.folder:q} > {log:q} 2>&1"
