# Tables across datasets, systems, seeds and tasks.


rule summarise:
    input:
        prepared_files("summary.json"),
        evaluations("metrics.json", "sentences.safetensors"),
        chosen_masks("choice.csv", "overlap.csv"),
        pruned("masks.safetensors"),
    output:
        [reported(path(layout.TABLES, file), "Tables") for file in layout.table_files(specs.tables())],
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
