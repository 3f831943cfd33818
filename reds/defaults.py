"""The training plans of each published network on each data set.

Chosen by accuracy on a validation part (a fifth) of the digits' training examples; `python -m tests.benchmarks.plans` prints it
for a network's plans and their neighbours. The test examples chose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from reds.plans import Plans, TrainingPlan

PRETRAINING = TrainingPlan(epochs=60, batch_size=64, learning_rate=3e-3, weight_decay=1e-3, noise=0.1)

SHALLOW = Plans(
    pretraining=PRETRAINING,
    finetuning=TrainingPlan(epochs=300, batch_size=64, learning_rate=1e-2, weight_decay=1e-3, noise=0.1),
)

# Ten narrow layers are hard to train at that rate; the whole network teaches the small ones.
DEEP = Plans(
    pretraining=PRETRAINING,
    finetuning=TrainingPlan(epochs=400, batch_size=64, learning_rate=6e-3, weight_decay=1e-3, noise=0.15, distillation=0.5),
)

PLANS: Mapping[tuple[str, str], Plans] = {
    ("mlp1", "digits"): SHALLOW,
    ("mlp3", "digits"): SHALLOW,
    ("mlp11", "digits"): DEEP,
}


def default_plans(architecture: str, dataset: str) -> Plans:
    """The plans of a network on a data set; what is not listed is trained like a shallow network."""
    return PLANS.get((architecture, dataset), SHALLOW)
