"""The jobs of a run.

Stages and files are in `stage` and `artefact`, specs in `specs` and `run_specs`, needs in `jobs`, paths in `layout`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_sharing.pipeline import layout
    from sparse_sharing.pipeline.jobs import jobs_of
    from sparse_sharing.pipeline.provenance import stored_spec_digest
    from sparse_sharing.pipeline.run_specs import Specs

_MODULE_OF = {"jobs_of": "jobs", "stored_spec_digest": "provenance", "Specs": "run_specs"}
"""The module of each public name, imported on first use: reading a file's digest needs no schema."""

__all__ = ["Specs", "jobs_of", "layout", "stored_spec_digest"]


def __getattr__(name: str) -> object:
    """A public name, or the module `layout`."""
    if name == "layout":
        return importlib.import_module("sparse_sharing.pipeline.layout")
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sparse_sharing.pipeline.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'sparse_sharing.pipeline' has no attribute '{name}'")
