# Tables across datasets, systems, seeds and tasks.


rule tables:
    input:
        before_jobs,
        files_of("prepare", "summary.json"),
        files_of("prepare_task", "summary.json"),
        files_of("evaluate", "metrics.json", "sentences.safetensors"),
        files_of("select", "choice.csv", "overlap.csv"),
        files_of("prune", "masks.safetensors"),
        files_of("prune_again", "masks.safetensors"),
    output:
        [reported(path(layout.TABLES, file), "Tables") for file in layout.table_files(specs.tables())],
    log:
        log_of("tables"),
    params:
        spec=spec_of("tables"),
        run=subpath(output[0], ancestor=2),
        folder=subpath(output[0], parent=True),
    shell:
        "sparse-sharing tables --spec {params.spec:q} --run {params.run:q} --output {params.folder:q} > {log:q} 2>&1"
