"""The training plans of the published networks on each data set.

Those of the digits were chosen by accuracy on a validation part (a fifth) of the digits' training examples;
`python -m tests.benchmarks.plans` prints it for a network's plans and their neighbours. The test examples chose nothing.
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

# Images and spoken words: what fits half an hour to an hour on two cores for the S networks.
IMAGES = Plans(
    pretraining=TrainingPlan(epochs=30, batch_size=128, learning_rate=2e-3, weight_decay=1e-3),
    finetuning=TrainingPlan(epochs=15, batch_size=128, learning_rate=2e-3, weight_decay=1e-3, distillation=0.5),
)
WORDS = Plans(
    pretraining=TrainingPlan(epochs=30, batch_size=100, learning_rate=2e-3, weight_decay=1e-3),
    finetuning=TrainingPlan(epochs=30, batch_size=100, learning_rate=1e-3, weight_decay=1e-3, distillation=0.5),
)

BY_DATASET: Mapping[str, Plans] = {
    "fashion_mnist": IMAGES,
    "cifar10": IMAGES,
    "visual_wake_words": IMAGES,
    "speech_commands": WORDS,
}

PLANS: Mapping[tuple[str, str], Plans] = {
    ("mlp1", "digits"): SHALLOW,
    ("mlp3", "digits"): SHALLOW,
    ("mlp11", "digits"): DEEP,
}


def default_plans(architecture: str, dataset: str) -> Plans:
    """The plans of a network on a data set; what is not listed is trained like others on the data set, or a shallow network."""
    return PLANS.get((architecture, dataset)) or BY_DATASET.get(dataset, SHALLOW)
