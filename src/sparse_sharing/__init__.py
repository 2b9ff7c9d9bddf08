"""Sparse sharing: one network, one subnetwork per task, trained together (Sun et al., AAAI 2020).

The public names are those of `__all__`. Each is imported when it is first used, so that `import sparse_sharing` takes
milliseconds, and the workflow and the command line start without torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_sharing.config.load import load_config
    from sparse_sharing.masks.mask import Mask
    from sparse_sharing.network.storage import load_model
    from sparse_sharing.tagging.onnx_tagger import OnnxTagger
    from sparse_sharing.tagging.tagger import Tagger

__version__ = "0.1.0"

__all__ = ["Mask", "OnnxTagger", "Tagger", "__version__", "load_config", "load_model"]

_MODULES = {
    "Mask": "masks.mask",
    "OnnxTagger": "tagging.onnx_tagger",
    "Tagger": "tagging.tagger",
    "load_config": "config.load",
    "load_model": "network.storage",
}
"""The module of each public name, below the package."""


def __getattr__(name: str) -> object:
    """A public name, imported from its module."""
    if name not in _MODULES:
        raise AttributeError(f"module 'sparse_sharing' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"sparse_sharing.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
