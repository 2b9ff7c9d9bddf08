"""Sparse sharing: one network, one subnetwork per task, trained together (Sun et al., AAAI 2020)."""

__version__ = "0.1.0"
