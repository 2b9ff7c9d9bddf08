"""The configuration of a run: its keys (`schema`), loading (`load`), stage specs (`specs`) and paths (`layout`)."""

from sparse_sharing.config import layout
from sparse_sharing.config.load import load_config, parse_config
from sparse_sharing.config.provenance import stored_spec_digest
from sparse_sharing.config.schema import DEMO, NAME, SHARED, Config, Dataset, Optimization, System
from sparse_sharing.config.specs import Specs, models_of

__all__ = [
    "DEMO",
    "NAME",
    "SHARED",
    "Config",
    "Dataset",
    "Optimization",
    "Specs",
    "System",
    "layout",
    "load_config",
    "models_of",
    "parse_config",
    "stored_spec_digest",
]
