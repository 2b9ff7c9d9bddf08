"""The reference of all keys: generated, complete, and as committed."""

import subprocess
import sys

import pytest

from sparse_sharing.config.prune import Prune
from sparse_sharing.config.reference import reference
from sparse_sharing.config.schema import Config
from sparse_sharing.config.systems import System


@pytest.mark.slow
def test_the_committed_reference_is_the_generated_one(repository):
    # In a process of its own: other tests make kinds of sections known that are no part of the package.
    command = [sys.executable, "-m", "sparse_sharing", "reference"]
    made = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert (repository / "docs" / "reference.md").read_text(encoding="utf-8") == made, "run: make generated"


def test_every_section_and_every_key_has_its_row():
    schema = Config.model_json_schema()
    text = reference()
    for name, part in {"Top level": schema, **schema["$defs"]}.items():
        shared = "".join(section(text, root.__name__) for root in (System, Prune) if name in names_of(root))
        for key in part.get("properties", {}):
            assert f"| `{key}` |" in section(text, name) + shared


def names_of(root):
    """The sections of the kinds of a section."""
    return {kind.__name__ for kind in root.kinds().values()}


def section(text, name):
    """The part of the reference that is about a section."""
    return text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def test_every_row_says_what_its_key_means_or_is_a_name():
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    blank = [row for row in rows if row.split("|")[4].strip() == "" and not row.startswith("| `name`")]
    assert blank == []
