"""Checkpoints: an interrupted training resumes after its last finished epoch, bit for bit."""

import contextlib
import logging
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from sparse_sharing.errors import ArtifactError
from sparse_sharing.network.network import Network
from sparse_sharing.network.parameters import require_shapes
from sparse_sharing.pipeline.specs import Spec
from sparse_sharing.storage.artifacts import Artifact, input_digest, load_tensors, parts_of, save_tensors, write_text
from sparse_sharing.training.loop import Epoch, Progress
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.trainer import Trainer

log = logging.getLogger(__name__)


@contextlib.contextmanager
def work_folder(beside: Path, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """The folder `work` in the folder of an output, locked; it is removed when the stage has finished.

    Files of an attempt with other input files are deleted: a spec describes how the inputs were made, not their
    content.

    Raises:
        ArtifactError: Another process is working there.
    """
    folder = beside / "work"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ArtifactError(
            f"{folder}: another process is making the same files. Wait for it, or stop it, then run the command again"
        ) from error
    try:
        _empty_unless_from(folder, "".join(f"{input_digest(path)}\n" for path in inputs))
        yield folder
        shutil.rmtree(folder)
    finally:
        lock.release()


def _empty_unless_from(folder: Path, digests: str) -> None:
    """Remove files that were made from input files with other digests, and store these digests."""
    record = folder / "inputs"
    if digests == (record.read_text(encoding="utf-8") if record.exists() else ""):
        return
    for path in folder.iterdir():
        if path.name != "lock":
            path.unlink()
    write_text(record, digests)


class Checkpoint:
    """The state of one training on disk, bound to its spec and its label."""

    def __init__(self, path: Path, spec: Spec, label: str) -> None:
        """Use `path`; `label` distinguishes trainings with one spec."""
        self.path, self.spec, self.label = path, spec, label

    def save(self, network: Network, trainer: Trainer, progress: Progress, masking: Masking | None = None) -> None:
        """Write everything that is needed to resume after the last epoch."""
        tensors = {f"now/{name}": value for name, value in network.values().items()}
        tensors |= {f"best/{name}": value for name, value in progress.best.items()}
        tensors |= {f"trainer/{name}": value for name, value in trainer.state().items()}
        if masking is not None:
            tensors |= {f"masking/{name}": value for name, value in masking.state().items()}
        details = {"label": self.label, "history": progress.rows(), "best_epoch": progress.best_epoch}
        if progress.own_values:
            tensors |= {
                f"own {task}/{name}": value
                for task, values in progress.own_values.items()
                for name, value in values.items()
            }
            details["own_epochs"] = progress.own_epochs
        save_tensors(self.path, "checkpoint", self.spec, {k: v.cpu().numpy() for k, v in tensors.items()}, details)

    def restore(self, network: Network, trainer: Trainer, masking: Masking | None = None) -> Progress:
        """Restore the saved state, or start from the beginning if there is none that fits."""
        if not self.path.exists():
            return Progress()
        try:
            saved = load_tensors(self.path, "checkpoint", self.spec.digest())
            with parts_of(self.path):
                if saved.details["label"] != self.label:
                    return Progress()
                groups = _groups(saved, network.device)
                if masking is not None:
                    masking.load_state(groups["masking"])
                history = [Epoch(**row) for row in saved.details["history"]]
                for expected, group in (
                    (network.values(), "now"),
                    (network.values(), "best"),
                    (trainer.state(), "trainer"),
                ):
                    require_shapes(expected, groups[group])
                own_epochs = saved.details.get("own_epochs", {})
                own_values = {task: groups[f"own {task}"] for task in own_epochs}
                for values in own_values.values():
                    require_shapes(network.values(), values)
                best_epoch = history[saved.details["best_epoch"] - 1].number
                progress = Progress(history, groups["best"], best_epoch, own_values, own_epochs)
        except ArtifactError as error:
            log.warning("the checkpoint cannot be used, training starts again from the beginning: %s", error)
            if masking is not None:
                masking.follow(trainer)
            return Progress()
        network.load(groups["now"])
        trainer.load_state(groups["trainer"])
        return progress


def _groups(saved: Artifact, device: torch.device) -> dict[str, dict[str, Tensor]]:
    """The tensors of a checkpoint by group: the present network, the best network, the trainer, `own TASK`."""
    groups: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "trainer": {}}
    for name, array in saved.tensors.items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = torch.from_numpy(array).to(device)
    return groups
