"""The file of a spec: readable, written once, mended, and refused with what to do."""

import json
import re

import pytest

from sparse_sharing.config import load_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.specs import DemoSpec, PrepareSpec, WarmupSpec
from sparse_sharing.storage.spec_files import read_spec, spec_text, write_spec


@pytest.fixture
def spec(repository):
    """A spec of the default run."""
    return Specs(load_config(repository / "config.yaml")).prepare("joint")


def test_a_file_holds_the_whole_spec_a_key_a_line(spec, tmp_path):
    path = tmp_path / "specs" / "prepare.json"
    write_spec(path, spec)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '  "lowercase": true,' in lines
    assert max(map(len, lines)) < 80
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(spec.canonical())
    assert read_spec(path, PrepareSpec) == spec
    assert read_spec(path, PrepareSpec).digest() == spec.digest()


def test_specs_of_one_digest_have_one_text(spec):
    other = PrepareSpec.model_validate(dict(reversed(spec.model_dump().items())))
    assert (other.digest(), spec_text(other)) == (spec.digest(), spec_text(spec))


def test_a_file_that_is_there_is_not_written_again(spec, tmp_path):
    path = tmp_path / "prepare.json"
    write_spec(path, spec)
    before = path.stat()
    write_spec(path, spec)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"lowercase": false}'])
def test_a_file_that_was_changed_is_mended(spec, tmp_path, content):
    path = tmp_path / "prepare.json"
    path.write_bytes(content)
    write_spec(path, spec)
    assert path.read_text(encoding="utf-8") == spec_text(spec)
    assert [file.name for file in tmp_path.iterdir()] == ["prepare.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "(Invalid JSON"),
        ("{", "(Invalid JSON"),
        ("[1]", "(Input should be an object"),
        ('{"grammar": 1, "size": 3}', "(size: Input should be"),
        ('{"grammar": 1, "sice": {}}', "(size: Field required)"),
        ('{"grammar": 1, "size": {"train": 1}}', "(size: train: Input should be"),
    ],
)
def test_a_broken_file_is_refused_with_its_fault(tmp_path, content, message):
    path = tmp_path / "demo.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{path}: is not a spec of this stage {message}')}") as caught:
        read_spec(path, DemoSpec)
    assert "written again when the workflow runs its job" in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_spec_of_another_stage_is_refused(spec, tmp_path):
    write_spec(tmp_path / "prepare.json", spec)
    with pytest.raises(ConfigError, match="is not a spec of this stage"):
        read_spec(tmp_path / "prepare.json", WarmupSpec)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere.json", "No such file or directory"), ("x" * 5000, "File name too long"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_read_is_refused_with_where_one_comes_from(tmp_path, name, reason):
    with pytest.raises(ConfigError, match=rf"^--spec: .* cannot be read \({reason}\); expected a JSON file") as caught:
        read_spec(tmp_path / name, DemoSpec)
    assert "`sparse-sharing spec STAGE > FILE`" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "demo.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read \\(not UTF-8 text\\)"):
        read_spec(tmp_path / "demo.json", DemoSpec)
