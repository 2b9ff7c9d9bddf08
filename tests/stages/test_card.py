"""Model cards: true numbers, and text that is no markup."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sparse_sharing.network.storage import load_model, storage_sizes
from sparse_sharing.pipeline import layout
from sparse_sharing.results.card import escape, model_card
from sparse_sharing.storage.artifacts import load_json

TASKS = ("chunk", "ner", "pos")


def folder_of(pipeline, pattern, system="sparse", model="shared"):
    return pipeline.path(pattern, system=system, model=model)


def cells(card):
    """The rows of all tables of a card, by their first cell."""
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("|")]
    return {(row[0], len(row)): row[1:] for row in rows}


def test_a_model_says_its_dev_scores_densities_data_and_size(finished):
    folder = folder_of(finished, layout.MODEL)
    card, model = (folder / "README.md").read_text(encoding="utf-8"), load_model(folder / "model.safetensors")
    rows = cells(card)
    for task in TASKS:
        density, dev = rows[task, 3]
        assert density == f"{100 * model.masks[task].density:.2f} %"
        assert dev == ", ".join(f"{name} {value:.2f}" for name, value in model.details["dev"][task].items())
        assert rows[task, 6][0] == "text"
        assert rows[task, 6][1] == "40"
    sizes = storage_sizes(model)
    assert rows["total", 3] == [f"{sizes[kind]['total']:,}" for kind in ("stored", "separate")]
    assert "system sparse, seed 1" in card
    assert "## Licence" in card
    assert model.digest in card


def test_the_evaluation_adds_the_test_scores_and_does_not_change_the_model(finished):
    folder = folder_of(finished, layout.EVALUATION)
    rows = cells((folder / "README.md").read_text(encoding="utf-8"))
    metrics = load_json(folder / "metrics.json", "metrics").details["tasks"]
    for task in TASKS:
        test = ", ".join(f"{name} {value:.2f}" for name, value in metrics[task]["test"].items())
        assert rows[task, 4][2] == test
    model = load_model(folder_of(finished, layout.MODEL) / "model.safetensors")
    assert (folder_of(finished, layout.MODEL) / "README.md").read_text(encoding="utf-8") == model_card(model)


def test_vectors_are_spoken_of_where_there_are_any(finished):
    model = load_model(folder_of(finished, layout.MODEL) / "model.safetensors")
    assert "--vectors" not in model_card(model)
    model.details["data"]["vectors"] = True
    assert "without `--vectors`" in model_card(model)
    assert "from the text and the word vectors named above" in model_card(model)


def test_a_card_says_where_the_epoch_was_chosen_on_the_test_text(finished):
    model = load_model(folder_of(finished, layout.MODEL) / "model.safetensors")
    assert "Everything was chosen on dev, nothing on the test text." in model_card(model)
    model.details["replicate"].append("epoch_on_test")
    assert "The epoch was chosen on the test text" in model_card(model)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1) | st.text("|*_`[]()<>#&!-\\ \n"))
def test_escaped_text_is_shown_literally_and_never_as_markup(text):
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"x{escape(text)}x\n")
    plain = html.removeprefix("<p>").removesuffix("</p>\n")
    shown = "x" + " ".join(text.split()) + "x"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        shown = shown.replace(character, entity)
    assert plain == shown
