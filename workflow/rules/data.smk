# Labelled text -> encoded text: train, dev and test in separate files.


rule demo_corpora:
    output:
        [path(layout.DEMO_FILE).format(file=file) for file in layout.DEMO_FILES],
    log:
        log_of(layout.DEMO_FOLDER),
    params:
        spec=lambda wildcards: specs.demo().canonical(),
        folder=subpath(output[0], ancestor=2),
    shell:
        "sparse-sharing demo --spec {params.spec:q} --output {params.folder:q} > {log:q} 2>&1"


if missing_files:

    rule download:
        output:
            layout.source_path(run_config, "{file}"),
        log:
            log_of(layout.RUN, "download", "{file}"),
        wildcard_constraints:
            file="|".join(map(re.escape, missing_files)),
        localrule: True
        params:
            spec=spec_of("download", "file"),
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
        vocabulary=path(layout.DATA, "vocabulary.json"),
        vectors=path(layout.DATA, "vectors.safetensors"),
        train=path(layout.DATA, "train.safetensors"),
        dev=path(layout.DATA, "dev.safetensors"),
        test=path(layout.DATA, "test.safetensors"),
        summary=path(layout.DATA, "summary.json"),
    log:
        log_of(layout.DATA),
    benchmark:
        benchmark_of(layout.DATA)
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=spec_of("prepare", "dataset"),
        train=source_options("train"),
        dev=source_options("dev"),
        test=source_options("test"),
        vectors=lambda wildcards: option("--vectors", vectors_path(wildcards)),
        folder=subpath(output.vocabulary, parent=True),
    shell:
        "sparse-sharing prepare --spec {params.spec:q} {params.train:q} {params.dev:q} {params.test:q}"
        " {params.vectors:q} --output {params.folder:q} > {log:q} 2>&1"
