# Starting weights: theta(0), and theta(w) after multi-task warm-up.


rule warmup:
    input:
        vocabulary=rules.prepare.output.vocabulary,
        vectors=rules.prepare.output.vectors,
        train=rules.prepare.output.train,
        dev=rules.prepare.output.dev,
        tags=tags_of("train", "dev"),
        pretrained=pretrained_files,
    output:
        **outputs_of("warmup"),
    log:
        log_of("warmup"),
    benchmark:
        benchmark_of("warmup")
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=720,
    params:
        spec=spec_of("warmup"),
        pretrained=lambda wildcards: option("--pretrained", pretrained),
    shell:
        "sparse-sharing warmup --spec {params.spec:q} --vocabulary {input.vocabulary:q} --vectors {input.vectors:q}"
        " --train {input.train:q} --dev {input.dev:q} {params.pretrained:q} --output {output.weights:q}"
        " --device {resources.device} --threads {threads} > {log:q} 2>&1"
