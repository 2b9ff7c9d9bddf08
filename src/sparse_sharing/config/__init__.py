"""The configuration of a run: its keys (`schema`), loading (`load`), stage specs (`specs`) and paths (`layout`)."""

from sparse_sharing.config import layout
from sparse_sharing.config.jobs import jobs_of
from sparse_sharing.config.load import from_folder, load_config, parse_config
from sparse_sharing.config.provenance import stored_spec_digest
from sparse_sharing.config.schema import DEMO, SHARED, Config, Dataset, Optimization
from sparse_sharing.config.section import NAME
from sparse_sharing.config.specs import Specs, models_of
from sparse_sharing.config.systems import START, System

__all__ = [
    "DEMO",
    "NAME",
    "SHARED",
    "START",
    "Config",
    "Dataset",
    "Optimization",
    "Specs",
    "System",
    "from_folder",
    "jobs_of",
    "layout",
    "load_config",
    "models_of",
    "parse_config",
    "stored_spec_digest",
]
