"""Benchmarks of the training engine, beside reference implementations that anyone would write: `make bench`."""
