"""`python -m benchmarks`: measure everything, print tables, write JSON; see docs/performance.md."""

import argparse
import json
from pathlib import Path

import torch
from rich.console import Console

from benchmarks import data, experiment, inference, jobs, synthetic_run, tagging, training
from benchmarks.report import Report, Target
from benchmarks.timing import Clock, Series
from benchmarks.training import REFERENCE_A, REFERENCE_B, Setting
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text, load_vocabulary

OUTPUT = Path("results/benchmarks")


def measure_network(
    report: Report, label: str, settings: list[Setting], vocabulary: Vocabulary, text: EncodedText, quick: bool
) -> None:
    """Add the speeds of training and prediction on one corpus, and of ranking."""
    blocks, length = (3, 3) if quick else (15, 6)
    for setting in settings:
        title = f"Training on {label}: {setting.name}"
        speeds = training.step_speeds(setting, vocabulary, text, blocks, length)
        gemm = training.gemm_speed(setting.optimization.batch_size, setting.model.hidden)
        report.speeds[title] = speeds
        report.shares[title] = {
            name: training.gemm_share(setting, series.median, gemm) for name, series in speeds.items()
        }
        report.figures[f"GEMM, {setting.name}"] = gemm, "GFLOP/s"
        report.figures[f"masking, {setting.name}, {label}"] = Series((training.overheads(speeds),)), "% of a dense step"
    sentences = min(text.sentences, 150 if quick else 600)
    title = f"Prediction on {label}, one task"
    report.speeds[title] = inference.prediction_speeds(settings, vocabulary, text, blocks, sentences)
    for setting in settings[:1]:
        ranking = inference.ranking_seconds(setting, vocabulary, 3 if quick else 15)
        milliseconds = Series(tuple(1000 * value for value in ranking.values))
        report.figures[f"ranking of a pruning round, {setting.name}"] = milliseconds, "ms"


def measure_jobs(report: Report, folder: Path, label: str, quick: bool) -> None:
    """Add the measurements of whole processes."""
    loading = inference.loading_seconds(folder / "train.safetensors", 5)
    report.figures[f"opening the training text, {label}"] = Series(tuple(1000 * s for s in loading.values)), "ms"
    report.figures["start-up to the first step"] = jobs.startup_seconds(folder, 1 if quick else 5), "s"
    report.figures[f"peak memory of a training, {label}"] = Series((jobs.peak_memory(folder),)), "MB"
    if quick:
        return
    report.figures["two jobs over one"] = jobs.pair_ratio(folder, 3), "times"
    for wanted in (2_000, 10_000):
        count, ours, bare = jobs.planning(wanted, 3)
        report.figures[f"plan of {wanted:,} jobs"] = ours, f"CPU s, {count} jobs"
        report.figures[f"plan of {wanted:,} bare jobs"] = bare, "CPU s"
        ratios = tuple(seconds / other for seconds, other in zip(ours.values, bare.values, strict=True))
        report.figures[f"plan of {wanted:,} jobs over bare jobs"] = Series(ratios), "times"


def add_targets(report: Report, label: str, setting: Setting) -> None:
    """Add the project's targets, for the corpus that was measured last."""
    speeds = report.speeds[f"Training on {label}: {setting.name}"]
    sparse, figures = speeds["sparse"], report.figures

    def bound(name: str, figure: str, limit: float, at_most: bool = True) -> None:
        if figure in figures:
            report.targets.append(Target(name, figures[figure][0].median, limit, figures[figure][1], at_most))

    report.targets += [
        Target("sparse step over (b)", sparse.ratio(speeds[REFERENCE_B]), 2.3, "times"),
        Target("sparse step over (a)", sparse.ratio(speeds[REFERENCE_A]), 1.2, "times"),
    ]
    bound("masking", f"masking, {setting.name}, {label}", 5)
    evaluation = report.speeds[f"Prediction on {label}, one task"]
    two = next((series for name, series in evaluation.items() if name == "evaluation, 2 layers"), None)
    if two is not None:
        report.targets.append(Target("evaluation, 2 layers", two.median, 12_000, "tokens/s"))
    bound("start-up to the first step", "start-up to the first step", 4)
    bound("ranking of a pruning round", f"ranking of a pruning round, {setting.name}", 50)
    bound("peak memory", f"peak memory of a training, {label}", 500)
    bound("two jobs on two cores", "two jobs over one", 1.9, at_most=False)
    bound("plan of 2,000 jobs", "plan of 2,000 jobs over bare jobs", 1.5)
    bound("plan of 10,000 jobs", "plan of 10,000 jobs over bare jobs", 1.5)


def measure(output: Path, quick: bool, hidden: int = 200, processes: bool = True) -> Report:
    """Measure on generated text, and on the real corpus if there is one; with `quick` only on the latter."""
    report, settings = Report(), training.paper_settings(hidden)
    corpora = {"generated text": data.prepare_generated(output / "generated")}
    if source := data.real_corpus():
        real = {"CoNLL-2003": data.prepare_real(source, output / "conll03")}
        corpora = real if quick else corpora | real
    for label, folder in corpora.items():
        vocabulary = load_vocabulary(folder / "vocabulary.json")
        text = load_text(folder / "train.safetensors")["pos"]
        measure_network(report, label, settings[: 1 if quick else None], vocabulary, text, quick)
    if processes:
        measure_jobs(report, folder.resolve(), label, quick)
        tagging.measure(report, output, quick)
        if not quick:
            synthetic_run.add_to(report)
    add_targets(report, label, settings[0])
    # The configuration of Experiment 1 has one layer, SGD and batches of 10.
    one_layer = next((name for name in report.speeds if "1 layer, SGD" in name), None)
    if one_layer is not None:
        experiment.measure(report, report.speeds[one_layer]["hard"].median)
    return report


def main() -> None:
    """Run the benchmarks that the command line selects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: fewer repetitions, one network")
    parser.add_argument(
        "--cpu-time", action="store_true", help="measure steps and predictions in CPU time, for a busy machine"
    )
    parser.add_argument(
        "--scaling", action="store_true", help="measure how costs grow, with plots; takes several minutes"
    )
    parser.add_argument(
        "--accuracy", action="store_true", help="compare scores with those of the plain implementation and of spaCy"
    )
    parser.add_argument(
        "--seed", type=int, action="append", help="with --accuracy: only compare with spaCy, with this seed"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the JSON files")
    parser.add_argument("--plots", type=Path, default=Path("docs/scaling.svg"), help="file of the plots")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.cpu_time:
        Clock.of_process()
    console = Console()
    if options.accuracy:
        from benchmarks import accuracy, peers

        if not options.seed:
            accuracy.run(options.output, options.quick, console)
        if not options.quick:
            peers.run(options.output, tuple(options.seed or peers.SEEDS), console)
        return
    if options.scaling:
        from benchmarks import scaling

        options.output.mkdir(parents=True, exist_ok=True)
        measured = scaling.measure(options.output, blocks=3 if options.quick else 10)
        points = json.dumps(scaling.to_json(measured), indent=1)
        (options.output / "scaling.json").write_text(points + "\n", encoding="utf-8")
        scaling.plot(measured, options.plots)
        console.print(f"{options.plots} and {options.output / 'scaling.json'} were written")
        return
    report = measure(options.output, options.quick)
    report.save(options.output / "bench.json")
    report.show(console)


if __name__ == "__main__":
    main()
