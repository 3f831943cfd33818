"""Data sets by name (`registry`), how each is prepared, and what is prepared (`split`). Preparing may need the extra `train`."""
