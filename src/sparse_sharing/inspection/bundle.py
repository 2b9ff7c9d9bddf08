"""An archive of a run for reviewers: settings, environment, digests, masks, counts, tables; no text."""

import gzip
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from sparse_sharing import __version__
from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.provenance import stored_spec
from sparse_sharing.storage.files import file_digest, write_atomically

CARRIED = (
    "tables/*",
    "*/data/summary.json",
    "*/data/tags/*/summary.json",
    "*/seed*/*/costs.json",
    "*/seed*/*/prune/*/masks.safetensors",
    "*/seed*/*/prune/*/costs.json",
    "*/seed*/*/prune/*/again/masks.safetensors",
    "*/seed*/*/prune/*/again/costs.json",
    "*/seed*/*/prune/*/rounds.csv",
    "*/seed*/*/prune-*/*/masks.safetensors",
    "*/seed*/*/prune-*/*/costs.json",
    "*/seed*/*/prune-*/*/rounds.csv",
    "*/seed*/*/select/*/masks.safetensors",
    "*/seed*/*/select/*/costs.json",
    "*/seed*/*/select/*/choice.csv",
    "*/seed*/*/select/*/overlap.csv",
    "*/seed*/train/*/*/history.csv",
    "*/seed*/train/*/*/costs.json",
    "*/seed*/evaluate/*/*/metrics.json",
    "*/seed*/evaluate/*/*/sentences.safetensors",
)
"""The files of a run that the tables can be made from; none contains a word of a corpus, a vector or a weight."""

NAMED = ("*/data/*.*", "*/seed*/*/weights.safetensors", "*/seed*/train/*/*/model.safetensors")
"""Files that are not archived; the archive has their digests."""

README = """# {name}: files behind the results

- `tables/`: the results. `spec.json` is the spec of the tables.
- `settings.json`: the settings of every job, as stored in its files.
- `environment.json`: the machine and the versions of all packages.
- `digests.json`: SHA-256 of every file here, and of data, weights and models that are not included.
- `*/seed*/*/prune/`, `prune-NAME/`, `select/`: masks and all rounds of pruning. `*/seed*/train/`: learning curves.
- `*/seed*/evaluate/`: scores, and for each test sentence the counts from which they are computed.
- `costs.json`: processor seconds, updates and tokens of a job.

This archive contains no text, no vectors and no weights. To make the tables again, in the folder above this one:

    pip install sparse-sharing=={version}
    sparse-sharing tables --spec {name}/spec.json --run {name} --output rebuilt
"""


def bundle(run: Path, output: Path, configuration: Path | None = None) -> list[str]:
    """Write the archive (.tar.gz) of a finished run; the same run gives the same bytes on the same machine.

    Args:
        run: the folder of the run.
        output: the archive.
        configuration: the configuration file of the run, to include.

    Returns:
        The names of the archived files.

    Raises:
        ArtifactError: The run has no tables.
    """
    spec = stored_spec(run / "tables" / "provenance.json")
    if spec is None:
        raise ArtifactError(
            f"{run / 'tables' / 'provenance.json'}: is missing or damaged; finish the run first: sparse-sharing run"
        )
    paths = [path for pattern in CARRIED for path in sorted(run.glob(pattern)) if path.is_file()]
    named = [path for pattern in NAMED for path in sorted(run.glob(pattern)) if path not in paths]
    contents = {str(path.relative_to(run)): path.read_bytes() for path in paths}
    if configuration is not None:
        contents["configuration.yaml"] = configuration.read_bytes()
    settings = {str(path.relative_to(run)): stored for path in [*paths, *named] if (stored := stored_spec(path))}
    digests = {str(path.relative_to(run)): file_digest(path) for path in [*paths, *named]}
    contents |= {
        "spec.json": _json(spec),
        "settings.json": _json(settings),
        "environment.json": _json(_environment()),
        "digests.json": _json(digests),
        "README.md": README.format(name=run.name, version=__version__).encode(),
    }
    write_atomically(output, _archive(run.name, contents))
    return list(contents)


def _environment() -> dict[str, object]:
    packages = {
        distribution.metadata["Name"]: distribution.version
        for distribution in distributions()
        if distribution.metadata["Name"]
    }
    return {
        "sparse-sharing": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def _archive(folder: str, contents: Mapping[str, bytes]) -> bytes:
    """A gzipped tar archive without times and owners."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(contents.items()):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
