"""The commands for trained models: input, output, streaming, and one message for an error."""

import http.client
import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from sparse_sharing import cli
from sparse_sharing.pipeline import layout
from sparse_sharing.tagging import export
from sparse_sharing.tagging.tagger import Tagger

COMMAND = [sys.executable, "-c", "from sparse_sharing.cli import main; main()"]
WAIT = 120
BLOCK = "".join(f"w{number} X\n" for number in range(19)) + "\n"
MEGABYTE = 1024
"""In the unit of ru_maxrss."""


@pytest.fixture(scope="module")
def model(finished):
    return finished.path(layout.MODEL, system="sparse", model="shared")


@pytest.fixture(scope="module")
def tagger(model):
    return Tagger.load(model)


@pytest.fixture
def call(monkeypatch, capsys):
    """A function that runs the program in this process and gives its exit code, its output and its errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sparse-sharing", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return left.value.code or 0, shown.out, shown.err

    return run


@pytest.fixture
def tag(call, model, tmp_path):
    """A function that tags a text in a file with the command."""

    def run(text, *options):
        (tmp_path / "text").write_text(text, encoding="utf-8")
        return call("tag", model, tmp_path / "text", *options)

    return run


def test_columns_are_written_line_by_line_followed_by_the_tags(finished, model, tag):
    text = "-DOCSTART- -X- O O\n\n" + (finished.folder / "test.txt").read_text(encoding="utf-8")
    done = subprocess.run([*COMMAND, "tag", str(model)], input=text.encode(), capture_output=True, timeout=WAIT)
    assert done.returncode == 0
    assert done.stderr.endswith(b"standard input is read as columns (--input says otherwise); tasks: chunk, ner, pos\n")
    read, found = text.split("\n"), done.stdout.decode().split("\n")
    folder = finished.path(layout.EVALUATION, system="sparse", model="shared") / "predictions"
    predicted = [(folder / f"{task}.txt").read_text().split("\n") for task in ("chunk", "ner", "pos")]
    assert found[:2] == read[:2]
    assert len(read) == len(found)
    for line, tagged, *rows in zip(read[2:], found[2:], *predicted, strict=False):
        assert tagged == (" ".join([line, *(row.split(" ")[2] for row in rows)]) if line else "")
    assert tag(text)[:2] == (0, done.stdout.decode())


def test_json_lines_go_in_and_come_out_and_as_columns_words_with_spaces_are_one_field(tag):
    code, output, _ = tag('{"tokens": ["Ann", "New York"]}\n{"text": "Bob left."}\n', "--tasks", "pos")
    assert code == 0
    tokens = [[token["text"] for token in json.loads(line)["tokens"]] for line in output.splitlines()]
    assert tokens == [["Ann", "New York"], ["Bob", "left", "."]]
    code, output, _ = tag('{"tokens": ["Ann", "New\\tYork"]}\n', "--tasks", "pos", "--output", "columns")
    assert code == 0
    assert [line.split(" ")[0] for line in output.splitlines()] == ["Ann", "New\u00a0York", ""]


def test_raw_text_and_tokens_are_tagged_as_in_python(tag, tagger):
    code, output, _ = tag("Bob left. Ann didn't.", "--tasks", "pos,ner", "--output", "jsonl")
    assert code == 0
    lines = [json.loads(line) for line in output.splitlines()]
    for line, text in zip(lines, ["Bob left .", "Ann did n't ."], strict=True):
        tagged = tagger(text.split(" "), ["pos", "ner"])
        assert [token["text"] for token in line["tokens"]] == text.split(" ")
        assert all(line["text"][t["start_char"] : t["end_char"]] == t["text"] for t in line["tokens"])
        assert line["tags"] == tagged.tags
        assert list(line["tags"]) == ["pos", "ner"]
    _, output, _ = tag("U.S.A. don't\n", "--input", "tokens", "--tasks", "pos")
    assert [line.split(" ")[0] for line in output.splitlines()] == ["U.S.A.", "don't", ""]


def test_probabilities_and_the_column_of_the_words_can_be_asked_for(tag, tagger):
    options = ["--input", "columns", "--word-column", "1", "--tasks", "pos", "--probabilities", "--batch-size", "1"]
    code, output, _ = tag("1\tBob\n2\tleft\n", *options)
    tagged = tagger(["Bob", "left"], ["pos"], probabilities=True)
    rows = zip(["1\tBob", "2\tleft"], tagged.tags["pos"], tagged.probabilities["pos"], strict=True)
    assert code == 0
    assert output == "".join(f"{line}\t{tag}\t{value:.4f}\n" for line, tag, value in rows)


def test_a_sentence_is_answered_before_the_next_is_written(model):
    command = [*COMMAND, "tag", str(model), "--tasks", "pos", "--output", "jsonl"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        for text in (b"Bob left.\n", b"Ann saw it.\n"):
            process.stdin.write(text)
            assert json.loads(process.stdout.readline())["tokens"][0]["text"] == text.split()[0].decode()
        process.stdin.close()
        assert process.wait(WAIT) == 0


def test_a_reader_that_leaves_ends_the_program_without_a_word(model):
    command = [*COMMAND, "tag", str(model), "--input", "columns"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        feeder = subprocess.Popen(
            [sys.executable, "-c", f"import sys\nfor _ in range(3000): sys.stdout.write({BLOCK!r})"],
            stdout=process.stdin,
            stderr=subprocess.DEVNULL,
        )
        process.stdin.close()
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(WAIT) != 0
        feeder.wait(WAIT)
    assert errors == b""


def test_on_a_terminal_tags_are_coloured_and_no_word_steers_it(model):
    ours, theirs = pty.openpty()
    command = [*COMMAND, "tag", str(model), "--tasks", "pos"]
    text = b"Bob \x1b]0;title\x07 left\n"
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(theirs)
    process.stdin.write(text)
    process.stdin.close()
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:
        pass  # What a closed terminal answers on Linux.
    os.close(ours)
    assert process.wait(WAIT) == 0
    assert b"\\u001b" in shown and b"\\u0007" in shown
    assert b"\x1b]0" not in shown and b"\x07" not in shown
    assert b"\x1b[" in shown and b"pos" in shown


@pytest.mark.slow
def test_input_of_any_size_is_tagged_in_the_same_memory(model):
    few, many = (peak_of(model, blocks) for blocks in (100, 10_000))
    assert many - few < 40 * MEGABYTE


def peak_of(model, blocks):
    """The peak memory of tagging a number of sentences of 20 lines."""
    command = [*COMMAND, "tag", str(model), "--input", "columns", "--tasks", "pos"]
    feeder = subprocess.Popen(
        [sys.executable, "-c", f"import sys\nfor _ in range({blocks}): sys.stdout.write({BLOCK!r})"],
        stdout=subprocess.PIPE,
    )
    process = subprocess.Popen(command, stdin=feeder.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    feeder.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, feeder.wait(WAIT)) == (0, 0)
    return usage.ru_maxrss


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--tasks", "srl"], 2, "the model has no task 'srl'; its tasks are chunk, ner, pos"),
        (["--input", "columns", "--word-column", "3"], 3, "text, line 1: found 2 columns"),
        (["--vectors", "nowhere.txt"], 2, "the model was trained without word vectors"),
        (["--input", "html"], 2, "'html' is not one of"),
    ],
)
def test_an_error_is_one_message_and_an_exit_code(tag, options, code, message):
    found, output, errors = tag("a b\n", *options)
    assert (found, output) == (code, "")
    assert message in errors


CONLLU = """# text = Bob left Oslo
1-2\tBobleft\t_\t_\t_\t_\t_\t_\t_\t_
1\tBob\t_\t_\t_\t_\t0\troot\t_\t_
2\tleft\t_\t_\t_\t_\t0\troot\t_\tGloss=x
2.1\tgone\t_\t_\t_\t_\t_\t_\t_\t_
3\tOslo\t_\t_\t_\t_\t0\troot\t_\t_

"""


@pytest.mark.parametrize("options", [(), ("--input", "conllu")])
def test_conllu_comes_out_as_conllu(tag, tagger, options):
    code, output, _ = tag(CONLLU, "--tasks", "pos", *options)
    tags = tagger(["Bob", "left", "Oslo"]).tags["pos"]
    expected = CONLLU.split("\n")
    for line, found, misc in ((2, tags[0], ""), (3, tags[1], "Gloss=x|"), (5, tags[2], "")):
        start = expected[line].rpartition("\t")[0]
        expected[line] = f"{start}\t{misc}pos={found}"
    assert (code, output) == (0, "\n".join(expected))


@pytest.mark.parametrize(
    "lines", [["Анна приехала вчера", "Борис остался дома"], ["Ann came in 1998", "Bob came in 1999"]]
)
def test_text_of_any_script_is_tagged_as_text(tag, lines):
    code, output, _ = tag("\n".join(lines), "--tasks", "pos")
    assert code == 0
    assert [line.split(" ")[0] for line in output.splitlines()] == [
        word for line in lines for word in [*line.split(), ""]
    ]


def test_where_lines_could_be_columns_or_text_the_command_asks(tag):
    code, output, errors = tag("1\tBob visited Paris.\n2\tAnn left.\n")
    assert (code, output) == (2, "")
    assert "could be columns or text" in errors and "--input" in errors


def test_a_cell_may_hold_a_space_and_an_empty_one_is_refused(tag, tagger):
    code, output, _ = tag("New York\tX\nis\tX\n", "--input", "columns", "--tasks", "pos")
    tags = tagger(["New\u00a0York", "is"]).tags["pos"]
    assert (code, output) == (0, f"New York\tX\t{tags[0]}\nis\tX\t{tags[1]}\n")
    code, output, errors = tag("\tX\nis\tX\n", "--input", "columns")
    assert (code, output) == (3, "")
    assert "text, line 1: found nothing in column 0" in errors


def test_entities_are_lists_for_one_task_with_spans(tag, tagger):
    code, output, _ = tag("Bob left. Ann left.", "--tasks", "chunk", "--output", "huggingface")
    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [[entity["word"] for entity in line] for line in lines] == [
        [span.text for span in tagger(text).spans["chunk"]] for text in ("Bob left.", "Ann left.")
    ]
    assert tag("Bob left.", "--tasks", "pos", "--output", "huggingface")[0] == 2


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The folder of the model exported with all tasks in one ONNX file."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    export.run(model, None, None, folder, True, "cpu")
    return folder


@pytest.mark.parametrize("output", ["columns", "jsonl"])
def test_an_exported_network_gives_the_output_of_its_model(call, finished, model, exported, output):
    text = finished.folder / "test.txt"
    options = ["--output", output, "--tasks", "chunk,pos"]
    found, expected = (call("tag", folder, text, *options)[:2] for folder in (exported, model))
    assert found[0] == 0
    assert rounded(found[1]) == rounded(expected[1])


def rounded(text):
    """Text without the scores, which rounding changes."""
    return re.sub(r"\"score\": [0-9.]+", "", text)


def test_an_exported_network_is_run_without_torch(exported):
    code = (
        "import sys; from sparse_sharing.cli import main\n"
        "try: main()\n"
        "finally: sys.stderr.write(' '.join(name for name in HEAVY if name in sys.modules))"
    ).replace("HEAVY", "('torch', 'pandas', 'vl_convert', 'snakemake', 'scipy')")
    command = [sys.executable, "-c", code, "tag", str(exported), "--tasks", "pos"]
    done = subprocess.run(command, input=b"Bob left.", capture_output=True, timeout=WAIT)
    assert done.returncode == 0
    assert done.stdout.startswith(b"Bob ")
    assert done.stderr.endswith(b"tasks: pos\n")


def test_serve_answers_on_this_machine_only_until_it_is_stopped(exported):
    pytest.importorskip("uvicorn")
    command = [*COMMAND, "serve", str(exported), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            running = next(line for line in process.stderr if "running on" in line)
            host, port = re.search(r"http://([0-9.]+):(\d+)", running).groups()
            connection = http.client.HTTPConnection(host, int(port), timeout=WAIT)
            connection.request("POST", "/tag", json.dumps({"text": "Bob left. Ann left."}))
            sentences = json.loads(connection.getresponse().read())["sentences"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(WAIT)
    assert host == "127.0.0.1"
    assert [sentence["text"] for sentence in sentences] == ["Bob left.", "Ann left."]


def test_serve_says_what_is_missing(call, exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, errors = call("serve", exported)
    assert (code, "serve needs uvicorn; pip install starlette uvicorn" in errors) == (2, True)


def test_a_run_means_its_best_model_and_a_wrong_path_lists_the_models(call, finished, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "text").write_text("Bob left.")
    run = finished.folder / "results" / "tiny"
    code, output, _ = call("tag", run, tmp_path / "text", "--tasks", "pos")
    assert (code, bool(output)) == (0, True)
    assert "the best of" in caplog.text
    code, output, errors = call("tag", run / "joint" / "seed1" / "train" / "spars" / "shared", tmp_path / "text")
    assert (code, output) == (4, "")
    assert f"\n  {run / 'joint' / 'seed1' / 'train' / 'sparse' / 'shared'}" in errors


def test_a_missing_text_ends_with_3_and_a_damaged_model_with_4(call, pipeline):
    folder = pipeline.path(layout.MODEL, system="sparse", model="shared")
    code, _, errors = call("tag", folder, "nowhere.txt")
    assert (code, "nowhere.txt: there is no such file" in errors) == (3, True)
    (folder / "model.safetensors").write_bytes(b"not a model")
    for arguments in (["tag", folder], ["size", folder], ["export", folder, "--task", "ner", "--output", folder / "x"]):
        code, output, errors = call(*arguments)
        assert (code, output) == (4, "")
        assert errors.startswith(
            f"error: {folder / 'model.safetensors'}: is damaged or was not written by sparse-sharing"
        )


@pytest.mark.parametrize("kind", ["auto", "raw", "tokens", "columns", "conllu"])
def test_empty_input_gives_empty_output(tag, kind):
    assert tag("", "--input", kind)[:2] == (0, "")


def test_export_and_size_by_command(call, finished, model, tmp_path):
    code, output, _ = call("export", model, "--task", "pos", "--output", tmp_path / "pos")
    assert (code, output) == (0, "")
    text = finished.folder / "test.txt"
    assert call("tag", tmp_path / "pos", text)[:2] == call("tag", model, text, "--tasks", "pos")[:2]
    code, output, _ = call("size", tmp_path / "pos")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines()[1:]}
    assert rows["file"] == [f"{(tmp_path / 'pos' / 'model.safetensors').stat().st_size:,}"]
    assert set(rows) == {"weights", "masks", "shared", "heads", "total", "file"}
