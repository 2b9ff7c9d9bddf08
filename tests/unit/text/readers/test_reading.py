"""Reading a split in any format, with positions beside what is annotated."""

import pytest

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn
from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import ReadReport
from sparse_sharing.text.readers.reading import files_of_split, read_split

POSITION = TaskColumn(name="position", derive="position", scheme="none", model_scheme="none")
CONLLU = "".join(f"{n}\t{w}\t_\tX\t_\t_\t_\t_\t_\t_\n" for n, w in enumerate(["a", "b", "c"], start=1))
CONLL2012 = "#begin document (nw/a); part 000\n" + "".join(
    f"nw/a 0 {n} {w} X * - - - - * -\n" for n, w in enumerate(["a", "b", "c"])
)
TEXTS = {
    None: ("a X\nb X\nc X\n", {"column": 1}, {"word_column": 0}),
    "conllu": (CONLLU, {"layer": "upos"}, {}),
    "conll2012": (f"{CONLL2012}\n#end document\n", {"layer": "pos"}, {"skip_domains": ["pt"]}),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_positions_are_indices_in_the_sentence_in_every_format_and_stand_where_their_task_stands(tmp_path, kind):
    text, place, keys = TEXTS[kind]
    (tmp_path / "text").write_text(text)
    pos = TaskColumn(name="tag", **place, scheme="none", model_scheme="none")
    for tasks in ([POSITION, pos], [pos, POSITION]):
        spec = CorpusSpec(name="text", format=kind, repair=False, tasks=tasks, **keys)
        (sentence,) = read_split(spec, tmp_path / "text", None, ReadReport())
        assert sentence.words == ("a", "b", "c")
        assert dict(zip((task.name for task in tasks), sentence.tags, strict=True)) == {
            "tag": ("X", "X", "X"),
            "position": ("0", "1", "2"),
        }


def test_positions_need_no_annotation_at_all(tmp_path):
    (tmp_path / "text").write_text("a\nb\n\nc\n")
    spec = CorpusSpec(name="text", word_column=0, repair=False, tasks=[POSITION])
    assert [s.tags for s in read_split(spec, tmp_path / "text", None, ReadReport())] == [(("0", "1"),), (("0",),)]


def test_a_folder_without_files_of_the_format_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no file whose name ends in gold_conll"):
        files_of_split(tmp_path)
