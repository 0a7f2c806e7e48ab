"""Trained models for others, and models of others: plain MMSegmentation, public checkpoints."""
