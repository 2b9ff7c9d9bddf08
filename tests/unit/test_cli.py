"""The command line: options that explain themselves, exit codes, and one message instead of a traceback."""

import functools
import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import typer
import typer.rich_utils
import yaml
from typer.testing import CliRunner

from sparse_sharing import __version__, cli
from sparse_sharing.cli.options import parse_named
from sparse_sharing.cli.specs import find_spec
from sparse_sharing.config import Config, load_config, parse_config
from sparse_sharing.config.schema import GRAMMAR_VERSION, DemoSize
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.pipeline import specs as stage_specs
from sparse_sharing.pipeline.specs import DemoSpec
from sparse_sharing.stages import demo as demo_stage
from sparse_sharing.storage.spec_files import read_spec, write_spec

PROGRAM = typer.main.get_command(cli.app)
COMMANDS = {name: PROGRAM.get_command(None, name) for name in PROGRAM.list_commands(None)}
STAGES = ["demo", "prepare", "prepare_task", "warmup", "prune", "select", "train", "evaluate", "tables", "figures"]
JOBS = {
    "demo": {},
    "prepare": {"dataset": "joint"},
    "prepare_task": {"dataset": "joint", "task": "ner"},
    "warmup": {"dataset": "joint", "seed": 1, "start": "warmup"},
    "prune": {"dataset": "joint", "seed": 1, "start": "warmup", "task": "ner"},
    "select": {"dataset": "joint", "seed": 1, "start": "warmup", "choice": "half"},
    "train": {"dataset": "joint", "seed": 1, "system": "single", "model": "ner"},
    "evaluate": {"dataset": "joint", "seed": 1, "system": "sparse", "model": "shared"},
    "tables": {},
    "figures": {},
}
SMALL_DEMO = DemoSpec(grammar=GRAMMAR_VERSION, size=DemoSize(train=10, dev=5, test=5))
TEXT = "The D\ncat N\nsleeps V\n\nA D\ndog N\nbarks V\n\n" * 3


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs the program in this process and gives its exit code, its output and its errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sparse-sharing", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return left.value.code or 0, shown.out, shown.err

    return call


@pytest.fixture
def config(tmp_path):
    """The path of a configuration for one small file in the same folder."""
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    corpus = {"name": "text", "train": "text.txt", "test": "text.txt", "tasks": [{"name": "pos", "column": 1}]}
    values = {
        "run": "x",
        "data": {"datasets": [{"name": "joint", "corpora": [corpus]}]},
        "model": {"word_dimension": 4, "character_dimension": 3, "character_filters": 3, "hidden": 2},
        "warmup": {"epochs": 1, "learning_rate": 1e30, "batch_size": 1, "gradient_clip": None},
        "select": {"choices": [{"name": "half", "rule": "best_dev"}]},
        "train": {"systems": [{"name": "single", "sharing": "single"}]},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture
def printed(run, tmp_path):
    """A function that writes what `sparse-sharing spec` prints for a job to a file, and gives its path."""

    def write(*job):
        code, output, _ = run("spec", *job)
        assert code == 0
        path = tmp_path / f"{job[0]}.json"
        path.write_text(output, encoding="utf-8")
        return path

    return write


@pytest.fixture
def small_demo(tmp_path):
    """The file of a spec of small demo corpora."""
    write_spec(tmp_path / "specs" / "demo.json", SMALL_DEMO)
    return tmp_path / "specs" / "demo.json"


@pytest.fixture
def prepared(config, run, printed):
    """The folder of the text of the configuration, prepared by the program itself."""
    text, folder = config.parent / "text.txt", config.parent / "data"
    spec = printed("prepare", "--config", config, "--dataset", "joint")
    files = ["--train", f"text={text}", "--test", f"text={text}"]
    code, output, _ = run("prepare", "--spec", spec, *files, "--output", folder)
    assert (code, output) == (0, "")
    spec = printed("prepare_task", "--config", config, "--dataset", "joint", "--task", "pos")
    code, output, _ = run("prepare-task", "--spec", spec, *files, "--output", folder / "tags" / "pos")
    assert (code, output) == (0, "")
    return folder


@pytest.fixture
def warm_up(run, printed, config):
    """A function that runs the stage warmup on prepared text."""
    return functools.partial(_warm_up, run, printed, config)


def _warm_up(run, printed, config, folder, start, output):
    spec = printed("warmup", "--config", config, "--dataset", "joint", "--seed", 1, "--start", start)
    given = {"vocabulary": "vocabulary.json", "vectors": "vectors.safetensors"}
    given |= {"train": "train.safetensors", "dev": "dev.safetensors"}
    files = [word for name, file in given.items() for word in (f"--{name}", folder / file)]
    return run("warmup", "--spec", spec, *files, "--output", output, "--device", "cpu")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_and_each_of_its_options(name, monkeypatch):
    # Typer reads TERMINAL_WIDTH once, when it is first imported; at 80 columns a type wraps into the text beside it.
    monkeypatch.setattr(typer.rich_utils, "MAX_WIDTH", 100)
    shown = CliRunner().invoke(cli.app, [name, "-h"])
    squeezed = "".join(character for character in shown.output if not character.isspace() and character not in "│")
    assert shown.exit_code == 0
    assert "".join(COMMANDS[name].help.split()) in squeezed
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name
        assert "".join(parameter.help.split()) in squeezed
        assert parameter.param_type_name == "argument" or parameter.opts[0] in squeezed


def test_there_is_a_command_for_every_stage_and_the_program_lists_them(run):
    code, output, _ = run("-h")
    assert code == 0
    assert {stage.replace("_", "-") for stage in STAGES} <= COMMANDS.keys()
    assert all(f" {name} " in output for name in COMMANDS)


def test_the_program_without_a_command_explains_itself(run):
    _, output, errors = run()
    assert "COMMAND [ARGS]..." in output + errors


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"{__version__}\n", "")


def test_the_program_is_installed_under_its_name():
    (script,) = entry_points(group="console_scripts", name="sparse-sharing")
    assert script.load() is cli.main


@pytest.mark.parametrize("stage", STAGES)
def test_the_spec_that_is_printed_is_what_the_stage_takes(stage, printed, repository):
    path = repository / "config.yaml"
    job = JOBS[stage]
    options = [word for name, value in job.items() for word in (f"--{name}", value)]
    kind = getattr(stage_specs, f"{stage.title().replace('_', '')}Spec")
    assert read_spec(printed(stage, "--config", path, *options), kind) == getattr(Specs(load_config(path)), stage)(
        *job.values()
    )


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        ("prepre", {}, "there is no stage 'prepre'; stages are download, demo, prepare, prepare_task, warmup, prune"),
        ("prune", {"task": None}, "stage prune needs the option --task"),
        ("prepare", {"dataset": "joined"}, "--dataset: got 'joined'; this configuration has joint, separate"),
        ("warmup", {"seed": 7}, "--seed: got '7'; this configuration has 1"),
        ("warmup", {"start": "cold"}, "--start: got 'cold'; this configuration has initial, warmup"),
        ("prune", {"task": "shared"}, "--task: got 'shared'; this configuration has chunk, ner, pos"),
        ("select", {"choice": "all"}, "--choice: got 'all'; this configuration has half"),
        ("train", {"system": "soft"}, "--system: got 'soft'; this configuration has single, hard, sparse"),
        ("train", {"model": "shared"}, "--model: got 'shared'; this configuration has chunk, ner, pos"),
        ("evaluate", {"model": "ner"}, "--model: got 'ner'; this configuration has shared"),
    ],
)
def test_a_job_that_the_configuration_does_not_have_is_refused_with_those_it_has(repository, stage, changes, message):
    with pytest.raises(ConfigError) as caught:
        find_spec(load_config(repository / "config.yaml"), stage, {**JOBS.get(stage, {}), **changes})
    assert str(caught.value).startswith(message)


def test_the_starting_weights_of_a_systems_own_network_need_only_a_job_of_the_warm_up(repository):
    config = load_config(repository / "config" / "conll03.yaml")
    job = {"dataset": "conll03", "seed": 1, "start": "initial-soft"}
    assert find_spec(config, "warmup", job).model.stacks == ["chunk", "ner", "pos"]
    with pytest.raises(ConfigError, match=r"--start: got 'initial-soft'; this configuration has initial, warmup$"):
        find_spec(config, "prune", {**job, "task": "ner"})


def test_a_missing_spec_file_gives_one_message(run, tmp_path):
    """Such as JSON, which earlier versions took."""
    code, output, errors = run("demo", "--spec", '{"grammar": 1}', "--output", tmp_path / "out")
    assert (code, output) == (2, "")
    assert errors.startswith("error: --spec: '{\"grammar\": 1}' cannot be read (No such file or directory); expected a")
    assert not (tmp_path / "out").exists()


def test_named_files_become_a_mapping():
    named = parse_named(["a=x/y.txt", "b=c=d"])
    assert {name: str(path) for name, path in named.items()} == {"a": "x/y.txt", "b": "c=d"}


@pytest.mark.parametrize("values", [["a"], ["=x"], ["a="], [""], ["a=x", "a=y"]])
def test_named_files_of_another_form_or_given_twice_are_refused(values):
    with pytest.raises(ConfigError, match=r"expected NAME=FILE|two files for 'a'"):
        parse_named(values)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["demo"],
        ["demo", "--spec", "demo.json"],
        ["demo", "--output", "x", "--spec", "demo.json", "--colour", "red"],
        ["spec", "warmup", "--seed", "one"],
        ["spec", "demo", "--config", "nowhere.yaml"],
        ["warmup", "--threads", "0"],
    ],
)
def test_wrong_options_and_configurations_end_with_2(run, arguments):
    code, output, errors = run(*arguments)
    assert code == 2
    assert output == ""
    assert errors


def test_wrong_data_end_with_3(run, config, printed):
    spec = printed("prepare", "--config", config, "--dataset", "joint")
    folder = config.parent
    (folder / "wrong.txt").write_text("The D\ncat\n", encoding="utf-8")
    for name, message in (("nowhere.txt", "no such file"), ("wrong.txt", "line 2: found 1 columns")):
        files = ["--train", f"text={folder / name}", "--test", f"text={folder / 'text.txt'}"]
        code, _, errors = run("prepare", "--spec", spec, *files, "--output", folder / "data")
        assert code == 3
        assert errors.startswith(f"error: {folder / name}")
        assert message in errors


def test_an_error_cannot_steer_the_terminal(run, config, printed):
    spec = printed("prepare", "--config", config, "--dataset", "joint")
    files = ["--train", f"text={config.parent}/no\x1b]0;owned\x07where", "--test", f"text={config.parent}/text.txt"]
    code, _, errors = run("prepare", "--spec", spec, *files, "--output", config.parent / "data")
    assert code == 3
    assert "no\\u001b]0;owned\\u0007where" in errors
    assert "\x1b" not in errors


def test_a_lack_of_memory_ends_with_8(run, monkeypatch, tmp_path, small_demo):
    def fail(*arguments):
        error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000 bytes.")
        error.add_note("epoch 3, step 1/9, task ner")
        raise error

    monkeypatch.setattr(demo_stage, "run", fail)
    code, _, errors = run("demo", "--spec", small_demo, "--output", tmp_path)
    assert code == 8
    assert errors.startswith("error: demo: epoch 3, step 1/9, task ner: out of memory: 4,000 MB more were")


def test_a_missing_file_of_an_earlier_stage_ends_with_4(warm_up, tmp_path):
    code, _, errors = warm_up(tmp_path / "nowhere", "initial", tmp_path / "weights.safetensors")
    assert code == 4
    assert errors.startswith(f"error: {tmp_path / 'nowhere' / 'vocabulary.json'}: cannot be read")


def test_a_training_that_cannot_continue_ends_with_5(warm_up, config, prepared):
    output = config.parent / "start" / "weights.safetensors"
    code, _, errors = warm_up(prepared, "warmup", output)
    assert code == 5
    assert "Lower learning_rate (now 1e+30)" in errors
    assert not output.exists()


def test_a_stage_that_was_done_ends_with_0_and_leaves_what_it_was_asked_for(warm_up, config, prepared):
    output = config.parent / "start" / "weights.safetensors"
    code, shown, _ = warm_up(prepared, "initial", output)
    assert (code, shown) == (0, "")
    assert sorted(path.name for path in output.parent.iterdir()) == ["costs.json", "weights.safetensors"]


def test_the_demo_corpora_are_written_where_the_layout_has_them(run, tmp_path, small_demo):
    code, output, _ = run("demo", "--spec", small_demo, "--output", tmp_path)
    assert (code, output) == (0, "")
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")} == set(layout.DEMO_FILES)


def test_a_file_that_cannot_be_written_ends_with_6(run, tmp_path, small_demo):
    (tmp_path / "file").write_bytes(b"")
    code, _, errors = run("demo", "--spec", small_demo, "--output", tmp_path / "file")
    assert code == 6
    assert errors.startswith(f"error: {tmp_path / 'file'}/joint: Not a directory.")
    (tmp_path / "folder" / "joint" / "train.txt").mkdir(parents=True)
    code, _, errors = run("demo", "--spec", small_demo, "--output", tmp_path / "folder")
    assert code == 6
    assert errors.startswith(f"error: {tmp_path / 'folder' / 'joint' / 'train.txt'}: Is a directory.")


def test_an_interrupted_stage_ends_with_130_and_says_how_to_resume(run, tmp_path, monkeypatch, small_demo):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_stage, "run", interrupt)
    code, _, errors = run("demo", "--spec", small_demo, "--output", tmp_path)
    assert code == 130
    assert errors == "interrupted; training resumes after its last finished epoch\n"


def test_a_fault_of_the_program_is_not_hidden(monkeypatch, tmp_path, small_demo):
    def fail(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(demo_stage, "run", fail)
    monkeypatch.setattr(sys, "argv", ["sparse-sharing", "demo", "--spec", str(small_demo), "--output", str(tmp_path)])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_the_schema_is_that_of_the_configuration(run):
    code, output, _ = run("schema")
    assert code == 0
    assert yaml.safe_load(output)["properties"].keys() == Config.model_fields.keys()


def config_of_one_task():
    """The smallest configuration."""
    corpus = {"name": "x", "train": "x", "test": "x", "tasks": [{"name": "x", "column": 1}]}
    return parse_config(
        {
            "run": "x",
            "data": {"datasets": [{"name": "x", "corpora": [corpus]}]},
            "select": {"choices": [{"name": "x", "rule": "best_dev"}]},
            "train": {"systems": [{"name": "x", "sharing": "hard"}]},
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["spec", "tables", "--config", "nowhere.yaml"], 2),
        (["demo", "--spec", "{}", "--output", "x"], 2),
        (["tables", "--spec", "tables.json", "--run", "nowhere", "--output", "x"], 4),
    ],
)
def test_a_process_of_its_own_ends_with_the_code_and_one_message(tmp_path, arguments, code):
    write_spec(tmp_path / "tables.json", Specs(config_of_one_task()).tables())
    command = [sys.executable, "-c", "from sparse_sharing.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()
