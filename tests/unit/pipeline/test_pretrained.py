import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.pretrained import pretrained_digest, pretrained_folder

CORPUS = {
    "name": "text",
    **{split: f"{split}.txt" for split in ("train", "dev", "test")},
    "tasks": [{"name": "pos", "column": 1}],
}
REST = {
    "run": "tiny",
    "data": {"datasets": [{"name": "joint", "corpora": [CORPUS]}]},
    "train": {"systems": [{"name": "single", "sharing": "single"}]},
}


def config_of(root=".", **model):
    return parse_config({**REST, "data_root": str(root), "model": {"encoder": "transformer", **model}})


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of a pretrained model; nothing reads what is in them."""
    for name in ("config.json", "tokenizer.json", "model.safetensors", "README.md"):
        (tmp_path / "model" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_text(name)
    return tmp_path / "model"


def spec_of(config):
    return Specs(config).warmup("joint", 1, "initial")


def test_a_folder_is_found_below_the_data_root(folder):
    assert pretrained_folder(config_of(folder.parent, pretrained="model")) == folder


def test_a_folder_of_an_installed_package_is_found():
    found = pretrained_folder(config_of(pretrained="package:hypothesis/vendor"))
    assert (found / "pretty.py").exists()


@pytest.mark.parametrize("name", ["no_such_package", "os.path", ".."])
def test_a_package_that_is_not_installed_is_refused(name):
    with pytest.raises(ConfigError, match="is not installed"):
        pretrained_folder(config_of(pretrained=f"package:{name}/x"))


def test_the_default_encoder_has_no_folder():
    assert pretrained_folder(parse_config(REST)) is None


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_without_a_model_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(ConfigError, match="is not the folder of a pretrained model"):
        spec_of(config_of(folder.parent, pretrained="model"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_what_is_in_the_folder_is_part_of_the_spec(folder, name):
    before = spec_of(config_of(folder.parent, pretrained="model"))
    (folder / name).write_text("something else")
    assert spec_of(config_of(folder.parent, pretrained="model")) != before


def test_where_the_folder_is_and_what_nobody_reads_are_no_part_of_the_spec(folder, tmp_path):
    before = spec_of(config_of(folder.parent, pretrained="model"))
    (folder / "README.md").write_text("something else")
    (tmp_path / "other").mkdir()
    folder.rename(tmp_path / "other" / "model")
    assert spec_of(config_of(tmp_path, pretrained="other/model")) == before
    assert str(tmp_path) not in before.canonical()


def test_a_digest_in_the_configuration_refuses_other_files(folder):
    digest = pretrained_digest(folder)
    assert spec_of(config_of(folder.parent, pretrained="model", digest=digest)).model.digest == digest
    with pytest.raises(ConfigError, match=f"have digest {digest}, expected {'0' * 16}"):
        spec_of(config_of(folder.parent, pretrained="model", digest="0" * 16))


def test_a_model_on_the_hub_is_named_by_its_commit_and_not_looked_for():
    spec = spec_of(config_of(pretrained="owner/model", revision="a" * 40))
    assert (spec.model.pretrained, spec.model.revision, spec.model.digest) == ("owner/model", "a" * 40, None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pretrained": "package:x/y", "revision": "a" * 40}, "leave it out"),
        ({"pretrained": "owner/model", "revision": "main"}, "revision"),
        ({}, "pretrained: is required"),
        ({"pretrained": "x", "hidden": 3}, "hidden: unknown key"),
        ({"pretrained": "x", "window": 3}, "window: got 3"),
    ],
)
def test_wrong_keys_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        config_of(**values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {**REST["data"], "vectors": "glove.txt"}}, "uses no word vectors"),
        ({"train": {"systems": [{"name": "single", "sharing": "soft"}]}}, "sharing 'soft' is not possible"),
        (
            {"train": {"systems": [{"name": "single", "sharing": "hierarchical", "task_layers": {"pos": 1}}]}},
            "sharing 'hierarchical' is not possible with encoder 'transformer'",
        ),
        (
            {"train": {"systems": [{"name": "single", "sharing": "single", "layers": 2}]}},
            "has the layers of its pretrained model",
        ),
    ],
)
def test_what_a_transformer_cannot_do_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        parse_config({**REST, **change, "model": {"encoder": "transformer", "pretrained": "x"}})
