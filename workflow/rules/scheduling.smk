# When Snakemake looks for jobs to start. This file has no rules.

DEFAULT_LIMIT = (100, 1)  # --max-jobs-per-timespan 100/1s


@of_jobs
def wait_for_ends(wildcards):
    """Let Snakemake look for jobs to start only when a job ends; returns no input.

    With a limit of jobs per time, as by default, it looks again a second after each time. Each job that ends adds such
    a series, so that after a hundred jobs they keep a core busy. A limit that the user gives is kept.
    """
    settings = workflow.scheduling_settings
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == DEFAULT_LIMIT:
        settings.max_jobs_per_timespan = None
    return []


# Inputs of all targets: functions that return no file, which Snakemake calls before it runs any job.
before_jobs = [wait_for_ends, refuse_foreign]
