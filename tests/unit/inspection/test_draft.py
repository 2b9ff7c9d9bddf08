"""A drafted configuration says what the files hold, and loads as it is."""

import gzip

import pytest
import yaml
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.config import load_config, parse_config
from sparse_sharing.config.schema import SPLITS
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.inspection.draft import draft
from sparse_sharing.pipeline import layout
from sparse_sharing.text.demo.corpora import generate
from sparse_sharing.text.schemes import convert


def write(path, sentences):
    """A column file of sentences, each a list of rows."""
    path.write_text("".join("".join(f"{row}\n" for row in rows) + "\n" for rows in sentences), encoding="utf-8")
    return path


def drafted(files, folder):
    """The text of a draft, and the configuration that it is."""
    text = draft(files, "mine", folder / "mine.yaml")
    return text, parse_config(yaml.safe_load(text))


@pytest.fixture
def joint(tmp_path):
    """The demo corpus with three tasks."""
    files = []
    for name, text in generate("joint", {"train": 60, "dev": 20, "test": 20}, 1).items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    return files


def tasks_of(config):
    return {task.name: task for dataset in config.data.datasets for task in dataset.tasks}


def test_words_tasks_and_schemes_of_the_demo_corpus_are_found(joint, tmp_path):
    _, config = drafted(joint, tmp_path)
    (corpus,) = config.data.datasets[0].corpora
    assert (corpus.train, corpus.dev, corpus.test, corpus.word_column) == ("train.txt", "dev.txt", "test.txt", 0)
    found = {name: (task.column, task.scheme, task.metric) for name, task in tasks_of(config).items()}
    assert found == {"pos": (1, "none", "accuracy"), "chunk": (2, "iob2", "f1"), "ner": (3, "iob2", "f1")}


def test_without_word_vectors_the_features_of_words_are_drafted(joint, tmp_path):
    text, config = drafted(joint, tmp_path)
    assert config.data.vectors is None
    assert config.model.features.model_dump() == {
        "prefix": [1],
        "suffix": [1, 2, 3],
        "shape": True,
        "case": True,
        "rows": 2000,
        "width": 10,
    }
    assert config.model.rare_word_dropout == 0.25
    assert "most useful without word vectors" in text


def test_corpora_with_different_names_become_corpora_of_one_dataset(tmp_path):
    files = []
    for name, text in generate("separate", dict.fromkeys(SPLITS, 40), 1).items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    _, config = drafted(files, tmp_path)
    (dataset,) = config.data.datasets
    assert {corpus.name for corpus in dataset.corpora} == {"pos", "chunk", "ner"}
    assert len(set(dataset.tasks)) == 4


SENTENCES = [
    (["Ann", "Lee", "saw", "Rome"], ["B-PER", "I-PER", "O", "B-LOC"]),
    (["Bob", "Ann", "slept"], ["B-PER", "B-PER", "O"]),
]


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_the_scheme_is_recognised_from_the_tags(tmp_path, scheme):
    rows = [
        [f"{w}{n} {t}" for w, t in zip(words, convert(tags, "iob2", scheme), strict=True)]
        for n in range(20)
        for words, tags in SENTENCES
    ]
    files = [write(tmp_path / f"{split}.txt", rows) for split in ("train", "test")]
    text, config = drafted(files, tmp_path)
    (task,) = tasks_of(config).values()
    assert (task.name, task.scheme) == ("ner", scheme)
    assert not config.data.datasets[0].corpora[0].repair
    assert "no dev file" in text


def test_comments_name_what_may_distort_a_score(tmp_path):
    good = [[f"w{n} {n % 7} x B-PER {n}", f"v{n} {n % 7} x O {n}"] for n in range(200)]
    slips = [["a 1 x B-PRE 1"], ["b 2 x I-PER 2", "c 3 x O 3"], ["d 4 x O"]]
    train = write(tmp_path / "a.train.txt", good + slips)
    test = write(tmp_path / "a.test.txt", [good[0], ["e 5 x B-ORG 5"]])
    text, config = drafted([train, test], tmp_path)
    assert config.data.datasets[0].corpora[0].repair
    assert list(tasks_of(config)) == ["ner"]
    for problem in [
        "1 lines do not have 5 columns (the first: line 606 has 4)",
        "column 1 is not a task: numbers (7 values",
        "column 2 is not a task: it is 'x' in every line",
        "column 4 is not a task: numbers",
        "1 tags break iob2 (first:",
        "'PRE' (1 times): a typo of 'PER'?",
        "in test but not in train: 'B-ORG'",
        "1 of 2 test sentences are also in train, word for word",
    ]:
        assert problem in text


def test_values_with_line_ends_that_yaml_knows_stay_inside_their_comment(tmp_path):
    rows = [[f"w{n} A\x85run:", f"v{n} B\u2028x"] for n in range(30)]
    files = [write(tmp_path / f"{split}.txt", rows) for split in ("train", "test")]
    _, config = drafted(files, tmp_path)
    assert config.run == "mine"


def test_files_without_a_column_of_tags_are_refused(tmp_path):
    files = [write(tmp_path / f"{split}.txt", [["one"], ["two"]]) for split in ("train", "test")]
    with pytest.raises(DataError, match="no column of tags"):
        draft(files, "mine", tmp_path / "mine.yaml")


def test_the_command_reads_gzip_writes_the_file_and_overwrites_only_with_force(joint, tmp_path):
    packed = tmp_path / "gz"
    packed.mkdir()
    for path in joint:
        (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    output = tmp_path / "news-2.yaml"
    command = ["init", *map(str, packed.iterdir()), "--output", str(output)]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert parse_config(yaml.safe_load(output.read_text())).run == "news-2"
    output.write_text("mine")
    assert isinstance(CliRunner().invoke(app, command).exception, ConfigError)
    assert output.read_text() == "mine"
    assert CliRunner().invoke(app, [*command, "--force"]).exit_code == 0
    assert output.read_text() != "mine"


REAL = {
    "conll03": {"pos": (1, "none"), "chunk": (2, "iob2"), "ner": (3, "iob2")},
    "conll2000": {"pos": (1, "none"), "chunk": (2, "iob2")},
    "ewt_uner": {"pos": (1, "none"), "upos": (2, "none"), "ner": (3, "iob2")},
    "wsj_ptb": {"pos": (1, "none")},
}


@pytest.mark.slow
@pytest.mark.parametrize("corpus", REAL)
def test_real_corpora_are_understood(real_data, tmp_path, corpus):
    files = [path for path in sorted(real_data(corpus).iterdir()) if path.suffix in (".txt", ".pos")]
    _, config = drafted(files, tmp_path)
    assert {name: (task.column, task.scheme) for name, task in tasks_of(config).items()} == REAL[corpus]


def test_relative_and_absolute_paths_may_be_mixed(joint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [path.relative_to(tmp_path) if path.stem == "dev" else path for path in joint]
    _, config = drafted(files, tmp_path)
    assert config.data_root == str(tmp_path)


def test_relative_paths_start_at_the_folder_of_the_draft(joint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "project" / "mine.yaml"
    output.parent.mkdir()
    files = [path.relative_to(tmp_path) for path in joint]
    output.write_text(draft(files, "mine", output.relative_to(tmp_path)))
    for folder in (tmp_path, output.parent):
        monkeypatch.chdir(folder)
        assert layout.missing_sources(load_config(output)) == []


WORDS = ["Ann", "Lee", "saw", "Rome", "today"]
TAGS = ["B-PER", "I-PER", "O", "B-LOC", "O"]


def repeated(folder, sentence, names=("a.train.txt", "a.dev.txt", "a.test.txt")):
    """Files of one sentence, written by a function of its number, many times."""
    for name in names:
        (folder / name).write_text("".join(sentence(number) for number in range(30)), encoding="utf-8")
    return [folder / name for name in names]


def rows(columns, number=0):
    """Lines of columns, the words different from sentence to sentence."""
    words = [f"{word}{number}" for word in WORDS]
    return ["\t".join(cells) for cells in zip(words, *columns, strict=True)]


def corpus_of(config):
    (corpus,) = config.data.datasets[0].corpora
    return corpus


@pytest.mark.parametrize("comment", ["# id {} domain=en", "#\thttp://a.org/{} [1]", "# text = one {}"])
def test_comments_before_sentences_are_found(tmp_path, comment):
    empty = ["_"] * len(WORDS)

    def sentence(number):
        return "\n".join([comment.format(number), *rows([empty, empty, TAGS], number)]) + "\n\n"

    text, config = drafted(repeated(tmp_path, sentence), tmp_path)
    assert corpus_of(config).comments
    assert "90 lines that begin with # are skipped as comments" in text
    assert {name: (task.column, task.scheme) for name, task in tasks_of(config).items()} == {"ner": (3, "iob2")}


def test_two_columns_of_spans_behind_running_numbers_are_two_tasks(tmp_path):
    def sentence(number):
        inner = ["O", "B-LOC", "O", "O", "O"]
        lines = [f"{place}\t{row}" for place, row in enumerate(rows([TAGS, inner], number), start=1)]
        return "\n".join([f"#\thttp://a.org/{number} [1]", *lines]) + "\n\n"

    _, config = drafted(repeated(tmp_path, sentence), tmp_path)
    assert corpus_of(config).word_column == 1
    assert [(task.column, task.scheme) for task in tasks_of(config).values()] == [(2, "iob2"), (3, "iob2")]


def test_conllu_is_recognised_with_its_layers(tmp_path):
    def sentence(number):
        cells = zip(WORDS, TAGS, strict=True)
        lines = [f"{n}\t{w}{number}\t_\tX\t{t[0]}\t_\t0\tr\t_\tNER={t}" for n, (w, t) in enumerate(cells, start=1)]
        return "\n".join([f"# sent_id = {number}", *lines]) + "\n\n"

    _, config = drafted(repeated(tmp_path, sentence), tmp_path)
    assert corpus_of(config).format == "conllu"
    assert {task.layer: task.scheme for task in tasks_of(config).values()} == {"xpos": "none", "misc:NER": "iob2"}


@pytest.mark.parametrize(
    ("tags", "scheme", "spelling"),
    [
        ("B-PER L-PER O U-LOC O", "bilou", None),
        ("B-PER E-PER O S-LOC O", "bioes", None),
        ("B-PER E-PER O W-LOC O", "bmewo", None),
        ("b-per i-per o b-loc o", "iob2", "loose"),
        ("B_PER I_PER O B_LOC O", "iob2", "loose"),
        ("PER-B PER-I O LOC-B O", "iob2", "loose"),
        ("B-PER I-PER 0 B-LOC 0", "iob2", "loose"),
        ("B I O B O", "iob2", "loose"),
        ("B-PER I-PER - B-LOC -", "iob2", "loose"),
        ("B-PER I-PER _ B-LOC _", "iob2", "loose"),
    ],
)
def test_span_tags_in_any_spelling_are_never_drafted_as_plain_tags(tmp_path, tags, scheme, spelling):
    files = repeated(tmp_path, lambda number: "\n".join(rows([tags.split()], number)) + "\n\n")
    _, config = drafted(files, tmp_path)
    (task,) = tasks_of(config).values()
    assert (task.scheme, task.spelling, task.metric) == (scheme, spelling, "f1")


def test_tabs_with_spaces_in_words_and_empty_cells(tmp_path):
    def sentence(number):
        return "".join(f"{row}\n" for row in [*rows([["N"] * 5, TAGS], number), "New York\tN\tB-LOC", ".\t\tO"]) + "\n"

    files = repeated(tmp_path, sentence)
    (tmp_path / "a.dev.txt").write_text("Ann\tV\tB-PER\n\n")
    _, config = drafted(files, tmp_path)
    assert corpus_of(config).separator == "tab"
    tasks = {task.column: task.missing for task in tasks_of(config).values()}
    assert tasks == {1: "skip", 2: None}


@pytest.mark.parametrize(("rest", "spelling"), [("", "loose"), ("\tO", None)])
def test_an_empty_cell_is_outside_of_spans_unless_the_column_has_an_o(tmp_path, rest, spelling):
    files = repeated(tmp_path, lambda n: f"Ann{n}\tB-PER\nmet{n}\t\nBo{n}\tB-PER\nthere{n}{rest or chr(9)}\n\n")
    text, config = drafted(files, tmp_path)
    (task,) = tasks_of(config).values()
    assert (task.scheme, task.spelling) == ("iob2", spelling)
    assert not corpus_of(config).repair
    assert ("90 tokens have no value, which is an error" in text) == (spelling is None)


def test_documents_without_parse_trees_have_no_chunks(tmp_path):
    files = []
    for split in ("train", "dev", "test"):
        rows = "".join(
            f"{split}/a   0   {number}   {word}  {tag}  *  -  -  -  Ann  {name}  -\n"
            for number, (word, tag, name) in enumerate([("Ann", "NNP", "(PERSON)"), (f"left{split}", "VBD", "*")])
        )
        files.append(tmp_path / f"{split}.v4_gold_conll")
        files[-1].write_text(f"#begin document ({split}/a); part 000\n{rows}\n#end document\n", encoding="utf-8")
    _, config = drafted(files, tmp_path)
    assert {name: task.layer for name, task in tasks_of(config).items()} == {"pos": "pos", "ner": "ner"}


def test_conllu_plus_may_mark_tokens_outside_of_spans_with_an_underscore(tmp_path):
    def sentence(number):
        rows = enumerate([f"Ann{number}\tB-PER", "was\t_", "not\t_", "there\t_"], start=1)
        head = "# global.columns = ID FORM NER\n" if number == 0 else ""
        return head + "".join(f"{place}\t{row}\n" for place, row in rows) + "\n"

    _, config = drafted(repeated(tmp_path, sentence), tmp_path)
    assert {task.layer: task.spelling for task in tasks_of(config).values()} == {"column:NER": "loose"}


def test_missing_blank_lines_are_reported(tmp_path):
    files = repeated(tmp_path, lambda number: "\n".join(rows([TAGS], number) * 5) + "\n")
    text, _ = drafted(files, tmp_path)
    assert "1 sentence of 750 tokens in train: are blank lines missing?" in text


def test_where_every_sentence_has_an_odd_line_the_first_is_shown(tmp_path):
    files = repeated(tmp_path, lambda number: "\n".join([*rows([TAGS], number), "one two three four"]) + "\n\n")
    with pytest.raises(DataError, match=r"every sentence has a line without 2 columns .*line 6 with 4: 'one two"):
        draft(files, "mine", tmp_path / "mine.yaml")


def test_splits_can_be_named_or_cut(tmp_path):
    one, two, three = repeated(tmp_path, lambda n: "\n".join(rows([TAGS], n)) + "\n\n", ("x.txt", "y.txt", "z.txt"))
    command = ["init", "--train", one, "--train", two, "--test", three, "--output", tmp_path / "m.yaml"]
    assert CliRunner().invoke(app, list(map(str, command))).exit_code == 0
    corpus = corpus_of(parse_config(yaml.safe_load((tmp_path / "m.yaml").read_text())))
    assert (corpus.train, corpus.test) == (["x.txt", "y.txt"], "z.txt")
    command = ["init", one, "--split", "80/10/10", "--output", tmp_path / "m.yaml", "--force"]
    assert CliRunner().invoke(app, list(map(str, command))).exit_code == 0
    corpus = corpus_of(parse_config(yaml.safe_load((tmp_path / "m.yaml").read_text())))
    assert (corpus.train, corpus.split, corpus.test) == ("x.txt", "80/10/10", None)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["x", "--train", "y", "--test", "z"],
        ["--train", "y"],
        ["x", "--split", "80"],
        ["--test", "y", "--split", "80/10/10"],
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path, options):
    result = CliRunner().invoke(app, ["init", *options, "--output", str(tmp_path / "m.yaml")])
    assert isinstance(result.exception, ConfigError)
