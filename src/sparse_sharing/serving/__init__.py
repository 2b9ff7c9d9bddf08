"""Tagging over HTTP."""
