"""Emulated boards: each is started for one connection and ends with it."""
