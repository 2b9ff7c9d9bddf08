"""From the scores of single models to tables: tidy results, means, tests between systems, experiments of the paper."""

from sparse_sharing.results.tables.comparisons import compare, read_counts
from sparse_sharing.results.tables.costs import costs
from sparse_sharing.results.tables.experiments import Measured, ablation, pairs, rounds, sweep
from sparse_sharing.results.tables.leaks import leaks, text_notes
from sparse_sharing.results.tables.marks import barred, marks, with_marks
from sparse_sharing.results.tables.means import summary
from sparse_sharing.results.tables.paper import beside_paper
from sparse_sharing.results.tables.report import write_csv, write_summary_md, write_summary_tex
from sparse_sharing.results.tables.scores import per_type, read_metrics, results

__all__ = [
    "Measured",
    "ablation",
    "barred",
    "beside_paper",
    "compare",
    "costs",
    "leaks",
    "marks",
    "pairs",
    "per_type",
    "read_counts",
    "read_metrics",
    "results",
    "rounds",
    "summary",
    "sweep",
    "text_notes",
    "with_marks",
    "write_csv",
    "write_summary_md",
    "write_summary_tex",
]
