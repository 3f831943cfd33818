"""Exact search for nested widths: which channels to keep within a budget.

The widths of a chain of channel groups are a path through a layered graph; value and cost lie on its edges, that is on pairs of
neighbouring widths. `problem` states such a problem; `chain` makes one from a network with the costs of `tables` and `latency`,
the masks of `activations` and the `limits`; `solver` solves it with the help of `relaxation` and `labels`. `published` and
`per_unit`, which runs in a `solver_process`, are the published formulation. `models` are both by the name of a solver; `nested`
solves one for each budget.
"""
