"""Trained models at work: tag new text, and take single tasks out of a model."""
