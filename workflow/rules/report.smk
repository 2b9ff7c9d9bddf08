# The run on one page: scores, verdicts, curves, masks, costs, provenance.


rule report_page:
    input:
        tables=rules.summarise.output,
        data=prepared_files("summary.json"),
        masks=chosen_masks("masks.safetensors"),
        histories=trained_models("history.csv"),
    output:
        report(
            path(layout.REPORT),
            caption="../report/page.rst",
            category="Report",
            labels={"run": run_config.run},
        ),
    log:
        log_of(layout.REPORT),
    params:
        spec=lambda wildcards: specs.report().canonical(),
        run=subpath(output[0], parent=True),
    shell:
        "sparse-sharing report --spec {params.spec:q} --run {params.run:q} --output {output:q} > {log:q} 2>&1"
