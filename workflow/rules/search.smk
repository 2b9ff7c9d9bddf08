# Search the density of each task by short joint trainings with stored masks.


rule search:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        tags=tags_of("train", "dev"),
        weights=rules.warmup.output.weights,
        masks=lambda wildcards: [*masks_of_tasks(wildcards).values()],
    output:
        **outputs_of("search"),
    log:
        log_of("search"),
    benchmark:
        benchmark_of("search")
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=1440,
    params:
        spec=spec_of("search"),
        masks=lambda wildcards: option("--masks", named(masks_of_tasks(wildcards))),
        folder=folder_of("output", "search"),
    shell:
        "sparse-sharing search --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} {params.masks:q}"
        " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"
