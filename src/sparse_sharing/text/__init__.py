"""Labelled text: reading, checking, encoding."""
