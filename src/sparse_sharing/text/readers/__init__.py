"""Readers of labelled text, one file for each format."""
