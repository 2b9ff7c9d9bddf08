# One mask for each task: from a round of its pruning, a file of the user, or the largest starting weights.


rule select:
    input:
        lambda wildcards: [
            *masks_of_tasks(wildcards).values(),
            *given_masks(wildcards),
            *search_of_choice(wildcards),
        ],
        weights=rules.warmup.output.weights,
    output:
        **outputs_of("select"),
    log:
        log_of("select"),
    params:
        spec=spec_of("select"),
        masks=lambda wildcards: option("--masks", named(masks_of_tasks(wildcards))),
        # one param for both, because another param would make finished selections run again
        file=lambda wildcards: [
            *option("--file", given_masks(wildcards)),
            *option("--search", search_of_choice(wildcards)),
        ],
        folder=folder_of("output", "masks"),
    shell:
        "sparse-sharing select --spec {params.spec:q} {params.masks:q} {params.file:q}"
        " --weights {input.weights:q}"
        " --output {params.folder:q} > {log:q} 2>&1"
