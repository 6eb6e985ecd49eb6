"""Templated generator of the bundled model's training text. Every sample is a chat or a plain text."""
