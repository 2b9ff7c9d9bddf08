"""The errors that a user can cause. Each is shown as only its message, and ends the process with its exit code."""

INTERRUPTED = "interrupted; training resumes after its last finished epoch"
"""The last line of the log of a job that Ctrl-C has ended; such a job has not failed."""


class UserError(Exception):
    """The base of all errors caused by the input, not by the program: the message says what, where and what to do."""

    exit_code = 1


class ConfigError(UserError):
    """The configuration or a command-line option is wrong."""

    exit_code = 2


class DataError(UserError):
    """A corpus or vector file is missing, malformed or does not fit the configuration."""

    exit_code = 3

    @classmethod
    def at(cls, path: object, line: int, actual: str, expected: str) -> "DataError":
        """An error on a line (counted from 1) of a file, with what was found and what was expected."""
        return cls(f"{path}, line {line}: found {actual}; expected {expected}")


class ArtifactError(UserError):
    """A file made by an earlier stage is missing, damaged, foreign, or made with other settings."""

    exit_code = 4


class TrainingError(UserError):
    """Training cannot continue: the loss is not finite, a task has no sentence, a mask keeps nothing."""

    exit_code = 5


class ResourceError(UserError):
    """The memory of the machine, of the job, or of its GPU is not sufficient."""

    exit_code = 8


class DownloadError(UserError):
    """A file cannot be downloaded, or is not the expected one."""

    exit_code = 7
