# The systems that are compared: a model per task for single-task systems, else one for all tasks.


rule train:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        tags=tags_of("train", "dev"),
        weights=starting_weights,
        masks=masks_of_system,
        test=test_text_of_system,
    output:
        **outputs_of("train"),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=1440,
    params:
        spec=spec_of("train"),
        # one param for both: a param more would make finished trainings run again
        masks=lambda wildcards: [
            *option("--masks", masks_of_system(wildcards)),
            *option("--test", test_text_of_system(wildcards)),
        ],
        folder=subpath(output.model, parent=True),
    shell:
        "sparse-sharing train --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} {params.masks:q}"
        " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"
