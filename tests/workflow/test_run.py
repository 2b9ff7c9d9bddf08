"""`sparse-sharing run`: a line for each job, what was found at the end, and calm words where it ends early."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import pytest

pytestmark = pytest.mark.slow
PROGRAM = [sys.executable, "-m", "sparse_sharing"]
MODEL = "joint/seed1/train/sparse/shared"
EVALUATION = "joint/seed1/evaluate/sparse/shared"


def sparse_sharing(workflow, *arguments):
    """Run a command in the folder of a workflow; `stdout` holds all it says."""
    return workflow.start([*PROGRAM, *arguments])


def run(workflow, *arguments):
    return sparse_sharing(workflow, "run", workflow.config_file.name, "--cores", "2", *arguments)


def remove_evaluation(workflow):
    """Remove the evaluation of a model, and the tables that are made of it."""
    for folder in (EVALUATION, "tables"):
        shutil.rmtree(workflow.path(folder))


def test_a_run_has_a_line_for_each_job_and_ends_with_what_was_found_and_how_to_use_it(workflow):
    remove_evaluation(workflow)
    done = run(workflow)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\[1/\d\] evaluate joint seed1 sparse shared: test chunk \d", done.stdout, re.MULTILINE)
    assert re.search(r"^joint: .*\d+ comparisons with single", done.stdout, re.MULTILINE)
    assert "Report: results/tiny/report.html" in done.stdout
    assert "rule evaluate:" not in done.stdout
    command = re.search(r"Tag with it: (echo .*)", done.stdout)[1]
    tagged = workflow.start(["bash", "-c", command.replace("sparse-sharing", f"{sys.executable} -m sparse_sharing")])
    assert "British" in tagged.stdout, tagged.stdout


def test_a_finished_run_says_again_what_was_found(workflow):
    done = run(workflow)
    assert done.returncode == 0
    assert "Report: results/tiny/report.html" in done.stdout
    assert "[1/" not in done.stdout


def test_options_of_snakemake_pass_through_and_a_plan_is_snakemakes_own(workflow):
    plan = run(workflow, "--", "--forcerun", "report", "--dry-run")
    assert plan.returncode == 0, plan.stdout
    assert "rule report:" in plan.stdout
    assert "Report:" not in plan.stdout


def test_a_job_that_fails_shows_its_own_message_and_its_log(workflow):
    remove_evaluation(workflow)
    model = workflow.path(f"{MODEL}/model.safetensors")
    model.write_bytes(b"damaged")
    os.utime(model, (0, 0))
    done = run(workflow, "--", "--rerun-triggers", "mtime")
    assert done.returncode == 1
    assert "failed: evaluate joint seed1 sparse shared" in done.stdout
    assert "CalledProcessError" not in done.stdout
    assert f"error: results/tiny/{MODEL}/model.safetensors: " in done.stdout
    assert f"log: results/tiny/logs/{EVALUATION}.log" in done.stdout
    assert "start the same command again to continue" in done.stdout
    assert "Traceback" not in done.stdout


def test_ctrl_c_is_a_calm_sentence_and_the_run_continues_after_it(repository, fresh, tmp_path):
    # Only the configuration: the workflow is that of the program.
    folder = tmp_path / "own"
    folder.mkdir()
    with fresh.edited() as config:
        config["prune"]["epochs"] = 2000
    shutil.copy2(fresh.config_file, folder)
    surroundings = fresh.surroundings | {"cwd": folder}
    command = [*PROGRAM, "run", fresh.config_file.name, "--cores", "2"]
    # Tests that run in the background of a shell inherit that SIGINT is ignored; a terminal does not do that.
    process = subprocess.Popen(
        command,
        **surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 600
    while not list(folder.glob("results/tiny/joint/seed1/warmup/prune/*/work/progress.json")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Interrupted. Finished jobs are kept. Start the same command again" in output
    assert "failed" not in output
    assert "Traceback" not in output


def test_plain_snakemake_ends_with_the_same_words(workflow):
    done = workflow.snakemake("--cores", "2", "--forcerun", "report")
    assert done.returncode == 0, done.stdout
    assert "best on dev is " in done.stdout
    assert "Report: results/tiny/report.html" in done.stdout


@pytest.mark.parametrize("limit", [[], ["--max-jobs-per-timespan", "50/2s"]])
def test_snakemake_limits_jobs_per_time_only_if_asked_to(workflow, limit):
    done = workflow.snakemake("--cores", "2", "--forcerun", "report", "--verbose", *limit)
    assert done.returncode == 0, done.stdout
    said = re.findall(r"Submitting maximum (\d+) job\(s\) over (\S+) second", done.stdout)
    assert said == ([("50", "2.0")] if limit else [])


def test_a_wrong_configuration_is_named_without_the_files_of_the_workflow(fresh):
    with fresh.edited() as config:
        config["modell"] = {}
    for done in (fresh.snakemake("--cores", "1"), run(fresh)):
        assert done.returncode != 0
        assert "modell: unknown key; did you mean 'model'?" in done.stdout
        assert "common.smk" not in done.stdout


def test_missing_files_of_a_finished_run_are_noticed(workflow):
    with workflow.edited() as config:
        config["data_root"] = "dta"
        config["data"]["vectors"] = "glove.txt"
    plan = workflow.snakemake("--cores", "1", "--dry-run", "--rerun-triggers", "mtime")
    assert "the first is dta/glove.txt. Check the paths and data_root (now 'dta')." in plan.stdout


def test_the_tables_are_made_again_from_a_bundle_that_holds_no_word(workflow, tmp_path):
    archive = tmp_path / "tiny.tar.gz"
    done = sparse_sharing(workflow, "bundle", "results/tiny", "--output", str(archive), "--config", "tiny.yaml")
    assert done.returncode == 0, done.stdout
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    command = ["tables", "--spec", "tiny/spec.json", "--run", "tiny", "--output", "rebuilt"]
    subprocess.run([*PROGRAM, *command], cwd=tmp_path, check=True)
    for path in (tmp_path / "rebuilt").iterdir():
        assert path.read_bytes() == workflow.path(f"tables/{path.name}").read_bytes(), path.name
    content = b"".join(path.read_bytes() for path in (tmp_path / "tiny").rglob("*") if path.is_file())
    lines = workflow.path("demo/joint/test.txt").read_text().split("\n")
    # Names: other words of the corpus may be in the prose around the tables.
    words = {line.split()[0] for line in lines if line and line[0].isupper() and len(line.split()[0]) > 4}
    assert words
    assert not [word for word in words if re.search(rb"\b" + re.escape(word.encode()) + rb"\b", content)]


def test_a_cleaned_run_has_nothing_to_do(workflow):
    shown = sparse_sharing(workflow, "clean", "results/tiny", "--text")
    assert "Nothing was removed" in shown.stdout
    assert workflow.path("joint/data/train.safetensors").exists()
    sparse_sharing(workflow, "clean", "results/tiny", "--text", "--yes")
    assert not workflow.path("joint/data/train.safetensors").exists()
    assert workflow.planned() == {}
