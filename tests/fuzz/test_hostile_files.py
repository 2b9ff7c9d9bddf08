"""Whatever a file holds: a result or a UserError that says what is wrong, in bounded time and memory."""

import copy
import gzip
import json
import struct
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sparse_sharing.config import load_config, parse_config
from sparse_sharing.errors import ArtifactError, ConfigError, DataError, UserError
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.storage.artifacts import load_json, load_tensors, save_json, save_tensors
from sparse_sharing.text.readers.columns import LONGEST_SENTENCE, Column, read_sentences
from sparse_sharing.text.readers.conll2012 import read_documents
from sparse_sharing.text.readers.conllu import Layer, read_conllu

SPEC = EvaluateSpec(data="d" * 16, model="m" * 16, dataset="joint", system="hard", seed=1, batch_size=7)
COLUMNS = [Column("ner", 1, "iob2")]
MEGABYTE = 1_000_000

repeated = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@contextmanager
def bounded(megabytes: float, seconds: float) -> Iterator[None]:
    """Fail where the block takes more memory, or far more processor time."""
    started = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE
    assert time.process_time() - started < seconds


# Configurations.

BAD_NAMES = ["../up", "a/b", "..", ".", "", "a\nb", "a\x1b[31m", "a b", "$(date)", "a" * 300, "-n"]

YAML_WORDS = st.sampled_from(
    [
        "run",
        "data",
        "datasets",
        "corpora",
        "name",
        "tasks",
        "seeds",
        "model",
        "train",
        "systems",
        "prune",
        "select",
        "choices",
        "&a",
        "*a",
        "<<:",
        "[",
        "]",
        "{",
        "}",
        "-",
        ":",
        "?",
        "|",
        ">",
        "!",
        "!!python/object/apply:os.system",
        "[echo]",
        "null",
        ".inf",
        "-.nan",
        "1e999",
        "../..",
        "\x07",
        "\u202e",
        "1",
        "true",
    ]
)
YAML_TEXTS = st.lists(st.tuples(YAML_WORDS, st.sampled_from(["", " ", "\n", "\n  ", ": ", ", "]))).map(
    lambda parts: "".join(word + space for word, space in parts)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@repeated
@given(text=st.text() | YAML_TEXTS)
def test_a_configuration_of_any_text_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)


@pytest.fixture(scope="module")
def default_values(repository) -> dict:
    """The values of the default run."""
    return yaml.safe_load((repository / "config.yaml").read_text())


@repeated
@given(st.data())
def test_any_value_at_any_key_is_accepted_or_refused(default_values, data):
    values = copy.deepcopy(default_values)
    section = values
    while True:
        key = data.draw(st.sampled_from(sorted(section) if isinstance(section, dict) else range(len(section))))
        below = section[key]
        if not (isinstance(below, dict | list) and below) or data.draw(st.booleans()):
            break
        section = below
    section[key] = data.draw(VALUES)
    try:
        parse_config(values)
    except ConfigError as error:
        assert str(error).startswith("config: ")


def bomb(levels: int) -> str:
    """A list of lists ... of ten to the power of `levels` words."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("key", ["seeds", "run", "a9"])
def test_a_bomb_of_aliases_is_refused_before_it_goes_off(tmp_path, key):
    path = tmp_path / "config.yaml"
    path.write_text(bomb(9) + f"\n{key}: *a8\n")
    with bounded(megabytes=20, seconds=5), pytest.raises(ConfigError, match="aliases"):
        load_config(path)


@pytest.mark.parametrize("text", ["seeds: &a [*a]", "data: &a {datasets: *a}", "seeds: " + "[" * 50_000, "{" * 9_999])
def test_endless_nesting_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)
    assert time.process_time() - started < 30


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("place", ["run", "dataset", "corpus", "task", "system", "choice"])
def test_names_cannot_lead_out_of_their_folder(default_values, place, name):
    values = copy.deepcopy(default_values)
    dataset = values["data"]["datasets"][0]
    holder, key = {
        "run": (values, "run"),
        "dataset": (dataset, "name"),
        "corpus": (dataset["corpora"][0], "name"),
        "task": (dataset["corpora"][0]["tasks"][0], "name"),
        "system": (values["train"]["systems"][0], "name"),
        "choice": (values["select"]["choices"][0], "name"),
    }[place]
    holder[key] = name
    with pytest.raises(ConfigError) as refused:
        parse_config(values)
    assert "\x1b" not in str(refused.value)


# Artifacts.


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> dict[str, bytes]:
    """A file of each of the two forms."""
    folder = tmp_path_factory.mktemp("artifacts")
    save_tensors(folder / "tensors", "masks", SPEC, {"mask": np.arange(40, dtype=np.uint8)}, {"shapes": [["w", [4]]]})
    save_json(folder / "json", "masks", SPEC, {"shapes": [["w", [4]]]})
    return {name: (folder / name).read_bytes() for name in ("tensors", "json")}


LOADERS = {"tensors": load_tensors, "json": load_json}


@repeated
@given(st.data())
@pytest.mark.parametrize("form", LOADERS)
def test_a_damaged_artifact_is_refused_with_its_name(tmp_path, artifacts, form, data):
    content = bytearray(artifacts[form])
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start, min(len(content), start + 16)))
    content[start:end] = data.draw(st.binary(max_size=16))
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        loaded = LOADERS[form](path, "masks")
    except ArtifactError as error:
        assert str(path) in str(error)
    else:
        # White space between the values of JSON, or a change to the same.
        path.write_bytes(artifacts[form])
        assert loaded.digest == LOADERS[form](path, "masks").digest


@repeated
@given(content=st.binary(max_size=200) | VALUES.map(json.dumps).map(str.encode))
@pytest.mark.parametrize("form", LOADERS)
def test_a_foreign_file_is_refused_with_its_name(tmp_path, form, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="file"):
        LOADERS[form](path, "masks")


def with_header(header: bytes, length: int | None = None) -> bytes:
    """A safetensors file without data."""
    return struct.pack("<Q", len(header) if length is None else length) + header


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        with_header(b"{}", 2**63),
        with_header(b"{}", 100_000_000),
        with_header(b"[" * 50_000),
        with_header(json.dumps({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 0]}}).encode()),
        with_header(json.dumps({"a": {"dtype": "F32", "shape": [2**34], "data_offsets": [0, 2**36]}}).encode()),
        with_header(json.dumps({"__metadata__": {"spec": "[" * 50_000, "details": "{}"}}).encode()),
        with_header(json.dumps({"__metadata__": {"spec": "9" * 9_999, "details": "{}"}}).encode()),
        with_header(json.dumps({"__metadata__": {"spec": "[]", "details": "7"}}).encode()),
    ],
)
def test_an_absurd_header_costs_nothing(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with bounded(megabytes=20, seconds=5), pytest.raises(ArtifactError, match="file"):
        load_tensors(path, "masks")


# Texts.


@repeated
@given(content=st.binary() | st.text(alphabet="a \t\nBIO-X\r\u2028\x85\x00\x1b").map(str.encode), packed=st.booleans())
@example(content="word\tI-\x80".encode(), packed=False)
@example(content=f"word\tI-{'x' * 9_999}".encode(), packed=False)
def test_any_text_is_read_or_refused(tmp_path, content, packed):
    path = tmp_path / "text"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    try:
        for sentence in read_sentences(path, COLUMNS):
            assert len(sentence.words) == len(sentence.tags[0]) > 0
    except UserError as error:
        assert str(path) in str(error)
        assert str(error).isprintable()
        assert len(str(error)) < 1_000


CONLLU_LINE = "{}\tword\t_\tX" + 6 * "\t_" + "\n"
CONLL2012_LINE = "d 0 0 word X" + 6 * " -" + "\n"
READERS = {
    "columns": (lambda path: read_sentences(path, COLUMNS), "", "word O\n"),
    "conllu": (lambda path: read_conllu(path, [Layer("pos", "upos", "none")]), "", CONLLU_LINE),
    "conll2012": (lambda path: read_documents([path], ["pos"]), "#begin document (d); part 0\n", CONLL2012_LINE),
}
"""How a text of each form is read, how it begins, and a line of it."""


def first_error(path: Path, form: str = "columns") -> str:
    """What reading a text to the end says."""
    with pytest.raises(DataError) as refused:
        for _ in READERS[form][0](path):
            pass
    return str(refused.value)


def test_a_line_without_end_is_given_up_early(tmp_path):
    path = tmp_path / "text"
    with path.open("wb") as stream:
        stream.truncate(1_000 * MEGABYTE)
    with bounded(megabytes=10, seconds=5):
        assert "line 1" in first_error(path)


@pytest.mark.parametrize("form", READERS)
def test_a_sentence_without_end_is_given_up_early(tmp_path, form):
    path, (_, head, line) = tmp_path / "text", READERS[form]
    with path.open("w") as stream:
        stream.write(head)
        stream.writelines(line.format(number) for number in range(1, 2 * LONGEST_SENTENCE))
    with bounded(megabytes=300, seconds=60):
        assert "blank line" in first_error(path, form)


def test_a_compressed_text_that_grows_without_end_is_given_up(tmp_path):
    path = tmp_path / "text.gz"
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as stream:
        line = b"w" * 999_990 + b" O\n\n"
        for _ in range(120):
            stream.write(line)
    assert path.stat().st_size < MEGABYTE
    with bounded(megabytes=20, seconds=30):
        assert "times its compressed size" in first_error(path)
