"""The documentation: a site without a broken link, and commands that the program and the Makefile know."""

import re
import subprocess
import sys

import pytest

import sparse_sharing


@pytest.mark.slow
def test_the_site_builds_strictly(repository, tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs-material is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site" / "reference" / "index.html").exists()


def test_every_page_is_in_the_navigation(repository):
    navigation = (repository / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page.name for page in (repository / "docs").glob("*.md") if page.name not in navigation] == []


@pytest.fixture(scope="module")
def public_names(repository):
    """The generated page of the public names."""
    command = [sys.executable, "-m", "tools.api"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_page_of_the_public_names_is_the_generated_one(repository, public_names):
    committed = (repository / "docs" / "api.md").read_text(encoding="utf-8")
    assert committed == public_names, "run: make generated"


@pytest.mark.slow
def test_every_public_name_is_on_its_page_with_what_it_raises(public_names):
    names = [name for name in sparse_sharing.__all__ if not name.startswith("__")]
    assert [name for name in names if f"\n## {name}\n" not in public_names] == []
    assert "\n### Tagger.tag\n" in public_names
    assert "- `ValueError`: A token is empty." in public_names


def test_links_of_the_readme_lead_somewhere(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert len(targets) > 10
    assert [target for target in targets if not (repository / target).exists()] == []
