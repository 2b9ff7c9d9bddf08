"""Ends a training, as it were, after some of its checkpoints."""

from sparse_sharing.training.checkpoint import Checkpoint


class Interrupted(BaseException):
    """Stands for whatever ends a process."""


class Interruption:
    """Counts the checkpoints of all trainings, and simulates the end of the process after a number of them."""

    def __init__(self, monkeypatch, after=None):
        self.epochs, self.after = 0, after
        monkeypatch.setattr(Checkpoint, "save", self.wrap(Checkpoint.save))

    def wrap(self, save):
        def saved(checkpoint, *arguments):
            save(checkpoint, *arguments)
            self.epochs += 1
            if self.epochs == self.after:
                raise Interrupted

        return saved
