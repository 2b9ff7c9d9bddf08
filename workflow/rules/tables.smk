# Tables across datasets, systems, seeds and tasks.


rule summarise:
    input:
        all_metrics(),
        chosen_masks(),
    output:
        [path(layout.TABLES) + f"/{file}" for file in layout.TABLE_FILES],
    log:
        log_of(layout.TABLES),
    params:
        spec=lambda wildcards: specs.tables().canonical(),
        run=path(layout.RUN),
        folder=path(layout.TABLES),
    shell:
        "sparse-sharing tables --spec {params.spec:q} --run {params.run:q} --output {params.folder:q} > {log:q} 2>&1"
