"""The reference of all keys: generated, complete, and as committed."""

from sparse_sharing.config.reference import reference
from sparse_sharing.config.schema import Config


def test_the_committed_reference_is_the_generated_one(repository):
    assert (repository / "docs" / "reference.md").read_text(encoding="utf-8") == reference(), "run: make generated"


def test_every_section_and_every_key_has_its_row():
    schema = Config.model_json_schema()
    text = reference()
    for name, part in {"Top level": schema, **schema["$defs"]}.items():
        for key in part.get("properties", {}):
            section = text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]
            assert f"| `{key}` |" in section


def test_every_row_says_what_its_key_means_or_is_a_name():
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    blank = [row for row in rows if row.split("|")[4].strip() == "" and not row.startswith("| `name`")]
    assert blank == []
