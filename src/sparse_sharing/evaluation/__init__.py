"""Scores of tagged text, and tests between systems."""
