"""Files, digests, config dicts, randomness, processes and progress: what every other package may use."""
