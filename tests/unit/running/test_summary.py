"""The last words of a run, from its tables."""

from sparse_sharing.config import load_config
from sparse_sharing.running.summary import success
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
    assert "joint: hard against single, all: higher. With one seed, the verdicts are about these trained models" in said
    assert "joint: best on dev is hard, 75.00 %. Model: results/tiny/joint/seed1/train/hard/shared" in said
    assert said.endswith("Report: results/tiny/report.html")


def test_a_run_without_tables_names_its_folder(tmp_path, monkeypatch, request):
    assert success(config(tmp_path, monkeypatch, request)) == "Done. The files of the run are in results/tiny."
