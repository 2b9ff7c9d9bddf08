"""Loading a configuration: every mistake is one line that says where it is, what stands there and what may."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.config import from_folder, load_config, parse_config
from sparse_sharing.errors import ConfigError

SECTIONS = ["", "data.", "data.datasets.0.", "data.datasets.0.corpora.0.", "data.datasets.0.corpora.0.tasks.2."]
SECTIONS += ["data.demo.", "model.", "warmup.", "prune.", "select.", "select.choices.0.", "train.systems.1.", "tables."]


def lines_of(values):
    """The lines of the message that the values raise, after the first, which counts them."""
    with pytest.raises(ConfigError) as caught:
        parse_config(values, source="my.yaml")
    first, *lines = str(caught.value).split("\n")
    assert first == f"my.yaml: {len(lines)} error{'s' if len(lines) > 1 else ''}"
    return lines


def load_text(tmp_path, text):
    """The configuration in a file with this text."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def refusal(tmp_path, text):
    """The message for a file with this text."""
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    return str(caught.value)


CHOICE = "select.choices.0.target_density"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("model.hiden", 6, "model.hiden: unknown key; did you mean 'hidden'?"),
        ("model.features", {"sufix": 3}, "model.features.sufix: unknown key; did you mean 'suffix'?"),
        ("modle", {}, "modle: unknown key; did you mean 'model'?"),
        ("train.systems.1.shring", "hard", "train.systems[1].shring: unknown key; did you mean 'sharing'?"),
        ("tables.x", 1, "tables.x: unknown key; known keys: baseline"),
        ("data.demo.zzz", 1, "data.demo.zzz: unknown key; known keys: train, dev, test, seed"),
        ("train.optimizer", "adm", "train.optimizer: got 'adm'; allowed: 'sgd' or 'adam'; did you mean 'adam'?"),
        ("device", "tpu", "device: got 'tpu'; allowed: 'auto', 'cpu' or 'cuda'; did you mean 'cpu'?"),
        ("device", 7, "device: got 7; allowed: 'auto', 'cpu' or 'cuda'"),
        ("model.hidden", 0, "model.hidden: got 0; input should be greater than or equal to 1"),
        ("model.hidden", 2.5, "model.hidden: got 2.5; input should be a valid integer, got a number with a fractional"),
        ("model", None, "model: got None; expected a section with keys"),
        ("data.datasets.1", "pair", "data.datasets[1]: got 'pair'; expected a section with keys"),
        ("seeds.1", "two", "seeds[1]: got 'two'; input should be a valid integer"),
        ("model.head", "crff", "model.head: got 'crff'; allowed: 'linear' or 'crf'; did you mean 'crf'?"),
        ("model.head", 7, "model.head: got 7; allowed: 'linear' or 'crf'"),
        ("model.head", {"ner": "cfr"}, "model.head.ner: got 'cfr'; allowed: 'linear' or 'crf'; did you mean 'crf'?"),
        ("model.head", {"nre": "crf"}, "model.head: there is no task 'nre'; known: pos, chunk, ner"),
        ("run", "../up", "run: got '../up'; allowed: letters, digits, '-' and '_', beginning with a letter or digit"),
        (CHOICE, 7, "select.choices[0].target_density: got 7; input should be less than or equal to 1"),
        (CHOICE, [0.5], "select.choices[0].target_density: got [0.5]; input should be a valid number"),
        (CHOICE, {"pos": 7}, "select.choices[0].target_density.pos: got 7; input should be less than or equal to 1"),
        (CHOICE, {"a/b": 0.5}, "select.choices[0].target_density.a/b: got 'a/b'; allowed: letters, digits"),
    ],
)
def test_a_wrong_key_is_one_line_with_its_path_its_value_and_what_is_allowed(changed, path, value, line):
    (found,) = lines_of(changed(path, value))
    assert found.startswith(f"  {line}")


@pytest.mark.parametrize("path", ["run", "data", "data.datasets.0.name", "train.systems.0.sharing"])
def test_a_missing_key_is_named(changed, path):
    values = changed()
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    section = values
    for part in parents:
        section = section[part]
    del section[last]
    shown = path.replace(".0.", "[0].")
    assert f"  {shown}: is required" in lines_of(values)


def test_all_mistakes_are_reported_at_once(changed):
    values = changed("model.hiden", 6)
    values["train"]["optimizer"] = "adm"
    values["seeds"] = ["x", -1]
    assert [line.split(":")[0].strip() for line in lines_of(values)] == [
        "seeds[0]",
        "seeds[1]",
        "model.hiden",
        "train.optimizer",
    ]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(SECTIONS), st.text(min_size=1).filter(lambda key: not key.isdigit()))
def test_any_key_that_a_section_does_not_know_is_one_line(changed, section, key):
    values = changed(section + "placeholder", 1)
    parent = values
    for part in section.split(".")[:-1]:
        parent = parent[int(part) if part.isdigit() else part]
    parent[f"{key}!"] = parent.pop("placeholder")
    (line,) = lines_of(values)
    assert "unknown key" in line


@pytest.mark.parametrize("key", ["int", "float", "str", "a[0]", "dict[x]", "constrained-int", "[key]", 1, True, None])
def test_keys_that_look_like_types_or_are_no_text_are_refused_like_any_other(changed, key):
    for value in (3, {}, {"x": 1}):
        values = changed()
        values[key] = value
        (line,) = lines_of(values)
        assert str(key) in line


def test_no_message_speaks_of_the_library_that_checks(changed):
    shapes = [None, 3, "x", [], {}, [3], {"x": 1}, float("nan"), True, "x" * 500]
    for section in SECTIONS:
        for key in ("name", "rule", "train", "rounds", "epochs", "choices", "datasets", "tasks", "model"):
            for value in shapes:
                try:
                    parse_config(changed(section + key, value))
                except ConfigError as error:
                    message = str(error)
                    assert not any(
                        word in message for word in ("pydantic", "http", "instance of", "constrained", "[key]")
                    )
                    assert all(len(line) < 300 for line in message.split("\n"))


def test_a_number_with_an_exponent_and_no_point_is_a_number(changed, tmp_path):
    text = yaml.safe_dump(changed()) + "warmup: {learning_rate: 1e-3}\n"
    assert yaml.safe_load(text)["warmup"]["learning_rate"] == "1e-3"
    assert load_text(tmp_path, text).warmup.learning_rate == 0.001


def test_a_loaded_file_is_the_same_as_its_values(changed, tmp_path):
    assert load_text(tmp_path, yaml.safe_dump(changed())) == parse_config(from_folder(changed(), tmp_path))


@pytest.mark.parametrize(
    ("stated", "expected"), [("data", "project/data"), (".", "project"), ("../texts", "texts"), ("/data", "/data")]
)
def test_a_relative_data_root_starts_at_the_folder_of_the_configuration(
    changed, tmp_path, monkeypatch, stated, expected
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "project" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(changed("data_root", stated)))
    assert load_config(path).data_root == expected
    assert load_config(path.relative_to(tmp_path)).data_root == expected
    assert load_config(path, data_root="own").data_root == "own"
    monkeypatch.chdir(path.parent)
    assert load_config(path).data_root == stated


def test_overrides_replace_top_level_keys(changed, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(changed()), encoding="utf-8")
    assert load_config(path, run="other", data_root="/data").run == "other"
    assert load_config(path).run == "small"


def test_a_file_may_begin_with_a_byte_order_mark_and_have_windows_line_ends(changed, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(changed()).replace("\n", "\r\n").encode())
    assert load_config(path) == parse_config(from_folder(changed(), tmp_path))


def test_merge_keys_supply_what_is_not_overridden(changed, tmp_path):
    anchor = "warmup: &optimization {optimizer: adam, epochs: 7, batch_size: 3}\n"
    text = anchor + yaml.safe_dump(changed()).replace("prune:\n", "prune:\n  <<: *optimization\n  epochs: 9\n")
    config = load_text(tmp_path, text)
    assert (config.warmup.epochs, config.warmup.batch_size) == (7, 3)
    assert (config.prune.epochs, config.prune.batch_size, config.prune.optimizer) == (9, 3, "adam")
    assert config.prune.rounds == 4


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("run: a\nrun: a\n", "run", 2),
        ("run: a\nmodel:\n  hidden: 1\n  layers: 1\n  hidden: 2\n", "hidden", 5),
        ("warmup: &x {epochs: 1}\nprune:\n  <<: *x\n  rounds: 1\n  rounds: 2\n", "rounds", 5),
        ("seeds: [1]\n'seeds': [2]\n", "seeds", 2),
    ],
)
def test_a_duplicate_key_is_refused_with_its_line(tmp_path, text, key, line):
    message = refusal(tmp_path, text)
    assert f"duplicate key '{key}' in one section" in message
    assert f"line {line}, column" in message


@pytest.mark.parametrize(
    "text",
    [
        "run: [1",
        "run: a: b",
        "run:\n\t- a",
        "? [a]\n: 1\n",
        "a: !!python/object/apply:os.getcwd []",
        "[" * 1000,
        "run: *nothing",
        "<<: 3",
        "\0",
    ],
)
def test_text_that_is_not_yaml_is_refused_with_the_name_of_the_file(tmp_path, text):
    assert f"{tmp_path / 'config.yaml'}: is not valid YAML: " in refusal(tmp_path, text)


@pytest.mark.parametrize(("text", "found"), [("- a\n", "list"), ("", "NoneType"), ("hello", "str"), ("3", "int")])
def test_a_file_without_sections_is_refused(tmp_path, text, found):
    assert refusal(tmp_path, text).endswith(f"expected sections (run, data, model, ...), found {found}")


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run: a", encoding="utf-16")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_config(path)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_every_configuration_of_the_repository_is_right(repository):
    paths = [repository / "config.yaml", *sorted((repository / "config").glob("*.yaml"))]
    configs = {path.stem: load_config(path) for path in paths}
    assert len(configs) > 1
    assert configs["config"].run == "demo"
    # results of two experiments must not lie in one folder
    assert len({config.run for config in configs.values()}) == len(configs)


@pytest.mark.parametrize("name", ["conll03", "ontonotes", "ptb", "negative_transfer", "conll03_short"])
def test_only_the_short_configuration_ends_rounds_and_prunings_early(repository, name):
    prune = load_config(repository / "config" / f"{name}.yaml").prune
    ends_early = [value is not None for value in (prune.stop_after, prune.patience, prune.early_bird)]
    assert all(ends_early) if name == "conll03_short" else not any(ends_early)
