"""Stage `warmup`: theta(0), or theta(w) after w epochs of dense training on all tasks (paper, "Multi-Task Warmup")."""

from pathlib import Path

from sparse_sharing.encoders.base import complete
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import WarmupSpec
from sparse_sharing.storage.artifacts import save_tensors
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.inputs import choose_device, load_task_data, load_vectors, load_vocabulary, tags_files
from sparse_sharing.training.setup import train, work_done


def run(
    spec: WarmupSpec,
    vocabulary_file: Path,
    vectors: Path,
    train_text: Path,
    dev_text: Path,
    output: Path,
    device: str,
    pretrained: Path | None = None,
) -> None:
    """Write the starting weights and their costs; all later trainings start from, or rewind to, these weights.

    They include the heads of the tasks that were trained. Other heads are drawn when they are used, so that a task that
    is added later does not change the weights of the others.

    Raises:
        ConfigError: The folder of pretrained weights is missing, or is given to an encoder without pretrained weights.
        ArtifactError: The files in the folder cannot be read, or differ from those of the spec.
    """
    meter = Meter()
    vocabulary = load_vocabulary(vocabulary_file, spec.data, spec.tags or {})
    word_vectors = load_vectors(vectors, spec.data, vocabulary.word_count, spec.model.vector_width)
    tasks, inputs, epochs = {}, [], 0
    if spec.optimization is not None:
        tags = spec.tags or {}
        tasks = load_task_data(train_text, dev_text, tags, spec.data, vocabulary, spec.weights)
        inputs = [vocabulary_file, vectors, train_text, dev_text, *tags_files((train_text, dev_text), tags)]
    model = complete(spec.model, pretrained)
    with work_folder(output.parent, inputs) as work:
        meter.keep_in(work)
        network = Network(model, vocabulary, choose_device(device))
        initialise(network, spec.seed, *word_vectors)
        if spec.optimization is not None:
            epochs = spec.optimization.epochs
            with Reporter("warm-up", epochs, work=work) as report:
                checkpoint = work / "warmup"
                options = {"replicate": spec.replicate or (), "meter": meter}
                train(network, tasks, spec.optimization, spec.seed, ("warmup",), spec, checkpoint, report, **options)
        tensors = {name: value.cpu().numpy() for name, value in network.values().items()}
        # A warm-up keeps its last weights; its dev scores choose nothing.
        done = work_done(tasks, spec.optimization, epochs) if spec.optimization is not None else ({}, {})
        write_costs(output.parent, Costs(meter.seconds, *done))
        save_tensors(output, "weights", spec, tensors, {"model": model.model_dump()})
