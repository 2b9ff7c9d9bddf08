"""Uses trained models: tags new text, exports tasks, adds and removes tasks."""
