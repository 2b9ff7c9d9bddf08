"""Encoders: from words to states."""
