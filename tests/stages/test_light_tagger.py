"""The light distribution: built of the same sources, it tags with numpy and onnxruntime only."""

import json
import shutil
import subprocess
import sys
import zipfile

import pytest
import tiny
import tiny_transformers
from packages import build_wheel

from sparse_sharing.pipeline import layout
from sparse_sharing.tagging import export
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.text.encoded import encode_text

TEXT = "Bob Lee left Berlin. Ann didn't.\n"
FULL_ONLY = ("sparse_sharing", "torch", "transformers", "pandas", "snakemake", "scipy", "vl_convert", "seqeval")
BLOCKED = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {FULL_ONLY!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    """The wheel of the light distribution, built from a copy of the repository's sources."""
    copy = tmp_path_factory.mktemp("repository")
    shutil.copytree(repository / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    folder = copy / "distributions" / "tagger"
    shutil.copytree(
        repository / "distributions" / "tagger",
        folder,
        ignore=shutil.ignore_patterns("generated", "build", "*.egg-info"),
    )
    return build_wheel(folder, copy)


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory):
    """A function that runs Python code with the light distribution, where the packages of the full one are missing."""
    folder = tmp_path_factory.mktemp("light")
    zipfile.ZipFile(wheel).extractall(folder)

    def run(code, *arguments, check=True):
        prepared = f"{BLOCKED}\nsys.path.insert(0, {str(folder)!r})\n{code}"
        command = [sys.executable, "-c", prepared, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, input=TEXT)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    """The sparse model of the tiny run with all tasks in one ONNX file."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    export.run(finished.path(layout.MODEL, system="sparse", model="shared"), None, None, folder, True, "cpu")
    return folder


PROGRAM = "from sparse_sharing_tagger.cli.light import main\nmain()"


def test_no_file_belongs_to_both_distributions(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"sparse_sharing_tagger"}
    (scripts,) = (name for name in names if name.endswith("entry_points.txt"))
    text = zipfile.ZipFile(wheel).read(scripts).decode()
    assert text.strip() == "[console_scripts]\nsparse-sharing-tagger = sparse_sharing_tagger.cli.light:main"


def test_the_light_program_gives_the_tags_of_torch(finished, exported, light):
    done = light(PROGRAM, "tag", exported, "--output", "jsonl")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    model = finished.path(layout.MODEL, system="sparse", model="shared")
    expected = Tagger.load(model).document(TEXT)
    assert [one["tags"] for one in found] == [one.tags for one in expected]
    assert [[token["text"] for token in one["tokens"]] for one in found] == [list(one.words) for one in expected]


def test_the_light_tagger_is_imported_under_its_own_name(exported, light):
    code = "from sparse_sharing_tagger import OnnxTagger\nprint(OnnxTagger.load(sys.argv[1]).tasks)"
    assert light(code, exported).stdout.strip() == "['chunk', 'ner', 'pos']"


@pytest.fixture(scope="module")
def transformer(tmp_path_factory):
    """A tiny transformer that was exported, and its network in torch."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("transformer")
    section = tiny_transformers.section(tiny_transformers.save(folder / "pretrained", num_hidden_layers=1))
    network = tiny.initialised(section)
    tiny_transformers.export_onnx(network, folder / "onnx")
    return network, folder / "onnx"


def test_a_transformer_is_tagged_with_the_tokenizers_package_only(transformer, light):
    network, folder = transformer
    done = light(PROGRAM, "tag", folder, "--output", "jsonl")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    words = [[token["text"] for token in one["tokens"]] for one in found]
    assert len(words) == 2
    text = encode_text([(sentence, {}) for sentence in words], network.vocabulary, [], {}, 0)
    names = network.vocabulary.tasks["pos"].tags
    expected = text.by_sentence([names[tag] for tag in network.predict("pos", text)])
    assert [one["tags"]["pos"] for one in found] == expected


def test_a_missing_package_for_transformers_is_named(transformer, light):
    code = f"sys.modules['tokenizers'] = None\n{PROGRAM}"
    done = light(code, "tag", transformer[1], check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "error: tokenizers is not installed; pip install tokenizers"


def test_a_model_that_needs_torch_is_refused_with_the_command_that_exports_it(finished, light):
    model = finished.path(layout.MODEL, system="sparse", model="shared")
    done = light(PROGRAM, "tag", model, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {model}: has no network.onnx, and models without one need ")
    assert "sparse-sharing export" in done.stderr
    assert "Traceback" not in done.stderr
