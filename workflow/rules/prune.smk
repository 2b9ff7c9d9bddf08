# Find the masks of each task, one job per task: by iterative magnitude pruning, or from another source.


rule prune:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        tags=tags_of("train", "dev"),
        weights=rules.warmup.output.weights,
    output:
        **outputs_of("prune"),
    log:
        log_of("prune"),
    benchmark:
        benchmark_of("prune")
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=2880,
    params:
        spec=spec_of("prune"),
        folder=folder_of("output", "masks"),
    shell:
        "sparse-sharing prune --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} --output {params.folder:q}"
        " --device {resources.device} --threads {threads} > {log:q} 2>&1"


# The same with the data in another order, to show how much two prunings of one task overlap.
if run_config.prune.self_overlap:

    use rule prune as prune_again with:
        output:
            **outputs_of("prune_again"),
        log:
            log_of("prune_again"),
        benchmark:
            benchmark_of("prune_again")
        params:
            spec=spec_of("prune_again"),
            folder=folder_of("output", "masks"),


# The same for each section of `prunings`.
if run_config.prunings:

    use rule prune as prune_named with:
        output:
            **outputs_of("prune_named"),
        log:
            log_of("prune_named"),
        benchmark:
            benchmark_of("prune_named")
        params:
            spec=spec_of("prune_named"),
            folder=folder_of("output", "masks"),
