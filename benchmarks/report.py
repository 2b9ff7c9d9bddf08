"""The measurements as tables for a terminal and as JSON."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Series


@dataclass(frozen=True)
class Target:
    """A target for a figure: at least `bound`, or with `at_most` at most `bound`."""

    name: str
    value: float
    bound: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure meets the target."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclass
class Report:
    """All measurements of a run.

    Attributes:
        speeds: for each table of tokens per second its rows.
        shares: for some of these tables the share of the GEMM ceiling of each row, 0 to 1.
        figures: single figures: the series and its unit.
        targets: those figures that have a bound.
    """

    speeds: dict[str, dict[str, Series]] = field(default_factory=dict)
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    figures: dict[str, tuple[Series, str]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)

    def to_json(self) -> dict:
        """The report as plain values; every series in full."""
        return {
            "machine": machine(),
            "tokens_per_second": {
                table: {name: list(series.values) for name, series in rows.items()}
                for table, rows in self.speeds.items()
            },
            "share_of_gemm": self.shares,
            "figures": {name: {"values": list(s.values), "unit": unit} for name, (s, unit) in self.figures.items()},
            "targets": [{**vars(target), "met": target.met} for target in self.targets],
        }

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        """Print the tables."""
        for table, rows in self.speeds.items():
            console.print(self._speed_table(table, rows))
        console.print(self._figure_table())
        console.print(self._target_table())
        if not all(target.met for target in self.targets):
            console.print("Why targets are missed, and what was tried: docs/performance.md")

    def _speed_table(self, title: str, rows: Mapping[str, Series]) -> Table:
        references = [name for name in rows if name.startswith("reference")]
        columns = ["", "tokens/s", "range", *(f"to {name.removeprefix('reference ')}" for name in references)]
        shares = self.shares.get(title, {})
        table = _table(title, [*columns, *(["of GEMM"] if shares else [])])
        for name, series in rows.items():
            low, high = series.range
            ratios = [f"{series.ratio(rows[reference]):.2f}" for reference in references]
            share = [f"{100 * shares[name]:.0f} %"] if shares else []
            table.add_row(name, f"{series.median:,.0f}", f"{low:,.0f} to {high:,.0f}", *ratios, *share)
        return table

    def _figure_table(self) -> Table:
        table = _table("Other figures", ["", "median", "range", "unit"])
        for name, (series, unit) in self.figures.items():
            low, high = series.range
            table.add_row(name, f"{series.median:,.2f}", f"{low:,.2f} to {high:,.2f}", unit)
        return table

    def _target_table(self) -> Table:
        table = _table("Targets", ["", "measured", "target", "unit", ""])
        for target in self.targets:
            sign = "at most" if target.at_most else "at least"
            verdict = "[green]met[/]" if target.met else "[red]missed[/]"
            table.add_row(target.name, f"{target.value:,.2f}", f"{sign} {target.bound:,g}", target.unit, verdict)
        return table


def machine() -> dict[str, str]:
    """The machine and the versions that the figures depend on."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8").splitlines()
        processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), processor)
    return {
        "processor": processor,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
    }


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table
