"""Helpers that every other package may use: files, digests, config dicts, randomness, processes and progress."""
