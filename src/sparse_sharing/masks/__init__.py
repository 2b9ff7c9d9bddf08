"""Masks: which weights a task keeps."""
