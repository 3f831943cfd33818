"""REDS: nested subnetworks that share one set of weights.

Everything in this package runs on NumPy alone, but for :mod:`reds.training`, which needs the extra ``train`` (TensorFlow).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reds.bundle import Bundle


def from_keras(model: Any) -> Bundle:
    """The bundle of a user's own Keras model; see :func:`reds.importing.keras_models.from_keras`.

    Raises:
        ConfigError: a layer cannot be nested or expressed; the message names it and says what can.
    """
    from reds.importing.keras_models import from_keras  # noqa: PLC0415 - importing `reds` stays cheap

    return from_keras(model)
