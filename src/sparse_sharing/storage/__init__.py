"""Reads and writes the files of stages: formats, digests, atomic writes, costs."""
