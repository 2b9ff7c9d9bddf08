"""Names of variables, parameters and attributes say what they hold."""

import ast
import re

import pytest

FOLDERS = ("src", "tools", "benchmarks")
EMPTY_NAMES = {"found", "own", "given", "stuff", "thing", "things", "data2", "tmp"}
"""Names that fit any value: a search result, a part of something, an argument, a temporary."""

KEPT = {("src/sparse_sharing/pipeline/specs.py", "given")}
"""A field of stored specs: a new name would make jobs run again."""


def named_values(tree):
    """The (line, name) of every variable, parameter and attribute that a syntax tree names."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.MatchMapping():
                yield node.lineno, node.rest
            case ast.alias():
                yield node.lineno, node.asname


def empty_names(path):
    """The (line, name) of every value in a file that has an empty name, in the order of the lines."""
    text = path.read_text(encoding="utf-8")
    # Most files need not be parsed.
    if re.search(rf"\b({'|'.join(EMPTY_NAMES)})\b", text) is None:
        return []
    return sorted((line, name) for line, name in named_values(ast.parse(text)) if name in EMPTY_NAMES)


def test_no_name_is_one_that_fits_any_value(repository):
    files = {
        path.relative_to(repository).as_posix(): path
        for folder in FOLDERS
        for path in sorted((repository / folder).rglob("*.py"))
    }
    empty = [
        f"{file}:{line}: {name}"
        for file, path in files.items()
        for line, name in empty_names(path)
        if (file, name) not in KEPT
    ]
    assert not empty, "say what these names hold:\n" + "\n".join(empty)


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "found: int = 1",
        "found += 1",
        "self.found = 1",
        "x, (y, *found) = z",
        "[x for found in y]",
        "lambda found: 1",
        "def f(x, *, found=1): ...",
        "def found(): ...",
        "class A:\n    found: int",
        "if (found := f()): ...",
        "with f() as found: ...",
        "import x as found",
        "try: ...\nexcept E as found: ...",
        "match x:\n    case [found, *_]: ...",
        "match x:\n    case {'a': 1, **found}: ...",
    ],
)
def test_every_way_to_name_a_value_is_seen(code):
    assert "found" in {name for _, name in named_values(ast.parse(code))}


def test_uses_strings_and_keywords_of_others_are_not_names():
    assert not {name for _, name in named_values(ast.parse("f(found=g('found'), x=other.found)"))}
