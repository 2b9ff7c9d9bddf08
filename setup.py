"""Puts the workflow into the wheel: its files are kept at the top of the repository, and read from there in a clone."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CARRIED = ("Snakefile", "config.yaml", "environment.yml", "profiles", "workflow")
"""What a run needs besides the Python package."""


class BuildWithWorkflow(build_py):
    """Builds the package, then copies the workflow beside it; an editable installation needs no copy."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "sparse_sharing", "_workflow")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in CARRIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy2(ROOT / name, target / name)


setup(cmdclass={"build_py": BuildWithWorkflow})
