# The run on one page: scores, verdicts, curves, masks, costs, provenance.


rule report:
    input:
        # Not rules.tables.output: with it Snakemake compares each of these files with all others.
        tables=[path(layout.TABLES, file) for file in layout.table_files(specs.tables())],
        data=files_of("prepare", "summary.json") + files_of("prepare_task", "summary.json"),
        masks=files_of("select", "masks.safetensors"),
        histories=[file for stage in ("train", "add_task", "merge") for file in files_of(stage, "history.csv")],
    output:
        report(
            outputs_of("report")["report"],
            caption="../report/page.rst",
            category="Report",
            labels={"run": run_config.run},
        ),
    log:
        log_of("report"),
    params:
        spec=spec_of("report"),
        run=subpath(output[0], parent=True),
        configuration=option("--configuration", named_configuration()),
    shell:
        "sparse-sharing report --spec {params.spec:q} --run {params.run:q} --output {output:q}"
        " {params.configuration:q} > {log:q} 2>&1"
