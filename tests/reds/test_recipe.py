"""Recipes, training plans and width rules as data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reds.defaults import default_plans
from reds.errors import BudgetError, ConfigError
from reds.plans import TrainingPlan
from reds.recipe import Recipe, recipe_for
from reds.widths import HalvingRule, SearchRule, WidthRule, rule_from_dict
from reds.zoo import POSTER_GROUPS, ZOO, architecture, halved_groups, mlp

RULES = [SearchRule(), SearchRule((1, 0.5, 0.1), "top-down", 4), HalvingRule(("hidden1",)), HalvingRule(("hidden1",), (1, 0.5))]


@pytest.mark.parametrize("network", ZOO)
@pytest.mark.parametrize("rule", RULES)
def test_a_recipe_survives_json(network: str, rule: WidthRule) -> None:
    rule = replace(rule, groups=halved_groups(architecture(network))) if isinstance(rule, HalvingRule) else rule
    recipe = recipe_for(network, "digits", 3, rule, pretraining={"epochs": 2}, finetuning={"noise": 0.25})
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert (recipe.pretraining.epochs, recipe.finetuning.noise) == (2, 0.25)
    assert recipe.name == f"{network}-digits-3"


def test_names_of_subnetworks_are_known_from_the_rule() -> None:
    assert recipe_for("mlp1", "digits", 0, SearchRule()).subnet_names == ("100", "75", "50", "25")
    assert recipe_for("mlp1", "digits", 0, HalvingRule(POSTER_GROUPS["mlp1"])).subnet_names == ("100", "50", "25", "12.5")


def test_what_a_recipe_leaves_out_is_the_default() -> None:
    recipe = Recipe.from_dict({"architecture": "mlp11", "dataset": "digits", "seed": 1, "finetuning": {"epochs": 9}})
    plans = default_plans("mlp11", "digits")
    assert recipe.pretraining == plans.pretraining
    assert recipe.finetuning == plans.finetuning.changed({"epochs": 9})
    assert recipe.widths == SearchRule()


BASE = {"architecture": "mlp1", "dataset": "digits", "seed": 0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "mpl1"}, "did you mean mlp1"),
        ({"dataset": "digit"}, "did you mean digits"),
        ({"sead": 1}, "did you mean seed"),
        ({"seed": -1}, "seed is a whole number"),
        ({"seed": 1.5}, "seed is a whole number"),
        ({"seed": True}, "seed is a whole number"),
        ({"pretraining": {"epoch": 3}}, "did you mean epochs"),
        ({"pretraining": {"epochs": -3}}, "zero or more"),
        ({"pretraining": {"epochs": 1.5}}, "whole number"),
        ({"pretraining": {"noise": "much"}}, "zero or more"),
        ({"pretraining": {"noise": float("nan")}}, "zero or more"),
        ({"pretraining": {"batch_size": 0}}, "at least 1"),
        ({"pretraining": {"learning_rate": True}}, "zero or more"),
        ({"finetuning": {"distillation": 1.5}}, "0..1"),
        ({"finetuning": 3}, "table of names"),
        ({"widths": {"rule": "halve"}}, "did you mean halving"),
        ({"widths": {"budget": [1, 0.5]}}, "did you mean budgets"),
        ({"widths": {"rule": "halving", "groups": "hidden1"}}, "list of group names"),
        ({"widths": {"rule": "halving", "groups": 3}}, "list of group names"),
        ({"widths": {"rule": "halving", "groups": ["hiden1"]}}, "did you mean hidden1"),
        ({"widths": {"budgets": [0.5, 1]}}, "falling"),
        ({"widths": {"budgets": [0.5, 0.25]}}, "the first 1"),
        ({"widths": {"budgets": [1, 0]}}, "above 0"),
        ({"widths": {"budgets": []}}, "the first 1"),
        ({"widths": {"budgets": 0.5}}, "list of shares"),
        ({"widths": {"budgets": "1,0.5"}}, "list of shares"),
        ({"widths": {"budgets": [1, "half"]}}, "list of shares"),
        ({"widths": {"direction": "bottomup"}}, "did you mean bottom-up"),
        ({"widths": {"minimum_width": 0}}, "at least 1"),
    ],
)
def test_mistakes_in_a_recipe_are_named(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe.from_dict({**BASE, **change})


@pytest.mark.parametrize("key", BASE)
def test_a_recipe_says_what_it_lacks(key: str) -> None:
    with pytest.raises(ConfigError, match=f"lacks '{key}'"):
        Recipe.from_dict({name: value for name, value in BASE.items() if name != key})


def test_importance_is_part_of_a_recipe_and_taylor_where_it_is_left_out() -> None:
    assert Recipe.from_dict(BASE).importance == "taylor"
    recipe = Recipe.from_dict({**BASE, "importance": "l1"})
    assert recipe.to_dict()["importance"] == "l1"
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    with pytest.raises(ConfigError, match="did you mean taylor"):
        Recipe.from_dict({**BASE, "importance": "tailor"})


def test_plans_are_read_strictly() -> None:
    plan = TrainingPlan(1, 2, 0.1, 0.0)
    assert TrainingPlan.from_dict(plan.to_dict()) == plan
    with pytest.raises(ConfigError, match="did you mean epochs"):
        TrainingPlan.from_dict({"epoch": 1})
    with pytest.raises(ConfigError, match="incomplete"):
        TrainingPlan.from_dict({"epochs": 1})


def test_a_rule_without_a_name_is_a_search() -> None:
    assert rule_from_dict({"budgets": [1, 0.5]}) == SearchRule((1.0, 0.5))


def test_halving_cuts_the_posters_groups_unless_told_otherwise() -> None:
    recipe = {"architecture": "mlp3", "dataset": "digits", "seed": 0}
    assert Recipe.from_dict({**recipe, "widths": {"rule": "halving"}}).widths == HalvingRule(("hidden1",))
    assert Recipe.from_dict({**recipe, "widths": {"rule": "halving", "groups": ["hidden2"]}}).widths == HalvingRule(("hidden2",))
    with pytest.raises(ConfigError, match="incomplete"):
        rule_from_dict({"rule": "halving"})
    assert halved_groups(mlp("other", 4, (3, 2), 2)) == ("hidden1", "hidden2")


def test_a_network_that_is_not_listed_has_plans_too() -> None:
    assert default_plans("something", "else").finetuning.epochs > 0


def test_early_exits_that_keep_no_budget_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(BudgetError, match=r"no early exit of mlp3 keeps a budget of 253 MACs"):
        Recipe.from_dict({**BASE, "architecture": "mlp3", "method": "early-exits", "widths": {"budgets": [1, 0.05]}})
