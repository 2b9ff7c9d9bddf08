"""Heads: from states to the tags of one task."""
