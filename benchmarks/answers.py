"""The time until the first answer: processor seconds of whole commands and of bare imports, in turn."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.processes import cost_of, sparse_sharing
from benchmarks.report import Report, Target
from benchmarks.timing import Series

IMPORTS = "import typer, pydantic, yaml"


def seconds_of(commands: Mapping[str, Sequence[str]], folder: Path, turns: int) -> dict[str, Series]:
    """Processor seconds of each command, all in turn."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(turns):
        for name, command in commands.items():
            taken[name].append(cost_of(command, folder).seconds)
    return {name: Series(tuple(values)) for name, values in taken.items()}


def measure(report: Report, folder: Path, source: Path, models: Mapping[str, Path], turns: int) -> None:
    """Add the first answers to the report.

    Args:
        report: the report to add to.
        folder: where the run `results/tagging` of `benchmarks.tagging` is, with its configuration.
        source: the folder of CoNLL-2003.
        models: `hard` in torch, `ONNX` its export.
        turns: how often each command runs.
    """
    line = folder / "line.txt"
    line.write_text("Ann Lee lives in Rome .\n", encoding="utf-8")
    run, splits = folder / "results" / "tagging", [source / f"{name}.txt" for name in ("train", "dev", "test")]
    masks = next(run.glob("**/masks.safetensors"))
    metrics_file = next(run.glob("**/evaluate/**/*.json"))
    draft = folder / "drafted.yaml"
    commands = {
        "bare imports": [sys.executable, "-c", IMPORTS],
        "bare imports, numpy": [sys.executable, "-c", f"{IMPORTS}, numpy"],
        "bare imports, torch": [sys.executable, "-c", f"{IMPORTS}, torch"],
        "--help": sparse_sharing("--help"),
        "status": sparse_sharing("status", run),
        "why": sparse_sharing("why", metrics_file, "--configfile", folder / "tagging.yaml"),
        "masks show": sparse_sharing("masks", "show", masks),
        "tag, one line, ONNX": sparse_sharing("tag", models["ONNX"], line),
        "tag, one line, torch": sparse_sharing("tag", models["hard"], line),
        "init, CoNLL-2003": sparse_sharing("init", *splits, "--output", draft, "--force"),
        "validate --no-estimate, CoNLL-2003": sparse_sharing("validate", draft, "--no-estimate"),
    }
    measured = seconds_of(commands, folder, turns)
    for name, series in measured.items():
        report.figures[f"first answer: {name}"] = series, "CPU-s"
    for name, base, bound in (
        ("--help", "bare imports", 0.2),
        ("status", "bare imports", 0.2),
        ("why", "bare imports", 0.2),
        ("masks show", "bare imports, numpy", 0.2),
        ("tag, one line, torch", "bare imports, torch", 1.0),
    ):
        more = measured[name].median - measured[base].median
        report.targets.append(Target(f"{name}, over {base}", more, bound, "CPU-s", at_most=True))
    for name, bound in (
        ("tag, one line, ONNX", 1.2),
        ("init, CoNLL-2003", 3.0),
        ("validate --no-estimate, CoNLL-2003", 3.0),
    ):
        report.targets.append(Target(name, measured[name].median, bound, "CPU-s", at_most=True))
