# Train the systems that are compared: a model per task for single-task systems, otherwise one for all tasks.


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
    wildcard_constraints:
        system="|".join(systems_of("train")) or NAME,
    resources:
        gpu=gpus(),
        device=run_config.device,
        mem_mb=4000,
        runtime=1440,
    params:
        spec=spec_of("train"),
        # one param for both, because another param would make finished trainings run again
        masks=masks_and_test_text,
        folder=folder_of("output", "model"),
    shell:
        "sparse-sharing train --spec {params.spec:q} --vocabulary {input.vocabulary:q}"
        " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q} {params.masks:q}"
        " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"


# Add a task to the finished model of another system.
if extended_systems:

    rule add_task:
        input:
            model=extended_model("model"),
            known=extended_model("vocabulary"),
            vocabulary=rules.prepare.output.vocabulary,
            vectors=rules.prepare.output.vectors,
            train=rules.prepare.output.train,
            dev=rules.prepare.output.dev,
            tags=tags_of("train", "dev"),
        output:
            **outputs_of("add_task"),
        log:
            log_of("add_task"),
        benchmark:
            benchmark_of("add_task")
        wildcard_constraints:
            system="|".join(extended_systems),
        resources:
            gpu=gpus(),
            device=run_config.device,
            mem_mb=4000,
            runtime=1440,
        params:
            spec=spec_of("add_task"),
            model=folder_of("input", "model"),
            folder=folder_of("output", "model"),
        shell:
            "sparse-sharing add-task --spec {params.spec:q} --model {params.model:q} --vocabulary {input.vocabulary:q}"
            " --vectors {input.vectors:q} --train {input.train:q} --dev {input.dev:q}"
            " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"


# Merge the finished models of single tasks.
if merged_systems:

    rule merge:
        input:
            vocabulary=rules.prepare.output.vocabulary,
            train=rules.prepare.output.train,
            dev=rules.prepare.output.dev,
            tags=tags_of("train", "dev"),
            weights=starting_weights,
            models=lambda wildcards: [*merged_models("model")(wildcards).values()],
            known=lambda wildcards: [*merged_models("vocabulary")(wildcards).values()],
        output:
            **outputs_of("merge"),
        log:
            log_of("merge"),
        benchmark:
            benchmark_of("merge")
        wildcard_constraints:
            system="|".join(merged_systems),
        resources:
            gpu=gpus(),
            device=run_config.device,
            mem_mb=4000,
            runtime=240,
        params:
            spec=spec_of("merge"),
            models=lambda wildcards: option(
                "--model",
                named({task: Path(file).parent for task, file in merged_models("model")(wildcards).items()}),
            ),
            folder=folder_of("output", "model"),
        shell:
            "sparse-sharing merge --spec {params.spec:q} {params.models:q} --vocabulary {input.vocabulary:q}"
            " --train {input.train:q} --dev {input.dev:q} --weights {input.weights:q}"
            " --output {params.folder:q} --device {resources.device} --threads {threads} > {log:q} 2>&1"
