"""A real Slurm of one node for a test session, started without systemd; tests skip where it cannot be."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cluster.sh")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")


class Cluster:
    """A Slurm whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = [str(port) for port in free_ports(2)]

    def up(self) -> str | None:
        """Start what does not run; what is wrong where that fails."""
        started = subprocess.run(
            [SCRIPT, "up", self.folder, *self.ports], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        return started.stderr if started.returncode else None

    def down(self) -> None:
        """Stop everything."""
        subprocess.run([SCRIPT, "down", self.folder], check=True)

    def kill(self, daemon: str) -> None:
        """Kill a daemon without warning."""
        os.kill(int((self.folder / "run" / f"{daemon}.pid").read_text()), signal.SIGKILL)

    def saves_after(self, moment: float) -> Callable[[], bool]:
        """Whether the controller has written down its jobs since a moment."""
        state = self.folder / "state" / "job_state"
        return lambda: state.exists() and state.stat().st_mtime > moment

    def command(self, *words: str) -> str:
        """What a command of Slurm says."""
        environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        return subprocess.run(words, env=environment, check=True, capture_output=True, text=True, timeout=300).stdout

    def jobs(self, rule: str) -> list[str]:
        """Numbers of the jobs of a rule that wait or run."""
        rows = self.command("squeue", "--noheader", "--states=PD,R", "--format=%i|%k").splitlines()
        return [number for number, _, comment in (row.partition("|") for row in rows) if f"rule_{rule}" in comment]


def free_ports(count: int) -> list[int]:
    """Numbers of ports that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of this session."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {missing[0]}: apt install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("starting a Slurm needs root")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    if problem := cluster.up():
        cluster.down()
        pytest.skip(f"Slurm does not start: {problem}")
    yield cluster
    cluster.down()


@pytest.fixture
def cluster(running_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, with all its daemons running; Snakemake submits to it."""
    problem = running_cluster.up()
    assert problem is None, problem
    monkeypatch.setenv("SLURM_CONF", str(running_cluster.folder / "slurm.conf"))
    monkeypatch.setenv("PATH", str(running_cluster.folder / "bin"), prepend=os.pathsep)
    return running_cluster
