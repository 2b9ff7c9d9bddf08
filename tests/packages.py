"""Packages for tests: those that are not installed everywhere, and wheels that tests build."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from sparse_sharing.pipeline.pretrained import PACKAGE


def skip_without_package(pretrained: str | None) -> None:
    """Skip a test of a configuration whose pretrained encoder is in a Python package that is not installed."""
    if pretrained is not None and pretrained.startswith(PACKAGE):
        package = pretrained.removeprefix(PACKAGE).partition("/")[0]
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the Python package {package}, with its pretrained encoder, is not installed")


def build_wheel(project: Path, output: Path) -> Path:
    """The wheel of a project, built into a folder without looking for packages."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(output)]
    subprocess.run([*command, str(project)], check=True)
    (wheel,) = output.glob("*.whl")
    return wheel
