"""Artifacts: what is written is read back, and whatever else stands in the file is refused."""

import json
import os
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import stored_spec_digest
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.storage import artifacts
from sparse_sharing.storage.artifacts import (
    Streamed,
    content_digest,
    input_digest,
    load_json,
    load_tensors,
    save_json,
    save_tensors,
    spec_digest,
)

SPEC = EvaluateSpec(data="d" * 16, model="m" * 16, dataset="joint", system="hard", seed=1, batch_size=7)
OTHER = SPEC.model_copy(update={"seed": 2})
TENSORS = {
    "heads/pos": np.arange(12, dtype=np.float32).reshape(3, 4),
    "has_vector": np.array([True, False, True]),
    "empty": np.zeros((0, 3), np.int64),
}
DETAILS = {"task": "pos", "rounds": [{"round": 0, "density": 1.0}], "best": None}
SAMPLES = 200

DTYPES = st.sampled_from([np.bool_, np.uint8, np.int32, np.int64, np.float32, np.float64])
ANY_TENSORS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
ANY_DETAILS = st.dictionaries(st.text(), JSON, max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(params=["tensors", "json"])
def written(request, tmp_path):
    """A file of either format, and the function that reads it."""
    if request.param == "json":
        path = tmp_path / "metrics.json"
        save_json(path, "metrics", SPEC, DETAILS)
        return path, lambda found=path, expected=None: load_json(found, "metrics", expected)
    path = tmp_path / "weights.safetensors"
    save_tensors(path, "weights", SPEC, TENSORS, DETAILS)
    return path, lambda found=path, expected=None: load_tensors(found, "weights", expected)


def refusal(path, load, content=None):
    """The message with which a file is refused; it names the file and how to rebuild it."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        load()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert f"snakemake --cores 1 --force '{path}'" in message
    return message


@settings(max_examples=50, deadline=None)
@given(tensors=ANY_TENSORS, details=ANY_DETAILS)
def test_tensors_and_details_are_read_back_bit_for_bit(folder, tensors, details):
    path = folder / "any.safetensors"
    digest = save_tensors(path, "weights", SPEC, tensors, details)
    found = load_tensors(path, "weights", SPEC.digest())
    assert found.digest == digest == content_digest(tensors, details)
    assert found.details == details
    assert found.spec == SPEC.model_dump()
    assert list(found.tensors) == sorted(tensors)
    for name, array in tensors.items():
        assert (found.tensors[name].dtype, found.tensors[name].shape) == (array.dtype, array.shape)
        assert found.tensors[name].tobytes() == array.tobytes()


@settings(max_examples=50, deadline=None)
@given(details=ANY_DETAILS)
def test_json_details_are_read_back(folder, details):
    path = folder / "any.json"
    save_json(path, "metrics", SPEC, details)
    found = load_json(path, "metrics", SPEC.digest())
    assert (found.spec, found.details) == (SPEC.model_dump(), details)


def test_tensors_that_are_views_of_others_are_stored_as_they_look(tmp_path):
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    save_tensors(tmp_path / "x", "weights", SPEC, {"turned": whole.T, "every": whole[::2, ::-1]})
    found = load_tensors(tmp_path / "x", "weights").tensors
    np.testing.assert_array_equal(found["turned"], whole.T)
    np.testing.assert_array_equal(found["every"], whole[::2, ::-1])


def test_the_digest_depends_on_names_types_shapes_bytes_and_details_but_not_on_order():
    array = np.arange(6, dtype=np.int32)
    variants = [
        ({"a": array}, {}),
        ({"b": array}, {}),
        ({"a": array.astype(np.int64)}, {}),
        ({"a": array.view(np.float32)}, {}),
        ({"a": array.reshape(2, 3)}, {}),
        ({"a": array[::-1]}, {}),
        ({"a": array, "b": array[:0]}, {}),
        ({"a": array}, {"a": 1}),
        ({}, {}),
    ]
    assert len({content_digest(*variant) for variant in variants}) == len(variants)
    pair = {"a": array, "b": array + 1}
    assert content_digest(pair, {"x": 1, "y": 2}) == content_digest(dict(reversed(pair.items())), {"y": 2, "x": 1})


def test_every_changed_bit_is_refused(written):
    path, load = written
    good = path.read_bytes()
    draw = random.Random(1)
    for _ in range(SAMPLES):
        content = bytearray(good)
        content[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
        refusal(path, load, bytes(content))
    path.write_bytes(good)
    assert load().details == DETAILS


def test_every_changed_bit_of_the_header_of_tensors_is_refused_before_any_spec_is_expected(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_tensors(path, "weights", SPEC, {}, {})
    good = path.read_bytes()
    for place in range(len(good)):
        content = bytearray(good)
        content[place] ^= 1
        refusal(path, lambda: load_tensors(path, "weights"), bytes(content))
    assert len(good) < 1000


def test_every_file_that_was_cut_short_or_has_something_behind_is_refused(written):
    path, load = written
    good = path.read_bytes()
    content = good.rstrip(b"\n")
    for length in {0, 1, 7, 8, 9, len(content) - 1, *random.Random(2).sample(range(len(content)), SAMPLES)}:
        refusal(path, load, good[:length])
    refusal(path, load, good + b"x")


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b"null", b"3", b'{"a"', b"\xff\xfe", b"\0" * 64, b"\xff" * 64, b"[" * 100_000, b'{"details": 1}'],
)
def test_foreign_files_are_refused(written, content):
    assert "is damaged or was not written by sparse-sharing" in refusal(*written, content)


def test_a_missing_file_and_a_folder_are_refused(written):
    path, load = written
    path.unlink()
    assert "cannot be read (No such file or directory)" in refusal(path, load)
    path.mkdir()
    assert "cannot be read (Is a directory)" in refusal(path, load)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "x"
    save_tensors(path, "masks", SPEC, TENSORS)
    assert "expected weights, got masks" in refusal(path, lambda: load_tensors(path, "weights"))
    save_json(path, "summary", SPEC, {})
    assert "expected metrics, got summary" in refusal(path, lambda: load_json(path, "metrics"))


def test_a_file_of_another_version_is_refused(written, monkeypatch):
    path, load = written
    monkeypatch.setattr(artifacts, "FORMATS", dict.fromkeys(artifacts.FORMATS, 99))
    assert re.search(r"has format version 1 of (weights|metrics); this program reads 99", refusal(path, load))


def test_a_file_made_under_another_spec_is_refused_with_what_it_was_made_under(written):
    path, load = written
    message = refusal(path, lambda: load(expected=OTHER.digest()))
    assert f"made with other settings (spec {SPEC.digest()}, this run expects {OTHER.digest()})" in message
    assert '"system":"hard"' in message
    assert load(expected=SPEC.digest()).details == DETAILS


def test_a_spec_that_was_changed_by_hand_is_refused_even_where_it_is_the_one_expected(tmp_path):
    path = tmp_path / "metrics.json"
    save_json(path, "metrics", OTHER, DETAILS)
    changed = path.read_text(encoding="utf-8").replace('"seed": 2', '"seed": 1').encode()
    assert "is damaged" in refusal(path, lambda: load_json(path, "metrics", SPEC.digest()), changed)


def test_the_digest_of_a_stored_spec_is_that_of_the_spec(written):
    path, load = written
    assert spec_digest(load().spec) == SPEC.digest()
    assert stored_spec_digest(path) == SPEC.digest()


def test_a_glance_at_a_spec_gives_none_for_what_is_no_artifact(tmp_path):
    for name in ("x.json", "x.safetensors"):
        assert stored_spec_digest(tmp_path / name) is None
        for content in (b"", b"{}", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"):
            (tmp_path / name).write_bytes(content)
            assert stored_spec_digest(tmp_path / name) is None


def test_json_can_be_read_by_a_person_and_holds_no_number_that_is_none(tmp_path):
    save_json(tmp_path / "x.json", "metrics", SPEC, {"type": "Ä"})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert '"type": "Ä"' in text
    assert json.loads(text)["spec"] == SPEC.model_dump()
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_json(tmp_path / "y.json", "metrics", SPEC, {"f1": float("nan")})
    assert not (tmp_path / "y.json").exists()


def test_arrays_that_were_read_may_be_changed_without_changing_the_file(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, "weights", SPEC, TENSORS)
    before = path.read_bytes()
    load_tensors(path, "weights").tensors["heads/pos"][:] = 7
    assert path.read_bytes() == before
    np.testing.assert_array_equal(load_tensors(path, "weights").tensors["heads/pos"], TENSORS["heads/pos"])


def test_what_was_read_outlives_the_file_that_replaces_it(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, "weights", SPEC, TENSORS)
    found = load_tensors(path, "weights").tensors
    save_tensors(path, "weights", SPEC, {})
    np.testing.assert_array_equal(found["heads/pos"], TENSORS["heads/pos"])


def test_every_tensor_begins_at_a_multiple_of_its_width(tmp_path):
    path = tmp_path / "x.safetensors"
    odd = {"a": np.ones(3, bool), "b": np.ones(5, np.float32), "c": np.ones(1, np.int64), "d": np.ones(1, np.uint8)}
    save_tensors(path, "weights", SPEC, odd)
    assert all(array.flags.aligned for array in load_tensors(path, "weights").tensors.values())


def test_other_programs_read_the_file(tmp_path):
    save_tensors(tmp_path / "x", "weights", SPEC, TENSORS)
    found = load_file(tmp_path / "x")
    assert found.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file that counts as large, and a list that grows with each comparison of its content."""
    monkeypatch.setattr(artifacts, "REMEMBERED_FROM", 1)
    path, compared = tmp_path / "x.safetensors", []
    save_tensors(path, "weights", SPEC, TENSORS)
    digest = artifacts.content_digest
    monkeypatch.setattr(artifacts, "content_digest", lambda *content: compared.append(1) or digest(*content))
    return path, compared


def test_the_content_of_a_large_file_is_compared_once(large):
    path, compared = large
    for _ in range(3):
        np.testing.assert_array_equal(load_tensors(path, "weights").tensors["heads/pos"], TENSORS["heads/pos"])
    assert len(compared) == 1


def test_a_large_file_that_was_written_to_is_compared_again_and_damage_is_found(large):
    path, compared = large
    load_tensors(path, "weights")
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "does not match its digest" in refusal(path, lambda: load_tensors(path, "weights"))
    path.write_bytes(content)
    load_tensors(path, "weights")
    load_tensors(path, "weights")
    assert len(compared) == 3


def test_a_large_file_in_a_folder_that_cannot_be_written_is_read_all_the_same(large, monkeypatch):
    path, _ = large
    monkeypatch.setattr(artifacts, "write_text", lambda *_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    assert load_tensors(path, "weights").details == load_tensors(path, "weights").details
    assert len(list(path.parent.iterdir())) == 1


def test_the_digest_of_an_input_follows_its_content(tmp_path):
    path, digests = tmp_path / "x.safetensors", []
    for value in (1.0, 2.0, 1.0):
        save_tensors(path, "weights", SPEC, {"a": np.full(3, value)})
        digests.append(input_digest(path))
    assert digests[0] == digests[2] != digests[1]
    for content in (b"", b"abc", b"text of some length", b"text of other length"):
        path.write_bytes(content)
        digests.append(input_digest(path))
    assert len(set(digests)) == 6


def streamed(array, size):
    """An array as a stream of pieces of a given size."""
    return Streamed(array.dtype, array.shape, lambda: (array[i : i + size] for i in range(0, len(array), size)))


@given(
    arrays.arrays(DTYPES, st.integers(0, 20).map(lambda length: (length,))),
    arrays.arrays(np.int32, st.integers(0, 5)),
    st.integers(1, 7),
)
def test_a_tensor_that_comes_in_pieces_makes_the_same_file(folder, array, other, size):
    whole, pieces = folder / "whole.safetensors", folder / "pieces.safetensors"
    digest = save_tensors(whole, "text", SPEC, {"a": array, "b": other}, DETAILS)
    assert save_tensors(pieces, "text", SPEC, {"a": streamed(array, size), "b": streamed(other, 2)}, DETAILS) == digest
    assert pieces.read_bytes() == whole.read_bytes()
