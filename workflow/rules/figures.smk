# Figures of the tables that the run has.


rule figures:
    input:
        tables=[path(layout.TABLES, f"{name}.csv") for name in specs.figures().figures],
        provenance=path(layout.TABLES, "provenance.json"),
    output:
        [reported(path(layout.FIGURES, file), "Figures") for file in layout.figure_files(specs.tables())],
    log:
        log_of("figures"),
    params:
        spec=spec_of("figures"),
        tables=folder_of("input", "provenance"),
        folder=lambda wildcards: path(layout.FIGURES),
    shell:
        "sparse-sharing figures --spec {params.spec:q} --tables {params.tables:q} --output {params.folder:q}"
        " > {log:q} 2>&1"
