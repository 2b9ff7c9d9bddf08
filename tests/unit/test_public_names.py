"""`sparse_sharing` offers a few documented names with their types, and loads none of them before it is used."""

import ast
import importlib
import inspect
import subprocess
import sys

import pytest

import sparse_sharing


def test_every_public_name_is_there_and_documented():
    names = [name for name in sparse_sharing.__all__ if name != "__version__"]
    assert {"Tagger", "OnnxTagger", "Mask", "load_config", "load_model"} == set(names)
    for name in names:
        assert inspect.getdoc(getattr(sparse_sharing, name)), name


def test_type_checkers_see_the_names_that_are_loaded(repository):
    tree = ast.parse((repository / "src" / "sparse_sharing" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {alias.name: node.module for node in block.body for alias in node.names}
    assert {*declared, "__version__"} == set(sparse_sharing.__all__)
    for name, module in declared.items():
        assert getattr(sparse_sharing, name) is getattr(importlib.import_module(module), name), name


def test_other_names_are_refused_and_dir_lists_the_public_ones():
    with pytest.raises(AttributeError, match="no attribute 'Taggr'"):
        sparse_sharing.Taggr  # noqa: B018
    assert set(sparse_sharing.__all__) <= set(dir(sparse_sharing))


def test_the_package_itself_loads_nothing_heavy():
    code = "import sys, sparse_sharing; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sparse_sharing" in loaded
    assert not {"torch", "numpy", "pydantic", "yaml", "pandas"} & set(loaded)
