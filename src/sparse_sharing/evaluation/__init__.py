"""Scores of tagged text, and what they say about systems."""
