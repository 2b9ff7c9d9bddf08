"""One file for each encoder: its keys and checks, without torch. Importing the package imports all of them."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
