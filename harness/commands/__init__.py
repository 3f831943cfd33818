"""The commands of `python -m harness`, one module each: its arguments and what it does."""
