"""What `validate` finds in data, and what it says then."""

import re

import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.config import load_config
from sparse_sharing.inspection.checks import check_data, demo_files
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.text.flaws import MOST_SHOWN


def found(own_data):
    """All findings as level and text."""
    findings = Findings()
    with demo_files(own_data.config()) as folder:
        check_data(own_data.config(), folder, findings)
    return [(item.level, f"{item.place}: {item.text}") for item in findings]


def levels(own_data, text):
    """The levels of the findings that contain a text."""
    return [level for level, message in found(own_data) if text in message]


def test_good_data_gives_only_notes(own_data):
    assert {level for level, _ in found(own_data)} == {"note"}, found(own_data)
    assert levels(own_data, "train 200, dev 10, test 10 sentences") == ["note"]


def test_a_missing_file_and_a_missing_column_are_errors(own_data):
    own_data.corpus["test"] = "nowhere.txt"
    own_data.corpus["tasks"][1]["column"] = 7
    assert levels(own_data, "there is no such file") == ["error"]
    assert levels(own_data, "task ner should be in column 7") == ["error", "error"]


def test_all_tags_that_break_a_scheme_are_counted_and_the_first_named_with_their_lines(own_data):
    for _ in range(7):
        own_data.add("train", "He P O I-PER", "saw V O I-PER", "Rome N O B-LOC")
    lines = (own_data.folder / "train.txt").read_text().splitlines()
    line = len(lines) - 7 * 4 + 1
    ((level, message),) = [item for item in found(own_data) if "break" in item[1]]
    assert level == "error"
    assert "train.txt: 7 tags break scheme iob2; set repair: true" in message
    places = message.splitlines()[1:]
    assert f"train.txt:{line}: found 'I-PER', expected B-PER between the start of the sentence" in places[0]
    assert len(places) == MOST_SHOWN + 1
    assert places[-1] == "  and 2 more"
    own_data.corpus["repair"] = True
    assert levels(own_data, "7 tags were repaired") == ["warning"]


def test_what_no_repair_mends_stays_an_error(own_data):
    own_data.corpus["repair"] = True
    own_data.add("dev", "He P O PER")
    assert levels(own_data, "1 tags are not span tags; repair cannot change them") == ["error"]


def test_labels_that_training_lacks_and_slips_are_warnings(own_data):
    for _ in range(30):
        own_data.add("train", "Mary NOUN O O")
    own_data.add("test", "Mary NOUM O O")
    assert levels(own_data, "only in test, not in train: 'NOUM' (1 times)") == ["warning"]
    assert levels(own_data, "'NOUM' (1 times) looks like a typo of 'NOUN'") == ["warning"]


def test_sentences_in_two_splits_are_a_warning(own_data):
    for split in ("train", "test"):
        own_data.add(split, "Nobody N O O", "expected V O O", "this D O O")
    assert levels(own_data, "1 test sentences (9.1 %) occur word for word in train") == ["warning"]


def test_a_column_with_one_tag_is_a_warning(own_data):
    for split in ("train", "dev", "test"):
        path = own_data.folder / f"{split}.txt"
        rows = (line.split() for line in path.read_text().splitlines())
        path.write_text("".join(f"{row[0]} X O O\n" if row else "\n" for row in rows))
    assert levels(own_data, "every training token has the tag 'X'") == ["warning"]
    assert levels(own_data, "every training token has the tag 'O'") == ["warning"]


def test_without_dev_the_split_is_reported(own_data):
    del own_data.corpus["dev"]
    assert levels(own_data, "no dev file for pos, ner: 20 sentences are cut from train") == ["note"]


@pytest.mark.parametrize(("dimension", "level"), [(2, "warning"), (9, "error")])
def test_vectors_are_read_and_their_coverage_is_reported(own_data, dimension, level):
    numbers = " ".join(["0.5"] * dimension)
    (own_data.folder / "vectors.txt").write_text(f"the {numbers}\nzebra {numbers}\n")
    own_data.values["data"]["vectors"] = "vectors.txt"
    assert level in levels(own_data, "dimensions" if level == "error" else "of the tokens have a vector")


def run(*arguments):
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


def test_the_command_prints_jobs_and_time_and_succeeds(own_data):
    result = run(own_data.file())
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1] for line in result.output.splitlines() if len(line.split()) > 2}
    expected = {"prepare": "1", "prepare_task": "2", "warmup": "2", "prune": "2"}
    expected |= {"select": "1", "train": "3", "evaluate": "3"}
    assert expected.items() <= rows.items()
    assert "measured on a few steps" in result.output
    assert "No errors found" in result.output


def test_the_command_ends_with_3_where_the_run_would_stop_and_measures_nothing(own_data):
    own_data.add("dev", "He P O PER")
    result = run(own_data.file())
    assert result.exit_code == 3
    assert "Measured" not in result.output


def test_the_folder_of_the_data_can_be_given(own_data):
    own_data.values["data_root"] = "nowhere"
    assert run(own_data.file(), "--no-estimate").exit_code == 3
    assert run(own_data.file(), "--no-estimate", "--data-root", own_data.folder).exit_code == 0


def test_the_demo_needs_no_files(repository):
    result = run(repository / "config.yaml", "--no-estimate")
    assert result.exit_code == 0, result.output
    size = load_config(repository / "config.yaml").data.demo
    assert f"train {size.train}, dev {size.dev}, test {size.test} sentences" in result.output


def without_names(own_data, split):
    """Take every name out of a split."""
    path = own_data.folder / f"{split}.txt"
    path.write_text(re.sub(r"(?m) \S+$", " O", path.read_text()))


def test_a_dev_text_without_a_span_is_an_error_only_of_its_task(own_data):
    without_names(own_data, "dev")
    wrong = [message for level, message in found(own_data) if level == "error"]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"news text ner: {own_data.folder / 'dev.txt'}: the dev text")
    own_data.corpus["tasks"][1]["choose_on_dev"] = False
    assert "error" not in {level for level, _ in found(own_data)}


def test_dev_that_is_cut_from_a_training_text_without_a_span_is_an_error_too(own_data):
    without_names(own_data, "train")
    del own_data.corpus["dev"]
    assert levels(own_data, "the dev text (0.1 of the training sentences, split_seed 1) has no span of task 'ner'") == [
        "error"
    ]


def test_words_outside_spans_need_no_entry_in_misc_as_in_the_run(own_data):
    words = [("Mara", "NER=B-PER"), ("Voss", "NER=I-PER|SpaceAfter=No"), ("sings", "_"), (".", "SpaceAfter=No")]
    rows = [f"{n}\t{word}\t_\tX\t_\t_\t0\troot\t_\t{misc}\n" for n, (word, misc) in enumerate(words, start=1)]
    for split in ("train", "dev", "test"):
        (own_data.folder / f"{split}.txt").write_text("".join(rows) + "\n")
    own_data.corpus["format"] = "conllu"
    own_data.corpus["tasks"] = [{"name": "ner", "layer": "misc:NER", "scheme": "iob2"}]
    assert "error" not in {level for level, _ in found(own_data)}


def test_all_words_without_a_value_are_counted_and_the_first_named(own_data):
    rows = "".join(f"{n}\tw{n}\t_\tX\t{'_' if n > 3 else 'Y'}\t_\t0\troot\t_\t_\n" for n in range(1, 11))
    for split in ("train", "dev", "test"):
        (own_data.folder / f"{split}.txt").write_text(f"{rows}\n")
    own_data.corpus["format"] = "conllu"
    own_data.corpus["tasks"] = [{"name": "xpos", "layer": "xpos"}]
    (message,) = [text for level, text in found(own_data) if level == "error" and "train.txt: 7 tokens" in text]
    assert "set missing: skip" in message
    assert [line.rpartition("train.txt:")[2] for line in message.splitlines()[1:6]] == [
        f"{n}: found no xpos, expected one for task xpos" for n in range(4, 9)
    ]
    assert message.endswith("and 2 more")
    own_data.corpus["tasks"][0]["missing"] = "skip"
    assert levels(own_data, "7 tokens have no tag and are skipped") == ["note"] * 3


@pytest.mark.parametrize("tags", ["B-PER L-PER U-LOC O", "b-PER i-PER b-LOC O"])
def test_span_tags_that_are_read_as_plain_tags_are_a_warning_with_the_remedy(own_data, tags):
    for split in ("train", "dev", "test"):
        own_data.add(split, *(f"w{n} X X {tag}" for n, tag in enumerate(tags.split() * 200)))
    own_data.corpus["tasks"] = [{"name": "ner", "column": 3}]
    remedy = "set scheme: bilou" if "U-" in tags else "set scheme: iob2, spelling: loose"
    assert levels(own_data, f"read as plain tags and scored by accuracy; {remedy}") == ["warning"]


def test_tags_of_another_scheme_are_named_with_it(own_data):
    for split in ("train", "dev", "test"):
        own_data.add(split, "Ann X O B-PER", "Lee X O L-PER", "of X O O", "Rome X O U-LOC")
    own_data.corpus["tasks"][1]["scheme"] = "bioes"
    assert levels(own_data, "train.txt: 2 tags are not span tags; they look like scheme: bilou") == ["error"]


def test_tasks_with_one_column_are_a_warning(own_data):
    own_data.corpus["tasks"].append({"name": "again", "column": -1, "scheme": "iob2"})
    assert levels(own_data, "tasks 'ner' and 'again' have the same tag on every training token") == ["warning"]


def test_sentences_that_two_corpora_share_are_a_warning(own_data):
    (own_data.folder / "other.txt").write_text("Nobody N\nexpected V\nthis D\n\nHere R\nis V\nmore D\n\n")
    own_data.add("test", "Nobody N O O", "expected V O O", "this D O O")
    files = dict.fromkeys(("train", "test"), "other.txt") | {"dev_fraction": 0.5}
    other = {"name": "other", **files, "tasks": [{"name": "tags", "column": 1}]}
    own_data.values["data"]["datasets"][0]["corpora"].append(other)
    assert len(levels(own_data, "1 test sentences (9.1 %) occur word for word in")) == 1


def test_a_document_in_two_splits_is_an_error_that_names_both_files(own_data):
    for folder, name in (("a", "nw/1"), ("b", "nw/2"), ("c", "nw/1")):
        (own_data.folder / folder).mkdir()
        line = f"{name} 0 0 Ann NNP (TOP(NP*)) - - - - (PERSON) -"
        text = f"#begin document ({name}); part 000\n{line}\n\n#end document\n"
        (own_data.folder / folder / "x.gold_conll").write_text(text)
    own_data.corpus.update(format="conll2012", train="a", dev="b", test="c")
    own_data.corpus["tasks"] = [{"name": "pos", "layer": "pos"}]
    (message,) = [text for level, text in found(own_data) if level == "error"]
    assert "document nw/1 is in train" in message
    assert "a/x.gold_conll" in message
    assert "c/x.gold_conll" in message


def test_each_place_has_a_line_of_its_own(own_data):
    for _ in range(3):
        own_data.add("train", "He P O I-PER")
    output = run(own_data.file(), "--no-estimate").output
    assert "u000a" not in output
    assert len([line for line in output.splitlines() if line.strip().endswith("and the end of the sentence")]) == 3


def test_files_without_blank_lines_are_a_warning(own_data):
    text = "".join(line for line in (own_data.folder / "train.txt").open() if line.strip())
    (own_data.folder / "train.txt").write_text(text)
    assert levels(own_data, "in train: are blank lines missing?") == ["warning"]


def test_files_with_other_columns_are_a_warning(own_data):
    path = own_data.folder / "test.txt"
    path.write_text("".join(f"{line.rstrip()} x\n" if line.strip() else "\n" for line in path.open()))
    assert levels(own_data, "different numbers of columns (train 4, dev 4, test 5)") == ["warning"]


def test_the_labels_of_a_task_of_two_corpora_are_compared(own_data):
    own_data.values["data"]["datasets"][0]["corpora"].append(
        {"name": "web", "train": "web.txt", "tasks": [{"name": "ner", "column": 1, "scheme": "iob2"}]}
    )
    (own_data.folder / "web.txt").write_text("Rome B-GPE\nsleeps O\n\n")
    assert levels(own_data, "news web: train 1 sentences, 2 tokens") == ["note"]
    missing = [text for level, text in found(own_data) if level == "warning" and "never has" in text]
    assert "news text + web ner: corpus 'text' never has 'GPE'; if it uses other names for them, rename" in missing[0]
    assert "corpus 'web' never has 'LOC'" in missing[1]
    own_data.values["data"]["datasets"][0]["corpora"][1]["tasks"][0]["labels"] = {"GPE": "LOC"}
    assert levels(own_data, "corpus 'text' never has") == []
