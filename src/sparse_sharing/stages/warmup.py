"""Stage `warmup`: theta(0), or theta(w) after w epochs of dense training on all tasks (paper, "Multi-Task Warmup")."""

from pathlib import Path

from sparse_sharing.artifacts import save_tensors
from sparse_sharing.config.specs import WarmupSpec
from sparse_sharing.models.network import Network
from sparse_sharing.progress import Reporter
from sparse_sharing.stages.inputs import choose_device, for_tasks, load_task_data, load_vectors, load_vocabulary
from sparse_sharing.stages.training import train
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.initial import initialise


def run(
    spec: WarmupSpec, vocabulary: Path, vectors: Path, train_text: Path, dev_text: Path, output: Path, device: str
) -> None:
    """Write the starting weights; everything after rewinds to them."""
    words = load_vocabulary(vocabulary, spec.data)
    given = load_vectors(vectors, spec.data, words.word_count, spec.model.word_dimension)
    tasks, inputs = {}, []
    if spec.optimization is not None:
        tasks = load_task_data(train_text, dev_text, list(words.tasks), spec.data, words, spec.weights)
        inputs = [vocabulary, vectors, train_text, dev_text]
    with work_folder(output.parent, inputs) as work:
        network = Network(spec.model, for_tasks(words, spec.model.stacks or words.tasks), choose_device(device))
        initialise(network, spec.seed, *given)
        if spec.optimization is not None:
            with Reporter("warm-up", spec.optimization.epochs, work=work) as report:
                train(
                    network,
                    tasks,
                    spec.optimization,
                    spec.seed,
                    ("warmup",),
                    spec,
                    work / "warmup",
                    report,
                    replicate=spec.replicate or (),
                )
        tensors = {name: value.cpu().numpy() for name, value in network.values().items()}
        save_tensors(output, "weights", spec, tensors, {"model": spec.model.model_dump()})
