"""What nested subnetworks are compared with: the same widths from scratch, nested or alone, and early exits."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_lines import drawn_lines

from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.cache import CACHE_VARIABLE
from reds.commands import main
from reds.datasets.split import Split, make_split
from reds.errors import BudgetError, ConfigError, MissingError
from reds.exits import deepest_exits, exit_after
from reds.importing.identity import content_digest
from reds.layers import BatchNorm, Conv2D, Dense, DepthwiseConv2D, GlobalAveragePooling2D, ReLU
from reds.methods import METHODS, networks
from reds.pipeline import locate, make, steps
from reds.plans import TrainingPlan
from reds.progress import silent
from reds.provenance import tool_versions
from reds.recipe import METHOD_NAMES, Recipe, recipe_for
from reds.search.latency import LatencyTable, Point
from reds.stage_graph import in_order
from reds.steps.from_scratch import alone_from_scratch, nested_from_scratch
from reds.widths import HalvingRule, SearchRule
from reds.zoo import ZOO, architecture

FEW = {"epochs": 3}
LAYERS = (
    Conv2D("conv1", 8, (3, 3), (2, 2), "same"),
    BatchNorm("norm1"),
    ReLU("activation1"),
    DepthwiseConv2D("depthwise", (3, 3), (1, 1), "same"),
    BatchNorm("norm2"),
    ReLU("activation2"),
    Conv2D("pointwise", 6, (1, 1)),
    BatchNorm("norm3"),
    ReLU("activation3"),
    GlobalAveragePooling2D("pool"),
    Dense("classes", 3),
)
NETWORK = Architecture("small", (8, 8, 1), LAYERS)
PLAN = TrainingPlan(epochs=20, batch_size=20, learning_rate=1e-2, weight_decay=1e-3, distillation=0.3)


def recipe(method: str, network: str = "mlp11", **changes) -> Recipe:
    given = {"pretraining": FEW, "finetuning": FEW, **changes}
    return recipe_for(network, "digits", given.pop("seed", 0), SearchRule((1, 0.6, 0.3)), method=method, **given)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _use(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


@pytest.mark.parametrize("name", [name for name in ZOO if "mobilenet" not in name])
def test_a_narrowed_network_costs_what_the_subnetwork_does_and_takes_its_weights(name: str) -> None:
    network = architecture(name)
    generator = np.random.default_rng(0)
    widths = tuple(g.size if g.whole else int(generator.integers(1, g.size + 1)) for g in network.groups)
    narrow = network.narrowed(widths)
    assert narrow.full_widths == widths
    ours, theirs = narrow.cost(widths), network.cost(widths)
    assert (ours.macs, ours.parameters) == (theirs.macs, theirs.parameters)
    sliced = network.slice_weights(untrained(network, 0).weights, widths)
    assert {n: w.shape(widths) for n, w in narrow.weights.items()} == {n: array.shape for n, array in sliced.items()}
    with pytest.raises(ConfigError, match="takes exactly"):
        network.narrowed((*widths[:-1], 1))


@pytest.mark.parametrize("name", ["dnn_s", "cnn_s", "ds_cnn_s", "ds_cnn_s_fashion_mnist", "mlp11", "mobilenet_v1_0.25_96"])
@pytest.mark.parametrize("share", [0.9, 0.75, 0.5, 0.35])
def test_an_exit_is_the_deepest_that_keeps_its_budget(name: str, share: float) -> None:
    network = architecture(name)
    whole = network.cost(network.full_widths).macs
    if share * whole < exit_after(network, 1).macs:
        pytest.skip(f"the first layer of {name} alone takes more")
    found = deepest_exits(network, {"100": whole, "x": int(share * whole)})
    assert found["100"] == exit_after(network, len(network.layers))
    assert found["100"].network == network
    chosen = found["x"]
    assert chosen.macs <= share * whole
    assert all(exit_after(network, depth).macs > share * whole for depth in range(chosen.depth + 1, len(network.layers)))
    assert chosen.network.layers[: chosen.depth] == network.layers[: chosen.depth]
    assert chosen.network.classes == network.classes


def test_a_budget_below_the_first_exit_has_none() -> None:
    found = deepest_exits(architecture("dnn_s"), {"100": 79200, "50": 39600, "25": 19800})
    assert {name: each.depth for name, each in found.items()} == {"100": 7, "50": 2}
    with pytest.raises(BudgetError, match=r"mlp1 keeps a budget of 1,480 MACs\s+seen: the first one takes 2,960"):
        deepest_exits(architecture("mlp1"), {"100": 2960, "50": 1480})


def test_rules_say_what_they_allow() -> None:
    network = architecture("mlp3")
    assert SearchRule((1, 0.5, 0.3)).allowed_macs(network) == (5060, 2530, 1518)
    assert HalvingRule(("hidden1",), (1, 0.5)).allowed_macs(network) == (5060, 2780)


def test_early_exits_are_not_chosen_by_shares_of_latency() -> None:
    chains = {"hidden1": ((64,), (20, 40)), "hidden2": ((20, 40), (25, 50)), "classes": ((25, 50), (10,))}
    points = (Point(layer, a, b, a * b, 1.0 + a * b) for layer, (ins, outs) in chains.items() for a in ins for b in outs)
    rule = SearchRule((1, 0.5), latency=LatencyTable("us", tuple(points)))
    assert recipe_for("mlp3", "digits", 0, rule).widths == rule
    with pytest.raises(ConfigError, match=r"(?s)latency do not limit MACs.*a table in us.*early exits take budgets of MACs"):
        recipe_for("mlp3", "digits", 0, rule, method="early-exits")


def test_a_latency_table_of_another_network_is_refused_before_anything_is_trained() -> None:
    rule = SearchRule((1, 0.5), latency=LatencyTable("us", (Point("dense1", 4, 4, 16, 30.0),)))
    with pytest.raises(ConfigError, match="the latency table is of another network than mlp3"):
        recipe_for("mlp3", "digits", 0, rule)


def test_a_checkpoint_is_known_by_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    for name in ("checkpoint", "a.index", "a.data-00000-of-00001"):
        (folder / name).write_text(name)
    (folder / "other").write_text("nothing of it")
    whole, prefix = content_digest(folder), content_digest(folder / "a")
    assert content_digest(folder / "a.index") == prefix != whole
    shutil.copytree(folder, tmp_path / "copy")
    assert content_digest(tmp_path / "copy") == whole
    (folder / "other").write_text("something else")
    assert content_digest(folder / "a") == prefix
    (folder / "a.index").write_text("b")
    assert content_digest(folder / "a") != prefix
    with pytest.raises(MissingError, match="there is no network at"):
        content_digest(tmp_path / "nowhere")


def test_keys_follow_from_what_is_read_not_from_where_it_lies(tmp_path: Path) -> None:
    def keys(checkpoint: Path | None, method: str = "reds") -> list[str]:
        path = None if checkpoint is None else str(checkpoint)
        return [step.key("data") for step in in_order(networks(recipe(method, checkpoint=path)))]

    here, there = tmp_path / "here" / "net", tmp_path / "there" / "net"
    for path in (here, there):
        path.parent.mkdir()
        path.write_bytes(b"weights")
    assert keys(here) == keys(there)
    assert not set(keys(here)) & set(keys(None))
    there.write_bytes(b"others")
    assert not set(keys(here)) & set(keys(there))
    for method, common in {"reds-from-scratch": 3, "scratch": 3, "early-exits": 1}.items():
        other = keys(here, method)
        assert len(set(other)) == len(other)
        assert [key in other for key in keys(here)] == [True] * common + [False] * (4 - common)
    with pytest.raises(MissingError):
        steps(recipe("reds", checkpoint=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"method": "red"}, "did you mean reds"), ({"checkpoint": 3}, "path of a published network"), ({"checkpoint": ""}, "path")],
)
def test_mistakes_are_named(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe.from_dict({"architecture": "mlp1", "dataset": "digits", "seed": 0, **change})


def test_every_method_has_a_name_and_survives_json() -> None:
    assert set(METHODS) == set(METHOD_NAMES)
    for method in METHOD_NAMES:
        one = recipe(method, checkpoint="somewhere")
        assert Recipe.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_a_network_with_other_classes_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not fit the network"):
        locate(recipe("reds", network="dnn_s"))
    with pytest.raises(ConfigError, match=r"does not fit the network"):
        locate(recipe_for("ds_cnn_s", "fashion_mnist", 0, SearchRule()))


@pytest.fixture(scope="module")
def training() -> None:
    """Skips what trains where TensorFlow is not installed."""
    try:
        import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def split() -> Split:
    """A horizontal line, a vertical one, or a square, somewhere, with noise."""
    generator = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        return drawn_lines(generator, count)

    return make_split("lines", 0, ["a", "b", "c"], train=part(300), validation=part(60), test=part(90))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHOD_NAMES)
def test_each_method_is_made_once_keeps_its_budgets_and_learns(training, method: str, capsys, tmp_path: Path) -> None:
    one = recipe(method, network="mlp11" if method == "early-exits" else "mlp3")
    seen: list[float] = []
    made = make(one, lambda _, count: seen.append(count))
    assert sum(seen) == pytest.approx(steps(one))
    assert locate(one) == made
    bundles = [Bundle.load(path) for path in made.bundles]
    names = [subnet.name for bundle in bundles for subnet in bundle.subnets]
    assert names == list(one.subnet_names) == list(made.accuracy())
    assert made.logits().shape[0] == 3
    assert min(made.accuracy().values()) > 0.15
    assert made.validation() == {}

    request = tmp_path / "recipes.json"
    request.write_text(json.dumps([one.to_dict()]))
    capsys.readouterr()
    assert main(["make", str(request), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    limits = one.widths.allowed_macs(architecture(one.architecture))
    assert [row["method"] for row in rows] == [method] * 3
    assert all(row["macs"] <= limit for row, limit in zip(rows, limits, strict=True))
    assert [row["accuracy"] for row in rows] == list(made.accuracy().values())
    assert all(Bundle.load(Path(row["bundle"])).subnets.level(row["subnet"]) >= 0 for row in rows)


@pytest.mark.slow
def test_networks_from_scratch_have_the_widths_that_the_search_found(training) -> None:
    nested = Bundle.load(make(recipe("reds", network="mlp3"), silent).bundle)
    widths = [subnet.widths for subnet in nested.subnets]
    together = Bundle.load(make(recipe("reds-from-scratch", network="mlp3"), silent).bundle)
    assert [subnet.widths for subnet in together.subnets] == widths
    alone = [Bundle.load(path) for path in make(recipe("scratch", network="mlp3"), silent).bundles]
    assert [bundle.architecture.full_widths for bundle in alone] == widths
    assert len({bundle.content_hash() for bundle in (nested, together, *alone)}) == 5


@pytest.mark.slow
@pytest.mark.parametrize("alone", [True, False])
def test_networks_from_scratch_say_nothing_of_themselves_that_is_true_of_another_only(
    training, split: Split, alone: bool
) -> None:
    whole = {"imported": {"file": "a"}, "pretraining": {"epochs": 3}, "importance": {"method": "l1"}}
    facts = {
        **whole,
        "widths": {"rule": "search"},
        "seed": 1,
        "tools": {"x": "0"},
        "data": {"name": "other"},
        "accuracy": {"100": 1},
    }
    given, plan = untrained(NETWORK, 0).with_provenance(**facts), replace(PLAN, epochs=0)
    if alone:
        made = alone_from_scratch(given, "100", split=split, plan=plan, seed=2, epochs_done=lambda _: None)
    else:
        made = nested_from_scratch(given, split, plan, 2, lambda _: None)
    said = dict(made.provenance)
    assert said.pop("finetuning")["epochs"] == 0
    assert said == {
        "seed": 2,
        "data": split.facts(),
        "tools": tool_versions(),
        "widths": {"rule": "search"},
        "widths_from": whole,
    }


@pytest.mark.slow
def test_a_published_network_is_where_training_starts(training, tmp_path: Path) -> None:
    from reds.training.model import keras_model

    source = make(recipe("reds", network="mlp1", finetuning={"epochs": 0}), silent)
    bundle = Bundle.load(source.bundle)
    keras_model(bundle, bundle.subnets[0]).save(tmp_path / "net.keras")
    made = make(recipe("reds", network="mlp1", checkpoint=str(tmp_path / "net.keras"), finetuning={"epochs": 0}), silent)
    assert made.accuracy()["100"] == pytest.approx(source.accuracy()["100"])
    facts = Bundle.load(made.bundle).provenance
    assert facts["imported"]["sha256"] == content_digest(tmp_path / "net.keras")
    assert facts["recipe"]["checkpoint"] == "net.keras"
    assert "pretraining" not in facts


@pytest.mark.slow
def test_every_exit_alone_computes_what_it_did_in_training(training, split: Split) -> None:
    import tensorflow as tf

    from reds.training.evaluation import subnet_logits
    from reds.training.exits import ExitNetwork
    from reds.training.layers import FORWARDS
    from reds.training.pretraining import initial_bundle

    backbone = initial_bundle(NETWORK, 0)
    exits = [exit_after(NETWORK, depth) for depth in (11, 9, 3)]
    network = ExitNetwork(backbone, exits, np.random.default_rng(0), "float32")
    together = network.joint_logits(tf.constant(split.x_test), (), FORWARDS)
    for logits, each in zip(together, exits, strict=True):
        alone = Bundle(each.network, network.weights(each, {}), untrained(each.network, 0).subnets)
        assert subnet_logits(alone, split.x_test)[0] == pytest.approx(logits.numpy(), abs=1e-5)


@pytest.mark.slow
def test_exits_share_their_trunk_learn_and_survive_a_kill(training, split: Split, tmp_path: Path, monkeypatch) -> None:
    from reds.steps.evaluate import evaluated, validated
    from reds.steps.exits import with_exits
    from reds.training.pretraining import initial_bundle

    whole = NETWORK.cost(NETWORK.full_widths).macs
    limits = {"100": whole, "90": int(0.9 * whole), "60": int(0.6 * whole), "59": int(0.59 * whole)}

    def trained(folder: str, epochs_done=lambda _: None) -> list[Bundle]:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / folder))
        return with_exits(initial_bundle(NETWORK, 0), limits, split=split, plan=PLAN, seed=1, epochs_done=epochs_done)

    def killed(epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    bundles = trained("once")
    accuracy = [each for bundle in bundles for each in evaluated(bundle, split).accuracy.values()]
    assert min(accuracy) > 0.5
    assert [name for bundle in bundles for name in validated(bundle, split)] == list(limits)
    first = bundles[0].weights
    for bundle in bundles[1:]:
        common = bundle.weights.keys() & first.keys()
        assert {"norm1/moving_mean", "conv1/kernel"} <= common
        assert all(np.array_equal(bundle.weights[name], first[name]) for name in common)
    assert np.array_equal(bundles[2].weights["exit_classes/kernel"], bundles[3].weights["exit_classes/kernel"])
    assert not np.array_equal(first["norm1/moving_mean"], np.zeros(8))

    with pytest.raises(KeyboardInterrupt):
        trained("killed", killed)
    again = trained("killed")
    assert [bundle.content_hash() for bundle in again] == [bundle.content_hash() for bundle in bundles]


@pytest.mark.slow
def test_an_epoch_may_be_a_part_of_the_examples(training, split: Split) -> None:
    from reds.batches import epoch_batches, steps_per_epoch

    plan = replace(PLAN, epoch_examples=50)
    assert steps_per_epoch(split, plan) == 2
    assert sum(labels.size for _, labels in epoch_batches(split, plan, np.random.default_rng(0))) == 40
    assert steps_per_epoch(split, replace(plan, epoch_examples=7)) == 1
