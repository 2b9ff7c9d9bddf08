"""The last words of a run, from its tables."""

from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.running.summary import failure, success
from sparse_sharing.storage.artifacts import write_text

TINY = "tests/workflow/tiny.yaml"
RESULTS = """dataset,seed,system,task,split,metric,value
joint,1,single,pos,dev,accuracy,70
joint,1,single,chunk,dev,f1,60
joint,1,hard,pos,dev,accuracy,80
joint,1,hard,chunk,dev,f1,70
"""
COMPARISONS = """dataset,reference,system,task,seeds,verdict
joint,single,hard,all,1,these models: higher
"""


def config(tmp_path, monkeypatch, request):
    tiny = load_config(request.config.rootpath / TINY)
    monkeypatch.chdir(tmp_path)
    return tiny


def test_a_finished_run_names_its_verdict_its_best_model_and_its_report(tmp_path, monkeypatch, request):
    tiny = config(tmp_path, monkeypatch, request)
    write_text(tmp_path / "results/tiny/tables/results.csv", RESULTS)
    write_text(tmp_path / "results/tiny/tables/comparisons.csv", COMPARISONS)
    write_text(tmp_path / "results/tiny/report.html", "")
    write_text(tmp_path / "results/tiny/joint/seed1/train/hard/shared/model.safetensors", "")
    said = success(tiny)
    assert "joint: hard against single, all: higher. With one seed, the verdicts apply to these trained models" in said
    assert "joint: best on dev is hard, 75.00 %. Model: results/tiny/joint/seed1/train/hard/shared" in said
    assert said.endswith("Report: results/tiny/report.html")


def test_a_failed_run_names_the_jobs_their_messages_and_logs_and_how_to_continue(tmp_path, monkeypatch, request):
    tiny = config(tmp_path, monkeypatch, request)
    log = next(job for job in jobs_of(Specs(tiny)) if job.stage == "prepare").log
    write_text(log, "reading\nerror: train.txt, line 3: found 2 columns; expected 4\n")
    lines = failure(tiny).splitlines()
    assert lines[0] == "1 job failed:"
    assert lines[1].endswith(": error: train.txt, line 3: found 2 columns; expected 4")
    assert lines[2] == f"    log: {log}"
    assert lines[3].endswith("jobs are done. Finished jobs are kept: start the same command again to continue.")


def test_a_run_without_tables_names_its_folder(tmp_path, monkeypatch, request):
    assert success(config(tmp_path, monkeypatch, request)) == "Done. The files of the run are in results/tiny."
