"""Tables of the documentation that are made from records: they are up to date, and cover every output."""

import subprocess
import sys

import pytest
import yaml
from pydantic import BaseModel

from sparse_sharing.config import parse_config
from sparse_sharing.config.default_run import EXAMPLES, default_run
from sparse_sharing.pipeline.documentation import CAPTIONS, SHOWN, captions, kinds, with_tables
from sparse_sharing.pipeline.stage import STAGES


@pytest.mark.parametrize(("file", "name"), SHOWN)
def test_a_document_shows_its_table_as_the_records_have_it(repository, file, name):
    text = (repository / file).read_text(encoding="utf-8")
    assert with_tables(text, name) == text, "run: make generated"


def test_each_table_has_its_caption_in_the_report_of_snakemake_and_no_other_file_is_there(repository):
    expected = captions()
    for file, caption in expected.items():
        assert (repository / file).read_text(encoding="utf-8") == caption, "run: make generated"
    found = {str(path.relative_to(repository)) for path in (repository / CAPTIONS).iterdir()}
    assert found == {*expected, f"{CAPTIONS}/page.rst"}


def test_the_table_of_files_has_one_row_for_every_output():
    rows = kinds().splitlines()[2:]
    paths = [row.split("|")[1].strip(" `").rstrip("/") for row in rows]
    made = {f"{stage.folder}/{output.file}" for stage in STAGES for output in stage.outputs}
    assert made <= {f"results/{{run}}/{path}" for path in paths}
    assert len(paths) == len(set(paths))
    assert all(row.count("|") == 4 for row in rows)


def test_the_default_run_in_the_repository_is_the_generated_one(repository):
    assert (repository / "config.yaml").read_text(encoding="utf-8") == default_run(), "run: make generated"


def test_the_default_run_says_what_keys_mean():
    command = "from sparse_sharing.config.default_run import default_run; print(default_run())"
    fresh = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    assert fresh.strip() == default_run().strip()
    assert "# The name of the run.\nrun: demo\n" in fresh


def test_the_default_run_shows_every_key_of_every_section():
    shown = yaml.safe_load(default_run())
    config = parse_config(shown)
    for name, value in config:
        if isinstance(value, BaseModel):
            assert set(shown[name]) == set(type(value).model_fields), name
    assert set(shown) == set(type(config).model_fields)


def test_the_commented_examples_of_the_default_run_are_valid():
    values = yaml.safe_load(default_run())
    values["select"]["choices"] += EXAMPLES["choices"]
    values["train"]["systems"] += EXAMPLES["systems"]
    names = {system.name for system in parse_config(values).train.systems}
    assert {"soft", "layered", "pair"} <= names


def test_a_document_without_marks_is_refused_with_the_marks_it_needs():
    with pytest.raises(ValueError, match=r"no marks of 'kinds of file'.*make generated"):
        with_tables("# Files\n", "kinds of file")
