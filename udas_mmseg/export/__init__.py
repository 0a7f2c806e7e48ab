"""Exporting models to plain MMSegmentation, and importing public checkpoints."""
