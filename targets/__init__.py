"""Devices: what they are, how they are reached, and what runs on them. Knows nothing of pytest."""
