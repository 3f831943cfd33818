"""Combinations of models and devices -> measurements -> records -> comparisons: a small pytest plugin and its commands."""
