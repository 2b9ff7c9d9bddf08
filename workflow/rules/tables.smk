# Tables across datasets, systems, seeds and tasks.


rule summarise:
    input:
        all_metrics("metrics.json"),
        chosen_masks("choice.csv", "overlap.csv"),
    output:
        [path(layout.TABLES, file) for file in layout.TABLE_FILES],
    log:
        log_of(layout.TABLES),
    conda:
        "../../environment.yml"
    params:
        spec=lambda wildcards: specs.tables().canonical(),
        run=subpath(output[0], ancestor=2),
        folder=subpath(output[0], parent=True),
    shell:
        "sparse-sharing tables --spec {params.spec:q} --run {params.run:q} --output {params.folder:q} > {log:q} 2>&1"
