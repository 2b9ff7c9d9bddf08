"""The section "Start" of the README, word for word, as a newcomer follows it: from a clone to a tagger."""

import os
import re
import subprocess

import pytest

ASKED = os.environ.get("SPARSE_SHARING_README")


def start_of(readme):
    """The commands of the section, in its order."""
    section = re.search(r"^## Start\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)[1]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def test_the_start_clones_sets_up_activates_tags_and_trains_in_this_order(repository):
    commands = start_of((repository / "README.md").read_text(encoding="utf-8"))
    steps = ("git clone", "make demo", "activate", "sparse-sharing tag", "sparse-sharing init", "sparse-sharing run")
    places = [commands.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.slow
@pytest.mark.skipif(not ASKED, reason="installs 2 GB in a new environment: make readme")
@pytest.mark.timeout(5400)
def test_every_command_of_the_start_works_as_printed(repository, tmp_path):
    commands = start_of((repository / "README.md").read_text(encoding="utf-8"))
    commands = commands.replace("git clone URL", f"git clone --quiet '{repository}'")
    environment = {"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    shell = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (tmp_path / "sparse-sharing/results/mine/report.html").exists()
    assert "sparse-sharing tag results/mine/" in done.stdout
