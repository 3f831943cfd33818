"""REDS: nested subnetworks that share one set of weights.

Everything in this package runs on NumPy alone, but for :mod:`reds.training`, which needs the extra ``train`` (TensorFlow).
"""
