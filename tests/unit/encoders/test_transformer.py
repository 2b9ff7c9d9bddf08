import json

import numpy as np
import pytest
import tiny_transformers
import torch
import transformers
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.numpy import load_file, save_file
from tiny import encoded, initialised, sentences

from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.encoders import base, pretrained
from sparse_sharing.encoders.base import complete
from sparse_sharing.encoders.windows import windows_of
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.network.network import Network

FAMILIES = list(tiny_transformers.FAMILIES)
LONGEST = 40


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: tiny_transformers.save(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


def network_of(folder, **keys):
    """A network with pretrained weights."""
    network = initialised(tiny_transformers.section(folder, **keys))
    network.encoder.eval()
    return network


@torch.no_grad()
def states_of(network, text):
    """The states of all words of a text, sentence by sentence."""
    batch = network.encoder.batch(text, range(text.sentences), "pos")
    states = network.encoder.states(network.gather(batch), batch, 1)
    return [states[:length, column] for column, length in enumerate(text.lengths)]


def text_of(*lines):
    """A text of sentences whose words have no tags that matter."""
    return encoded(
        [(line.split(" "), dict.fromkeys(("chunk", "ner", "pos"), ["O"] * len(line.split(" ")))) for line in lines]
    )


@torch.no_grad()
def library_states(folder, network, words, pieces="first"):
    """The states of a sentence by `transformers`, in one window."""
    model, frame = transformers.AutoModel.from_pretrained(folder).eval(), network.encoder.tokenizer.frame
    ids, spans = [*frame.before], []
    for word in words:
        own = network.encoder.tokenizer.pieces([word]).ids.tolist()
        spans.append((len(ids), len(ids) + len(own)))
        ids += own
    states = model(input_ids=torch.tensor([[*ids, *frame.behind]])).last_hidden_state[0]
    choose = {
        "first": lambda start, end: states[start],
        "last": lambda start, end: states[end - 1],
        "mean": lambda start, end: states[start:end].mean(0),
    }[pieces]
    return torch.stack([choose(*span) for span in spans])


@pytest.mark.parametrize("family", FAMILIES)
def test_words_have_the_states_that_the_library_gives_their_first_pieces(family, folders):
    network = network_of(folders[family])
    lines = ["the quiet harbour", "Anna visited New York", "sea"]
    for line, states in zip(lines, states_of(network, text_of(*lines)), strict=True):
        expected = library_states(folders[family], network, line.split())
        assert torch.allclose(states, expected, atol=1e-5)


@pytest.mark.parametrize("pieces", ["last", "mean"])
def test_words_can_have_the_states_of_their_last_piece_or_the_mean(pieces, folders):
    network = network_of(folders["roberta"], pieces=pieces)
    (states, other) = states_of(network, text_of("unbelievable tickets", "the"))
    assert torch.allclose(
        states, library_states(folders["roberta"], network, ["unbelievable", "tickets"], pieces), atol=1e-5
    )
    assert torch.allclose(other, library_states(folders["roberta"], network, ["the"], pieces), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_word_of_a_long_sentence_is_left_out(family, folders):
    network = network_of(folders[family], window=20)
    words = [f"word{number}" for number in range(60)]
    (states,) = states_of(network, text_of(" ".join(words)))
    assert states.isfinite().all()
    frame, pieces = network.encoder.tokenizer.frame, network.encoder.tokenizer.pieces(words)
    windows = windows_of(np.diff(pieces.offsets), 20 - frame.size)
    assert len(windows.spans) > 1
    for number in (0, 30, 59):
        start, end = windows.spans[windows.window[pieces.offsets[number]]]
        inside = [i for i in range(60) if start <= pieces.offsets[i] and pieces.offsets[i + 1] <= end]
        expected = library_states(folders[family], network, [words[i] for i in inside])
        assert torch.allclose(states[number], expected[inside.index(number)], atol=1e-5)


@pytest.mark.parametrize("pieces", ["first", "mean"])
def test_a_part_of_a_batch_has_the_states_of_the_whole(pieces, folders):
    network = network_of(folders["bert"], pieces=pieces, window=16)
    text = text_of("the quiet harbour near the northern sea in New York on Monday", "Anna visited", "sea sea sea")
    batch = network.encoder.batch(text, [0, 1, 2], "pos")
    part = batch.cut(slice(1, 3))
    assert part.mask.shape == (3, 2)
    with torch.no_grad():
        rows = network.gather(batch)
        whole, own = (network.encoder.states(rows, each, 1) for each in (batch, part))
    for column in (0, 1):
        length = int(part.mask[:, column].sum())
        assert torch.allclose(own[:length, column], whole[:length, column + 1], atol=1e-6)


def test_masks_cover_the_matrices_of_the_layers_only(folders):
    names = list(network_of(folders["bert"]).prunable_shapes)
    assert len(names) == 2 * 6
    assert all("layer." in name and name.endswith("weight") for name in names)
    assert not [name for name in names if "LayerNorm" in name or "embeddings" in name]


def test_a_stored_section_needs_no_folder(folders):
    network = network_of(folders["bert"])
    stored = encoder_section(json.loads(json.dumps(network.model.model_dump())))
    assert stored.folder is None
    again = Network(stored, network.vocabulary)
    again.load(network.values())
    again.encoder.eval()
    text = encoded(sentences(4))
    for own, other in zip(states_of(network, text), states_of(again, text), strict=True):
        assert torch.equal(own, other)


def test_weights_under_the_name_of_a_whole_model_are_found(tmp_path):
    with_head = tiny_transformers.save(tmp_path / "head", "bert", with_head=True)
    network = network_of(with_head)
    stored = load_file(with_head / "model.safetensors")
    assert stored["bert.encoder.layer.0.output.dense.weight"].sum() == pytest.approx(
        float(network.values()["body.encoder.layer.0.output.dense.weight"].sum())
    )


def test_no_code_of_the_folder_runs(tmp_path):
    folder = tiny_transformers.save(tmp_path / "model", "bert")
    values = json.loads((folder / "config.json").read_text())
    values |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.MineConfig", "AutoModel": "mine.Mine"}}
    (folder / "config.json").write_text(json.dumps(values))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ArtifactError, match=r"has no encoder of model_type 'mine'.*never run"):
        network_of(folder)
    assert not (tmp_path / "ran").exists()


def test_weights_that_are_not_in_safetensors_are_refused(tmp_path):
    folder = tiny_transformers.save(tmp_path, "bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="safetensors"):
        network_of(folder)


def test_missing_weights_are_refused(tmp_path):
    folder = tiny_transformers.save(tmp_path, "bert")
    stored = load_file(folder / "model.safetensors")
    del stored["encoder.layer.1.output.dense.weight"]
    save_file(stored, folder / "model.safetensors")
    with pytest.raises(ArtifactError, match=r"no weights encoder\.layer\.1\.output\.dense\.weight"):
        network_of(folder)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), r"config\.json: cannot be read"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer cannot be read"),
    ],
)
def test_a_damaged_folder_is_refused_with_the_file(break_it, message, tmp_path):
    folder = tiny_transformers.save(tmp_path, "bert")
    break_it(folder)
    with pytest.raises((ArtifactError, ConfigError, ValueError), match=message):
        network_of(folder)


def test_a_window_longer_than_the_model_is_refused(folders):
    with pytest.raises(ArtifactError, match=r"model\.window: got 41; expected at most 40"):
        network_of(folders["roberta"], window=LONGEST + 1)


def test_without_a_network_the_message_names_the_model_and_what_to_do(monkeypatch):
    def offline(name, **options):
        raise LocalEntryNotFoundError("no network") if options.get("local_files_only") else OSError("no route to host")

    monkeypatch.setattr(pretrained, "snapshot_download", offline)
    hub = encoder_section({"encoder": "transformer", "pretrained": "owner/model", "revision": "a" * 40})
    with pytest.raises(ConfigError, match=r"'owner/model' at commit a+ is not on this.*copy the model's folder"):
        complete(hub, None)


def test_a_model_on_the_hub_is_read_from_where_it_was_downloaded_to(folders, monkeypatch):
    monkeypatch.setattr(pretrained, "snapshot_download", lambda name, **options: str(folders["bert"]))
    hub = encoder_section({"encoder": "transformer", "pretrained": "owner/model", "revision": "a" * 40})
    assert complete(hub, None).architecture == tiny_transformers.section(folders["bert"]).architecture


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    monkeypatch.setattr(base, "_IMPLEMENTATIONS", {})
    monkeypatch.setattr(base.importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"needs the package transformers.*sparse-sharing\[transformers\]"):
        complete(encoder_section({"encoder": "transformer", "pretrained": "x"}), None)
