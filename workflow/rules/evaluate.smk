# Scores on the test text. This is the only rule that reads it, except for `train` with `epoch_on_test`.


rule evaluate:
    input:
        model=rules.train.output.model,
        vocabulary=rules.train.output.vocabulary,
        history=rules.train.output.history,
        test=rules.prepare.output.test,
        tags=tags_of("test"),
    output:
        **outputs_of("evaluate"),
    log:
        log_of("evaluate"),
    benchmark:
        benchmark_of("evaluate")
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec_of("evaluate"),
        model=folder_of("input", "model"),
        folder=folder_of("output", "metrics"),
    shell:
        "sparse-sharing evaluate --spec {params.spec:q} --model {params.model:q} --test {input.test:q}"
        " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"
