"""Output on a terminal: safe text, progress, explanations of out-of-memory errors."""
