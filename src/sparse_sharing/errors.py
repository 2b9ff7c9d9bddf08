"""The errors a user can cause. Each is shown as its message alone, and ends the process with its exit code."""


class UserError(Exception):
    """Base of every error that is the input's fault, not the program's: the message says what, where and what to do."""

    exit_code = 1


class ConfigError(UserError):
    """The configuration or a command-line option is wrong."""

    exit_code = 2


class DataError(UserError):
    """A corpus or vector file is missing, malformed or does not fit the configuration."""

    exit_code = 3

    @classmethod
    def at(cls, path: object, line: int, found: str, expected: str) -> "DataError":
        """An error at a line (counted from 1) of a file, with what stands there and what should."""
        return cls(f"{path}, line {line}: found {found}; expected {expected}")


class ArtifactError(UserError):
    """A file made by an earlier stage is missing, damaged, foreign, or made with other settings."""

    exit_code = 4


class TrainingError(UserError):
    """Training cannot go on: the loss is not finite, a task has no sentence, a mask keeps nothing."""

    exit_code = 5


class ResourceError(UserError):
    """The memory of the machine, of the job, or of its GPU does not suffice."""

    exit_code = 8


class DownloadError(UserError):
    """A file cannot be fetched, or is not the one that was expected."""

    exit_code = 7
