"""Makes the harness' fixtures and options known to pytest."""

pytest_plugins = ["harness.plugin"]
