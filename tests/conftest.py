"""Fixtures that every test may use."""

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import hypothesis
import pytest

# Properties hold or not; how fast a busy machine shows it is no part of them.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.register_profile("long", hypothesis.settings.get_profile("untimed"), max_examples=20_000)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("untimed"), max_examples=15)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


SLOW_SECONDS = 3600
"""After which a slow test counts as hanging, on a machine that is busy with other things, too."""


LONGEST = ("workflow/slurm/", "workflow/test_documentation.py", "workflow/test_chaos.py")
"""Tests that take minutes each."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time than the limit of pyproject.toml; with several workers, spread the longest.

    Tests that read real corpora are slow. This runs before pytest selects tests by their marks.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = spread(items, workers)
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


def spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same tests in another order: each worker begins with some of the longest.

    With `--dist worksteal`, each worker gets a part of the list, and takes tests from the end of another's part when
    its own is done.
    """
    begin: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, name in enumerate(LONGEST):
        begin[number % workers] += [item for item in items if name in item.nodeid]
    rest = iter([item for item in items if not any(name in item.nodeid for name in LONGEST)])
    ordered: list[pytest.Item] = []
    for number, first in enumerate(begin):
        size = (len(items) - len(ordered)) // (workers - number)
        ordered += [*first, *islice(rest, max(0, size - len(first)))]
    return [*ordered, *rest]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A function that gives the path of a real corpus file below SPARSE_SHARING_DATA, or skips the test."""
    root = Path(os.environ.get("SPARSE_SHARING_DATA", ROOT.parent / "shared" / "data"))

    def path(name: str) -> Path:
        if not (root / name).exists():
            pytest.skip(f"{name} is not below {root}; set SPARSE_SHARING_DATA to the folder that holds it")
        return root / name

    return path


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Small networks run fastest, and bit for bit alike, on one thread."""
    import torch

    torch.set_num_threads(1)
