"""The files that stages write and read: formats, digests, atomic writes, costs."""
