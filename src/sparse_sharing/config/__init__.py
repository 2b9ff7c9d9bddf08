"""The configuration of a run: its keys (`schema`), loading (`load`), stage specs (`specs`) and paths (`layout`)."""

import importlib

_MODULE_OF = {
    "jobs_of": "jobs",
    "from_folder": "load",
    "load_config": "load",
    "parse_config": "load",
    "stored_spec_digest": "provenance",
    "DEMO": "schema",
    "SHARED": "schema",
    "Config": "schema",
    "Dataset": "schema",
    "Optimization": "schema",
    "NAME": "section",
    "Specs": "specs",
    "models_of": "systems",
    "START": "systems",
    "System": "systems",
}
"""The module of each public name, loaded when the name is first asked for: reading a file's digest needs no schema."""

__all__ = [*_MODULE_OF, "layout"]


def __getattr__(name: str) -> object:
    """A public name, or the module `layout`."""
    if name == "layout":
        return importlib.import_module("sparse_sharing.config.layout")
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sparse_sharing.config.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'sparse_sharing.config' has no attribute '{name}'")
