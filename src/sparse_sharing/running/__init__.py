"""Runs the workflow: where its files are, its command line, what a person sees of it, and what it found."""
