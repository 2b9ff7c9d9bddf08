"""Sparse sharing: one network, one subnetwork per task, trained together (Sun et al., AAAI 2020)."""

import importlib

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`Tagger`, loaded when it is first asked for: the workflow and the command line start without torch."""
    if name == "Tagger":
        return importlib.import_module("sparse_sharing.tagging.tagger").Tagger
    raise AttributeError(f"module 'sparse_sharing' has no attribute '{name}'")
