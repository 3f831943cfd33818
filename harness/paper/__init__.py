"""The published tables, rebuilt with real data and shown beside the published ones (suites/paper.toml, results/paper/*.csv)."""
