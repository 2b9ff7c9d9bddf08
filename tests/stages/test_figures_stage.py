"""Stage figures: drawn from the tables of the run, and of no other."""

import pytest

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_json


@pytest.fixture
def drawn(pipeline):
    """The folder of the figures."""
    return pipeline.figures()


def test_the_files_are_those_of_the_layout(pipeline, drawn):
    assert {path.name for path in drawn.iterdir()} == set(layout.figure_files(pipeline.specs.tables()))


def test_drawing_twice_gives_the_same_bytes(pipeline, drawn, tmp_path):
    again = pipeline.figures(tmp_path / "again")
    for path in drawn.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_table_that_was_changed_is_refused_by_name(pipeline):
    path = pipeline.path(layout.TABLES) / "rounds.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1,", ",7,"), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"rounds\.csv: was changed after it was made"):
        pipeline.figures()


def test_a_table_that_is_missing_is_refused_by_name(pipeline):
    (pipeline.path(layout.TABLES) / "comparisons.csv").unlink()
    with pytest.raises(ArtifactError, match=r"comparisons\.csv: cannot be read"):
        pipeline.figures()


def test_tables_of_other_settings_are_refused(pipeline):
    with pytest.raises(ArtifactError, match=r"provenance\.json: was made with other settings"):
        pipeline.changed(tables={"baseline": "hard"}).figures()


def test_the_record_of_the_tables_is_that_which_the_figures_expect(pipeline):
    spec = pipeline.specs.figures()
    assert load_json(pipeline.path(layout.TABLES) / "provenance.json", "tables", spec.tables)
