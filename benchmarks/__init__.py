"""Benchmarks of the training engine against straightforward reference implementations: `make bench`."""
