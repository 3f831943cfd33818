"""What all commands say alike."""

INTERRUPTED = "interrupted; the same command goes on from what is done"
"""Trainings go on after the last epoch, what is in the cache is found, and nothing half-made is left."""
