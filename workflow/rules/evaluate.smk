# Scores on the test text: the only rule that is given it.


rule evaluate:
    input:
        model=rules.train_model.output,
        test=rules.prepare.output.test,
    output:
        metrics=path(layout.EVALUATION) + "/metrics.json",
        predictions=directory(path(layout.EVALUATION) + "/predictions"),
    log:
        log_of(layout.EVALUATION),
    benchmark:
        benchmark_of(layout.EVALUATION)
    params:
        spec=spec_of("evaluate", "dataset", "seed", "system", "model"),
        model=path(layout.MODEL),
        folder=path(layout.EVALUATION),
    resources:
        gpu=gpus(),
        mem_mb=4000,
        runtime=60,
    shell:
        "sparse-sharing evaluate --spec {params.spec:q} --model {params.model:q} --test {input.test:q}"
        " --output {params.folder:q} --device {run_config.device} --threads {threads} > {log:q} 2>&1"
