"""The embedded demo corpora."""
