# Scores on the test text: the only rule that is given it.


rule evaluate:
    input:
        model=rules.train_model.output.model,
        vocabulary=rules.train_model.output.vocabulary,
        history=rules.train_model.output.history,
        test=rules.prepare.output.test,
    output:
        metrics=path(layout.EVALUATION, "metrics.json"),
        sentences=path(layout.EVALUATION, "sentences.safetensors"),
        predictions=directory(path(layout.EVALUATION, "predictions")),
        card=path(layout.EVALUATION, "README.md"),
    log:
        log_of(layout.EVALUATION),
    benchmark:
        benchmark_of(layout.EVALUATION)
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec_of("evaluate", "dataset", "seed", "system", "model"),
        model=subpath(input.model, parent=True),
        folder=subpath(output.metrics, parent=True),
    shell:
        "sparse-sharing evaluate --spec {params.spec:q} --model {params.model:q} --test {input.test:q}"
        " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"
