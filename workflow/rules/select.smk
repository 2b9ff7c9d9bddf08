# One round's mask for each task.


rule select:
    input:
        lambda wildcards: list(masks_of_tasks(wildcards).values()),
    output:
        masks=path(layout.SELECT, "masks.safetensors"),
        choice=path(layout.SELECT, "choice.csv"),
        overlap=path(layout.SELECT, "overlap.csv"),
    log:
        log_of(layout.SELECT),
    conda:
        "../../environment.yml"
    params:
        spec=spec_of("select", "dataset", "seed", "start", "choice"),
        masks=lambda wildcards: option("--masks", named(masks_of_tasks(wildcards))),
        folder=subpath(output.masks, parent=True),
    shell:
        "sparse-sharing select --spec {params.spec:q} {params.masks:q} --output {params.folder:q} > {log:q} 2>&1"
