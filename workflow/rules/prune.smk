# Iterative magnitude pruning, one job per task.


rule prune:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        weights=rules.warmup.output,
    output:
        masks=path(layout.PRUNE, "masks.safetensors"),
        rounds=path(layout.PRUNE, "rounds.csv"),
    log:
        log_of(layout.PRUNE),
    benchmark:
        benchmark_of(layout.PRUNE)
    conda:
        "../../environment.yml"
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=2880,
    params:
        spec=spec_of("prune", "dataset", "seed", "start", "task"),
        folder=subpath(output.masks, parent=True),
    shell:
        "sparse-sharing prune --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} --output {params.folder:q}"
        " --device {resources.device} --threads {threads} > {log:q} 2>&1"


# The same with another order of the data, to show how much two prunings of one task overlap.
if run_config.prune.self_overlap:

    use rule prune as prune_again with:
        output:
            masks=path(layout.PRUNE_AGAIN, "masks.safetensors"),
            rounds=path(layout.PRUNE_AGAIN, "rounds.csv"),
        log:
            log_of(layout.PRUNE_AGAIN),
        benchmark:
            benchmark_of(layout.PRUNE_AGAIN)
        params:
            spec=spec_of("prune_again", "dataset", "seed", "start", "task"),
            folder=subpath(output.masks, parent=True),
