"""What tests need that is not installed everywhere."""

import importlib.util

import pytest

from sparse_sharing.pipeline.pretrained import PACKAGE


def skip_without_package(pretrained: str | None) -> None:
    """Skip a test of a configuration whose pretrained encoder is in a Python package that is not installed."""
    if pretrained is not None and pretrained.startswith(PACKAGE):
        package = pretrained.removeprefix(PACKAGE).partition("/")[0]
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the Python package {package}, with its pretrained encoder, is not installed")
