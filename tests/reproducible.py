"""What two runs of one configuration must agree on, byte for byte: all of the results but the time they took."""

import csv
import io
import json
from pathlib import Path


def results_in(folder: Path) -> dict[str, object]:
    """Every file below a folder, without times; temporary files that a killed process has left are hidden ones."""
    files = {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {name: without_time(name, file.read_bytes()) for name, file in files.items() if file.name[0] != "."}


def without_time(name: str, content: bytes) -> object:
    """A result less the seconds that it reports, and less the digests of such results."""
    if name.endswith("metrics.json"):
        details = {key: value for key, value in json.loads(content)["details"].items() if key != "seconds"}
        return details | {"training": without_seconds(details["training"])}
    if name.endswith("costs.json"):
        return without_seconds(json.loads(content))
    if name.endswith("provenance.json"):
        return sorted(json.loads(content)["details"]["metrics"])
    if name.endswith(("rounds.csv", "history.csv", "results.csv", "costs.csv")):
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        return [without_seconds(row) for row in rows]
    return content


def without_seconds(values: dict) -> dict:
    """Values less those that are seconds."""
    return {key: value for key, value in values.items() if "seconds" not in key}
