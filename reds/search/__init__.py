"""Exact search for nested widths: which channels to keep within a budget.

The widths of a chain of channel groups are a path through a layered graph; value and cost lie on its edges, that is on pairs of
neighbouring widths. `problem` states such a problem, `chain` makes one from a network, `solver` solves it with the help of
`relaxation` and `labels`, and `nested` solves one for each budget so that the answers nest.
"""
