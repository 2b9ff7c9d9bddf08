# Labelled text -> encoded text, and the tags of each task: train, dev and test in separate files.


rule demo:
    output:
        [path(layout.DEMO_FILE).format(file=file) for file in layout.DEMO_FILES],
    log:
        log_of("demo"),
    params:
        spec=spec_of("demo"),
        folder=subpath(output[0], ancestor=2),
    shell:
        "sparse-sharing demo --spec {params.spec:q} --output {params.folder:q} > {log:q} 2>&1"


if missing_files:

    rule download:
        output:
            layout.source_path(run_config, "{file}"),
        log:
            f"{RUN}/logs/download/{{file}}.log",
        wildcard_constraints:
            file="|".join(map(re.escape, missing_files)),
        localrule: True
        params:
            spec=lambda wildcards: spec_file("download", specs.download(wildcards.file)),
        shell:
            "sparse-sharing download --spec {params.spec:q} --output {output:q} > {log:q} 2>&1"


rule prepare:
    input:
        train=source_paths("train"),
        dev=source_paths("dev"),
        test=source_paths("test"),
        folders=files_in_folders,
        vectors=vectors_path,
    output:
        **outputs_of("prepare"),
    log:
        log_of("prepare"),
    benchmark:
        benchmark_of("prepare")
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec_of("prepare"),
        train=source_options("train"),
        dev=source_options("dev"),
        test=source_options("test"),
        vectors=lambda wildcards: option("--vectors", vectors_path(wildcards)),
        folder=folder_of("output", "vocabulary"),
    shell:
        "sparse-sharing prepare --spec {params.spec:q} {params.train:q} {params.dev:q} {params.test:q}"
        " {params.vectors:q} --output {params.folder:q} > {log:q} 2>&1"


rule prepare_task:
    input:
        train=source_paths("train"),
        dev=source_paths("dev"),
        test=source_paths("test"),
        folders=files_in_folders,
    output:
        **outputs_of("prepare_task"),
    log:
        log_of("prepare_task"),
    benchmark:
        benchmark_of("prepare_task")
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec_of("prepare_task"),
        train=source_options("train"),
        dev=source_options("dev"),
        test=source_options("test"),
        folder=folder_of("output", "train"),
    shell:
        "sparse-sharing prepare-task --spec {params.spec:q} {params.train:q} {params.dev:q} {params.test:q}"
        " --output {params.folder:q} > {log:q} 2>&1"
