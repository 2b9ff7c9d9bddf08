"""Speed of tagging: in process, by the command line, one sentence, many short texts.

`python -m benchmarks.tagging` trains small models on CoNLL-2003 by the workflow itself, and spaCy's small CPU pipeline
on the same sentences if spaCy is installed, and measures all of them in turn. Times are processor seconds of one
thread.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from rich.console import Console

from benchmarks import answers
from benchmarks.data import real_corpus
from benchmarks.processes import ROOT, cost_of, sparse_sharing
from benchmarks.report import Report, Target
from benchmarks.spacy_peer import SpacyPeer, is_installed
from benchmarks.timing import Clock, Series, seconds, side_by_side

SHORT = 12
"""The most tokens of a sentence that counts as a short text."""
RAW_BYTES = 2_000_000
TURN = 20
"""Sentences that one model tags before it is another's turn, where sentences are tagged one at a time."""
Sentences = list[list[str]]


@dataclass(frozen=True)
class Written:
    """Columns of a corpus: sentences of (word, part of speech, name tag) in IOB2."""

    sentences: list[list[tuple[str, str, str]]]

    @classmethod
    def read(cls, path: Path, limit: int | None = None) -> "Written":
        """The first sentences of a file in the columns of CoNLL-2003, without its document marks."""
        blocks = path.read_text(encoding="utf-8").split("\n\n")
        cells = [[line.split() for line in block.splitlines() if line.strip()] for block in blocks]
        sentences = [
            [(one[0], one[1], one[3]) for one in block] for block in cells if block and block[0][0] != "-DOCSTART-"
        ]
        return cls(sentences[:limit])

    @property
    def words(self) -> Sentences:
        """The tokens only."""
        return [[token[0] for token in sentence] for sentence in self.sentences]


def train(source: Path, folder: Path, sentences: int) -> dict[str, Path]:
    """Train a hard and a sparse model of part of speech and names for one epoch; the folders of the models."""
    split = {"train": str(source / "train.txt"), "test": str(source / "test.txt")}
    tasks = [
        {"name": "pos", "column": 1},
        {"name": "ner", "column": 3, "scheme": "iob2", "model_scheme": "bioes"},
    ]
    corpus = {"name": "conll03", **split, "train_sentences": sentences, "dev_fraction": 0.1, "tasks": tasks}
    optimization = {"optimizer": "adam", "learning_rate": 0.002, "batch_size": 16, "epochs": 1}
    systems = [
        {"name": "hard", "sharing": "hard"},
        {"name": "sparse", "sharing": "sparse", "start": "initial", "choice": "half"},
    ]
    values = {
        "run": "tagging",
        "seeds": [1],
        "data": {"datasets": [{"name": "conll03", "corpora": [corpus]}]},
        "model": {"hidden": 200, "layers": 1},
        "prune": {**optimization, "source": "one_shot", "rounds": 1, "final_density": 0.5},
        "select": {"choices": [{"name": "half", "rule": "target_density", "target_density": 0.5}]},
        "train": {**optimization, "systems": systems},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tagging.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "1",
        "--quiet",
        "all",
        "--snakefile",
        str(ROOT / "Snakefile"),
    ]
    command += ["--directory", str(folder), "--configfile", str(folder / "tagging.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the training of the models failed: {(done.stdout + done.stderr)[-2000:]}")
    seed = folder / "results" / "tagging" / "conll03" / "seed1"
    return {name: seed / "train" / name / "shared" for name in ("hard", "sparse")}


def trained_spacy(written: Written) -> SpacyPeer | None:
    """The pipeline of spaCy, trained for one epoch; None without spaCy."""
    if not is_installed():
        return None
    pipeline = SpacyPeer("iob2", {}, seed=1)
    gold = {
        task: [[token[column] for token in sentence] for sentence in written.sentences]
        for task, column in (("pos", 1), ("ner", 2))
    }
    for _ in pipeline.train(written.words, gold, epochs=1):
        pass
    return pipeline


def write_inputs(folder: Path, sentences: Sentences) -> dict[str, tuple[Path, list[str]]]:
    """The sentences as columns, as plain text, and again for JSON Lines: file and options of the command line."""
    columns = folder / "input.columns"
    columns.write_text("\n".join("".join(f"{word}\n" for word in words) for words in sentences), encoding="utf-8")
    text = folder / "input.txt"
    text.write_text("".join(" ".join(words) + "\n" for words in sentences), encoding="utf-8")
    return {
        "columns": (columns, ["--input", "columns", "--output", "columns"]),
        "plain text": (text, ["--input", "raw", "--output", "columns"]),
        "JSON Lines": (columns, ["--input", "columns", "--output", "jsonl"]),
    }


def command_line_speeds(model: Path, folder: Path, sentences: Sentences, turns: int) -> dict[str, Series]:
    """Tokens per processor second of the command line, its start-up (one sentence) taken away, and in process.

    Both begin with a model that has seen no word yet, and take turns.
    """
    from sparse_sharing.tagging.loading import load_tagger

    tokens = sum(map(len, sentences))
    inputs, one = write_inputs(folder, sentences), folder / "one"
    one.mkdir(exist_ok=True)
    single = write_inputs(one, sentences[:1])
    speeds: dict[str, list[float]] = {"in process": [], **{name: [] for name in inputs}}
    for _ in range(turns):
        tagger = load_tagger(model)
        speeds["in process"].append(tokens / seconds(partial(tagger.tag, sentences)))
        for name, (file, options) in inputs.items():
            start, whole = (
                cost_of(sparse_sharing("tag", model, path, *options)).seconds for path in (single[name][0], file)
            )
            speeds[name].append((tokens - len(sentences[0])) / (whole - start))
    return {name: Series(tuple(values)) for name, values in speeds.items()}


def sentence_milliseconds(
    actions: Mapping[str, Callable[[list[str]], object]], sentences: Sentences
) -> dict[str, Series]:
    """Milliseconds for one sentence at a time; actions take turns after every `TURN` sentences.

    A program that waits for answers has one model. If models took turns after every sentence, each would find the
    processor's caches full of the others' weights.
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for number, first in enumerate(range(0, len(sentences), TURN)):
        names = list(actions)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            for words in sentences[first : first + TURN]:
                start = time.process_time()
                actions[name](words)
                taken[name].append(1000 * (time.process_time() - start))
    return {name: Series(tuple(values)) for name, values in taken.items()}


def measure(report: Report, output: Path, quick: bool) -> None:
    """Add tagging to the report; needs CoNLL-2003."""
    from sparse_sharing.tagging.loading import load_tagger

    source = real_corpus()
    if source is None:
        return
    sentences, blocks, turns = (600, 3, 1) if quick else (3_000, 9, 3)
    folder = (output / f"tagging-{sentences}").resolve()
    models = train(source.resolve(), folder, sentences)
    onnx = folder / "onnx"
    if not onnx.exists():
        cost_of(sparse_sharing("export", models["hard"], "--onnx", "--output", onnx))
    models = {**models, "ONNX": onnx}
    taggers = {name: load_tagger(path) for name, path in models.items()}
    spacy = trained_spacy(Written.read(source / "train.txt", sentences))
    text = Written.read(source / "test.txt").words
    _add_speeds(report, taggers, spacy, text, blocks)
    _add_sentences(report, taggers, spacy, text, 60 if quick else 400)
    _add_command_line(report, {name: models[name] for name in ("hard", "ONNX")}, folder, text, turns)
    answers.measure(report, folder, source.resolve(), models, turns)


def _add_speeds(report: Report, taggers: Mapping, spacy: SpacyPeer | None, text: Sentences, blocks: int) -> None:
    size = len(text) // blocks
    parts = [text[n * size : (n + 1) * size] for n in range(blocks)]
    actions = {f"{name}, in process": lambda n, one=one: one.tag(parts[n]) for name, one in taggers.items()}
    if spacy is not None:
        actions["spaCy, in process"] = lambda n: spacy.documents(parts[n])
    whole = [" ".join(words) for words in text if len(words) <= SHORT]
    lengths = [sum(map(len, part)) for part in parts]
    speeds = side_by_side(actions, lengths)
    report.speeds["Tagging in process: two tasks"] = speeds
    if spacy is not None:
        ratio = speeds["hard, in process"].ratio(speeds["spaCy, in process"])
        report.targets.append(Target("tagging, hard, over spaCy", ratio, 2, "times"))
    # 5,000 short texts in one call, beside the same sentences as one text.
    texts = (whole * (5_000 // len(whole) + 1))[:5_000]
    tagger, tokens = taggers["hard"], sum(len(text.split()) for text in texts)
    apart = side_by_side(
        {"texts": lambda n: tagger.tag(texts), "file": lambda n: tagger.document("\n".join(texts))}, [tokens] * 3
    )
    slower = apart["file"].ratio(apart["texts"])
    report.figures["5,000 short texts, tokens/s"] = apart["texts"], "tokens/s"
    report.targets.append(Target("5,000 short texts, time over one text", slower, 1.2, "times", at_most=True))


def _add_command_line(report: Report, models: Mapping[str, Path], folder: Path, text: Sentences, turns: int) -> None:
    # Four times the text, so that the start-up of a process, which is subtracted, has little weight.
    speeds = command_line_speeds(models["hard"], folder, text * 4, turns)
    report.speeds["Tagging by the command line: hard, two tasks"] = speeds
    for name, series in speeds.items():
        if name != "in process":
            share = series.ratio(speeds["in process"])
            report.targets.append(Target(f"command line, {name}, of in process", share, 0.8, "times"))
    raw = folder / "two-megabytes.txt"
    lines = "".join(" ".join(words) + "\n" for words in text)
    raw.write_text(lines * (RAW_BYTES // len(lines) + 1), encoding="utf-8")
    options = ("--input", "raw", "--output", "columns")
    for name, path in models.items():
        peak = cost_of(sparse_sharing("tag", path, raw, *options)).megabytes
        report.figures[f"peak memory, 2 MB of plain text, {name}"] = Series((peak,)), "MB"
    report.targets.append(Target("peak memory, 2 MB of plain text, ONNX", peak, 250, "MB", at_most=True))


def _add_sentences(report: Report, taggers: Mapping, spacy: SpacyPeer | None, text: Sentences, count: int) -> None:
    actions = {f"one sentence, {name}": lambda words, one=one: one.tag([words]) for name, one in taggers.items()}
    if spacy is not None:
        actions["one sentence, spaCy"] = lambda words: spacy.documents([words])
    measured = sentence_milliseconds(actions, text[-count:])
    for name, series in measured.items():
        report.figures[name] = series, "ms"
    if spacy is not None:
        ratio = measured["one sentence, hard"].ratio(measured["one sentence, spaCy"])
        report.targets.append(Target("one sentence, hard, time over spaCy", ratio, 0.8, "times", at_most=True))
    report.targets.append(Target("one sentence, ONNX", measured["one sentence, ONNX"].median, 1.5, "ms", at_most=True))


def main() -> None:
    """Measure, print, and write `tagging.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    Clock.of_process()
    report = Report()
    measure(report, options.output, options.quick)
    if not report.targets:
        sys.exit("SPARSE_SHARING_DATA must be a folder with conll03/train.txt, dev.txt and test.txt")
    report.save(options.output / "tagging.json")
    report.show(Console())


if __name__ == "__main__":
    main()
