"""`make check` fails where pyright finds something, and goes on where pyright cannot be started."""

import os
import subprocess
import sys

import pytest

CANNOT_START = "raise SystemExit('nodeenv failed: no network')"
FINDS_SOMETHING = "import sys; sys.exit(0 if '--version' in sys.argv else 1)"
FINDS_NOTHING = ""


@pytest.fixture
def check(repository, tmp_path):
    """A function that checks the types with a pyright that runs some code."""

    def run(code):
        (tmp_path / "pyright.py").write_text(code, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "tools.check_types"],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(("code", "expected"), [(FINDS_SOMETHING, 1), (FINDS_NOTHING, 0)])
def test_it_ends_as_pyright_does(check, code, expected):
    done = check(code)
    assert (done.returncode, done.stderr) == (expected, "")


def test_it_says_why_pyright_cannot_be_started_and_what_to_do(check):
    done = check(CANNOT_START)
    assert done.returncode == 0
    assert done.stderr == (
        "Types are not checked: pyright cannot be started (nodeenv failed: no network). It needs Node.js: "
        "pip install 'pyright[nodejs]', or a network to download it.\n"
    )


def test_make_check_calls_it(repository):
    recipe = (repository / "Makefile").read_text(encoding="utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    assert "python -m tools.check_types" in recipe
