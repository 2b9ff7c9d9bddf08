"""A task whose values are missing at some tokens, and text from several files: prepared, trained and evaluated."""

import pytest
from preparing import prepare_all

from sparse_sharing.errors import DataError
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.training.inputs import load_text, load_vocabulary


@pytest.fixture
def gaps(unprepared):
    """The tiny pipeline whose task pos has no value at every third token, and at no token of some sentences."""
    for split in ("train", "dev", "test"):
        path = unprepared.folder / f"{split}.txt"
        blocks = path.read_text().strip().split("\n\n")
        cells = [[line.split(" ") for line in block.split("\n")] for block in blocks]
        for number, rows in enumerate(cells):
            for place, row in enumerate(rows):
                row[1] = "_" if place % 3 == 1 or number % 5 == 0 else row[1]
        path.write_text("\n\n".join("\n".join(map(" ".join, rows)) for rows in cells) + "\n")
    return unprepared


def skipping(pipeline, **corpus):
    """The pipeline with `missing: skip`."""
    own = pipeline.values["data"]["datasets"][0]["corpora"][0]
    tasks = [task | ({"missing": "skip"} if task["name"] == "pos" else {}) for task in own["tasks"]]
    return pipeline.changed(data={"datasets": [{"name": "joint", "corpora": [own | {"tasks": tasks} | corpus]}]})


def test_tokens_without_a_value_are_counted_and_are_no_part_of_loss_and_score(gaps):
    own = skipping(gaps)
    own.prepare()
    details = own.summary()
    text = load_text(own.data / "test.safetensors")["pos"]
    missing = int((text.tags["pos"] < 0).sum())
    assert 0 < missing == details["splits"]["test"]["corpora"]["text"]["missing_tags"]["pos"]
    assert "_" not in load_vocabulary(own.data / "vocabulary.json").tasks["pos"].tags
    own.warm_up("initial")
    own.train("single", "pos")
    own.evaluate("single", "pos")
    folder = own.path(layout.EVALUATION, system="single", model="pos")
    counts = load_tensors(folder / "sentences.safetensors", "sentences").tensors["pos"]
    assert counts[:, 1].sum() == len(text.tokens) - missing
    gold = [line.split(" ")[1] for line in (folder / "predictions" / "pos.txt").read_text().splitlines() if line]
    assert gold.count("_") == missing


def test_all_errors_of_a_split_are_reported_at_once(unprepared):
    with (unprepared.folder / "train.txt").open("a") as stream:
        stream.write("The DT B-NP I-PER\n\n" * 7)
    with pytest.raises(DataError, match=r"(?s)line \d+: found the tag 'I-PER'.*(train\.txt:\d+: .*){4}and 2 more"):
        unprepared.prepare()


def test_several_files_are_read_one_after_the_other_and_a_split_is_cut_by_its_shares(unprepared):
    files = [unprepared.folder / f"{split}.txt" for split in ("train", "dev")]
    own = unprepared.values["data"]["datasets"][0]["corpora"][0]
    own = {key: value for key, value in own.items() if key not in ("dev", "test")}
    own |= {"train": ["train.txt", "dev.txt"], "split": "60/20/20"}
    changed = unprepared.changed(data={"datasets": [{"name": "joint", "corpora": [own]}]})
    prepare_all(changed.specs, "joint", {"train": {"text": files}}, changed.data)
    texts = {split: load_text(changed.data / f"{split}.safetensors")["pos"] for split in ("train", "dev", "test")}
    sizes = {split: text.sentences for split, text in texts.items()}
    assert sizes == {"train": 30, "dev": 10, "test": 10}
    summary = changed.summary()["splits"]["train"]["corpora"]["text"]
    assert summary["file"] == "train.txt, dev.txt"
