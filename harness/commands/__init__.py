"""The commands of `python -m harness`, one module each; each has `NAME`, `SUMMARY`, `EXAMPLES`, `add_arguments` and `run`."""
