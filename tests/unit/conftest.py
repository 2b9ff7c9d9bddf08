"""A small configuration with two datasets, two choices and three systems, for tests to change."""

import copy

import pytest

PLAIN = {
    "run": "small",
    "seeds": [1, 2],
    "data": {
        "datasets": [
            {
                "name": "joint",
                "corpora": [
                    {
                        "name": "text",
                        "train": "joint/train.txt",
                        "dev": "joint/dev.txt",
                        "test": "joint/test.txt",
                        "tasks": [
                            {"name": "pos", "column": 1},
                            {"name": "chunk", "column": 2, "scheme": "iob2"},
                            {"name": "ner", "column": 3, "scheme": "iob2", "model_scheme": "bioes"},
                        ],
                    }
                ],
            },
            {
                "name": "pair",
                "corpora": [
                    {"name": "first", "train": "a", "test": "b", "tasks": [{"name": "pos", "column": 1}]},
                    {"name": "second", "train": "c", "test": "d", "tasks": [{"name": "ner", "column": 1}]},
                ],
            },
        ],
    },
    "prune": {"rounds": 4},
    "select": {
        "choices": [
            {"name": "half", "rule": "target_density", "target_density": 0.5},
            {"name": "best", "rule": "best_dev"},
        ]
    },
    "train": {
        "systems": [
            {"name": "single", "sharing": "single"},
            {"name": "hard", "sharing": "hard"},
            {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half"},
            {"name": "cold", "sharing": "sparse", "start": "initial", "choice": "best"},
        ]
    },
}


def _changed(path=None, value=None):
    """The small configuration; the value at a dotted path is set, or with `list.+` put behind the items of a list."""
    values = copy.deepcopy(PLAIN)
    if path is not None:
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        section = values
        for part in parents:
            section = section[part] if isinstance(section, list) else section.setdefault(part, {})
        if last == "+":
            section.append(value)
        else:
            section[last] = value
    return values


@pytest.fixture(scope="session")
def changed():
    """A function that gives the values of the configuration, with the value at a dotted path set to another."""
    return _changed
