"""Builds the light distribution: the modules that an exported model needs, copied from sparse-sharing and renamed.

The modules are those that the entry points import, directly or not. The copy is made again whenever the sources are
beside this folder, and travels in the source distribution.
"""

import ast
import re
import shutil
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[1] / "src" / "sparse_sharing"
NAME, LIGHT_NAME = "sparse_sharing", "sparse_sharing_tagger"
GENERATED = HERE / "generated" / LIGHT_NAME

ENTRY_POINTS = ("cli.light", "tagging.onnx_tagger")
LEFT_OUT = {"tagging.tagger", "training.threads"}
"""They need torch; the light program says what to do where a model asks for it."""

PUBLIC = '''"""Runs taggers that sparse-sharing has trained and exported; `OnnxTagger` is the public name."""

from {name}.tagging.onnx_tagger import OnnxTagger

__version__ = "{version}"

__all__ = ["OnnxTagger", "__version__"]
'''


def path_of(module: str) -> Path:
    """The file of a module of the package."""
    path = SOURCES.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(module: str) -> set[str]:
    """The modules of the package that a module imports, those inside functions too, but none for type checkers only."""
    tree = ast.parse(path_of(module).read_text(encoding="utf-8"))
    unread = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in unread and (node.module or "").split(".")[0] == NAME:
            below = node.module.removeprefix(NAME).lstrip(".")
            for alias in node.names:
                full = f"{below}.{alias.name}".lstrip(".")
                names.add(full if path_of(full).exists() else below)
    return names - {""} - LEFT_OUT


def closure() -> list[str]:
    """Every module that the light distribution carries."""
    found: set[str] = set()
    waiting = set(ENTRY_POINTS)
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= imports_of(module) - found
    return sorted(found)


def version() -> str:
    """The version of sparse-sharing, or of the copy where its sources are not at hand."""
    source = SOURCES if SOURCES.exists() else GENERATED
    text = (source / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)[1]


def generate() -> None:
    """Copy the modules under the light name."""
    shutil.rmtree(GENERATED.parent, ignore_errors=True)
    for module in closure():
        source = path_of(module)
        target = GENERATED / source.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(re.sub(rf"\b{NAME}\b", LIGHT_NAME, text), encoding="utf-8")
    for folder in {path.parent for path in GENERATED.rglob("*.py")}:
        if folder != GENERATED and not (folder / "__init__.py").exists():
            original = (SOURCES / folder.relative_to(GENERATED) / "__init__.py").read_text(encoding="utf-8")
            summary = ast.get_docstring(ast.parse(original)).splitlines()[0]
            (folder / "__init__.py").write_text(f'"""{summary}"""\n', encoding="utf-8")
    (GENERATED / "__init__.py").write_text(PUBLIC.format(name=LIGHT_NAME, version=version()), encoding="utf-8")


if SOURCES.exists():
    generate()
setup(version=version())
