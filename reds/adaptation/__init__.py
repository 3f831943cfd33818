"""Budgets that change over time, the policies that follow them, and what they achieve."""
