"""Small hand-made scores: every figure made of them can be checked in the head."""

ORDER = {"dataset": ["joint", "chat"], "system": ["single", "hard", "sparse"], "task": ["pos", "ner", "chunk"]}
TYPES = {"X": {"precision": 60.0, "recall": 40.0, "f1": 48.0, "support": 5}}


def accuracy(test, density=1.0, per_type=TYPES):
    """The scores of a task of single tags."""
    scores = {"dev": {"accuracy": test + 1}, "test": {"accuracy": test}}
    return {"metric": "accuracy", **scores, "per_type": per_type, "density": density}


def spans(test, density=1.0, per_type=TYPES):
    """The scores of a task of spans."""
    scores = {"precision": test + 2, "recall": test - 2, "f1": test, "accuracy": 99.0}
    return {"metric": "f1", "dev": scores, "test": scores, "per_type": per_type, "density": density}


def written(write, table, tmp_path, *arguments):
    """What a function writes of a table, as text."""
    path = tmp_path / "table"
    write(table, path, *arguments)
    return path.read_bytes().decode("utf-8")


def summary_row(table, system, task):
    """The row of a system and task."""
    return table[(table["system"] == system) & (table["task"] == task)].iloc[0]
