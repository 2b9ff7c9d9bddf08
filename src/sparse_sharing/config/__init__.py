"""The configuration of a run: its keys (`schema`) and how it is loaded (`load`)."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_sharing.config.load import from_folder, load_config, parse_config, read_values
    from sparse_sharing.config.schema import DEMO, SHARED, Config, Dataset, Optimization
    from sparse_sharing.config.section import NAME
    from sparse_sharing.config.systems import START, System, models_of

_MODULE_OF = {
    "from_folder": "load",
    "load_config": "load",
    "parse_config": "load",
    "read_values": "load",
    "DEMO": "schema",
    "SHARED": "schema",
    "Config": "schema",
    "Dataset": "schema",
    "Optimization": "schema",
    "NAME": "section",
    "models_of": "systems",
    "START": "systems",
    "System": "systems",
}
"""The module of each public name, imported on first use: reading a file's digest needs no schema."""

__all__ = [
    "DEMO",
    "NAME",
    "SHARED",
    "START",
    "Config",
    "Dataset",
    "Optimization",
    "System",
    "from_folder",
    "load_config",
    "models_of",
    "parse_config",
    "read_values",
]


def __getattr__(name: str) -> object:
    """A public name."""
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sparse_sharing.config.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'sparse_sharing.config' has no attribute '{name}'")
