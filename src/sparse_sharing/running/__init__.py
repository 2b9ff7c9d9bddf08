"""Runs the workflow: its files, its command line, its display, and the summary at the end."""
