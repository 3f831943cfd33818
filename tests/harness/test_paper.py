"""Published tables, rebuilt and shown beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import artifacts, published, run_file
from harness.__main__ import main
from harness.paper.map_tables import search_maps, stand_in
from harness.paper.specification import MODELS_VARIABLE, PATH, MapTable, PaperTable, Slice, load_paper
from reds.bundle import Bundle, untrained
from reds.commands.shared import subnet_rows
from reds.datasets.split import make_split
from reds.errors import ConfigError, MissingError
from reds.recipe import Recipe
from reds.search.activations import LARGEST_MAP
from reds.search.limits import Limits
from reds.subnets import Subnet, Subnets, halving
from reds.zoo import architecture
from tests.harness.running import run

PAPER = load_paper()
ORIGIN = "files found on disk, their checksums not known; split by lists of this test"
ACCURACIES = {"reds": 0.9, "scratch": 0.91, "early-exits": 0.85}
WIDTHS = {"100": 1.0, "75": 0.8, "50": 0.6, "25": 0.4}
SECONDS = {"75": 0.25, "50": 0.5, "25": 0.75}


@pytest.fixture(autouse=True)
def _no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)


@pytest.mark.parametrize("name", PAPER.tables)
def test_every_recipe_of_every_table_is_valid(name: str) -> None:
    table = PAPER.tables[name]
    for quick in (None, PAPER.quick):
        part = Slice((0, 1), quick=quick)
        recipes = [part.recipe(table, n, c, s) for n in table.networks for c in table.columns for s in part.seeds]
        assert len(set(map(repr, recipes))) == len(recipes)
        assert all(recipe.subnet_names == recipes[0].subnet_names for recipe in recipes)


@pytest.mark.parametrize("name", PAPER.tables)
def test_every_column_with_a_published_name_has_published_values(name: str) -> None:
    table, values = PAPER.tables[name], published.load()
    for network in table.networks:
        known = {(v.variant, v.subnet) for v in values if (v.network, v.dataset) == (network.published, network.dataset)}
        names = Slice((0,)).recipe(table, network, table.columns[0], 0).subnet_names
        common = [column for column in table.columns if {(column.published, subnet) for subnet in names} <= known]
        assert common
        if name not in {"7", "8", "ablation"}:  # which were published bottom-up only, or not from scratch
            assert len(common) == sum(bool(column.published) for column in table.columns)


def test_published_maps_are_those_of_the_networks_layers() -> None:
    (table,) = PAPER.maps.values()
    network = architecture(table.architecture)
    layers = [layer for layer in network.cost(network.full_widths).layers if layer.macs and len(layer.output_shape) > 1]
    maps = {v.variant: v.value for v in published.load() if v.metric == "map_size"}
    assert list(maps) == [f"{name}: {layer.name}" for name in table.published for layer in layers]
    free, limited = (max(value for variant, value in maps.items() if variant.startswith(f"{name}:")) for name in table.published)
    assert 1.024 * limited < 200 < 1.024 * free
    for variant, kibibytes in maps.items():  # read by eye, but never more than the whole network has
        layer = next(layer for layer in layers if layer.name == variant.partition(": ")[2])
        assert 0 < kibibytes <= 4 * np.prod(layer.output_shape) / 1024


def test_a_limit_on_maps_is_kept_and_costs_importance() -> None:
    table = MapTable("m", "Maps", "mobilenet_v1_0.25_96", "visual_wake_words", ("free", "limited"), 50, 40_000)
    rebuilt = search_maps(table, [])
    free, limited = rebuilt.facts["searches"]
    assert max(limited["map_bytes"].values()) <= 40_000 < max(free["map_bytes"].values())
    assert len(rebuilt.sections[0].rows) == 27
    assert {row[1] for row in rebuilt.sections[0].rows} == {"-"}
    assert [m.metric.partition(" ")[0] for m in rebuilt.measurements[:2]] == ["largest_map_bytes", "macs"]
    sums = {name: float(scores.sum()) for name, scores in stand_in(architecture("mobilenet_v1_0.25_96")).importance.items()}
    assert list(sums.values()) == pytest.approx([1.0] * len(sums), rel=1e-4)
    network = architecture("mobilenet_v1_0.25_96")
    assert Limits(40_000, LARGEST_MAP).peak_bytes(network.cost(network.full_widths)) > 40_000


class Canned:
    """Stands in for `python -m reds make --json`: untrained networks with made-up accuracies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipes: list[Recipe] = []
        self.environment: Mapping[str, str] = {}
        self.facts: Mapping[str, Any] = {}
        inputs, labels = np.zeros((20, 784), np.float32), np.zeros(20, np.int32)
        self.split = make_split(
            "fashion_mnist", 0, [str(n) for n in range(10)], train=(inputs, labels), test=(inputs, labels), origin=ORIGIN
        )
        (folder / "data").mkdir()
        self.split.write(folder / "data")

    def __call__(self, recipes: Sequence[Recipe], environment: Mapping[str, str]) -> list[dict[str, Any]]:
        self.recipes, self.environment = list(recipes), environment
        return [row for number, recipe in enumerate(recipes) for row in self.rows(number, recipe)]

    def rows(self, number: int, recipe: Recipe) -> list[dict[str, Any]]:
        network = architecture(recipe.architecture)
        shares = {name: WIDTHS[name] for name in recipe.subnet_names}
        if recipe.method == "early-exits":
            del shares["25"]
        groups = [group.name for group in network.groups if not group.whole]
        nested = halving(network, list(shares.values()), groups)
        subnets = Subnets(tuple(Subnet(name, s.widths) for name, s in zip(shares, nested, strict=True)))
        solutions = [{"name": name, "solver": "exact", "seconds": SECONDS.get(name, 0.0), "gap": 1e-4} for name in shares]
        solutions[0]["solver"] = "none"
        accuracy = {name: ACCURACIES[recipe.method] - 0.01 * level + 0.002 * recipe.seed for level, name in enumerate(shares)}
        bundle = Bundle(network, untrained(network, recipe.seed).weights, subnets).with_provenance(
            accuracy=accuracy,
            data=self.split.facts(),
            **self.facts,
            **({} if recipe.method == "early-exits" else {"widths": {"solutions": solutions}}),
        )
        path = self.folder / f"bundle{number}"
        bundle.save(path)
        paths = {"bundle": str(path), "data": str(self.folder / "data")}
        head, missing = {"recipe": number, "method": recipe.method}, [name for name in recipe.subnet_names if name not in shares]
        made = [{**head, **row, **paths} for row in subnet_rows(bundle)]
        return [*made, *({**head, "subnet": name, "missing": "not even the first exit"} for name in missing)]


@pytest.fixture
def canned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canned:
    made = Canned(tmp_path)
    monkeypatch.setattr(artifacts, "made", made)
    return made


COLUMNS = ("--column", "bottom-up", "--column", "scratch", "--column", "early-exits")

GOLDEN = Path(__file__).with_name("data") / "paper_table_7.md"


def costs(budget: str) -> tuple[int, int]:
    network = architecture("ds_cnn_s_fashion_mnist")
    groups = [group.name for group in network.groups if not group.whole]
    share = WIDTHS[budget]
    widths = halving(network, [1.0, share] if share < 1 else [1.0], groups)
    cost = network.cost(widths[len(widths) - 1].widths)
    return cost.macs, cost.parameters


def test_a_table_stands_beside_the_published_one(canned: Canned, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "run.jsonl"
    words = ["paper", "--table", "7", "--seeds", "2", *COLUMNS, "--data-dir", str(tmp_path), "-o", str(output)]
    assert main([*words, "--markdown"]) == 0
    assert capsys.readouterr().out == GOLDEN.read_text().replace("FINGERPRINT", canned.split.fingerprint[:12])
    assert [(r.method, r.seed) for r in canned.recipes][:3] == [("reds", 0), ("reds", 1), ("scratch", 0)]
    assert canned.environment["REDS_DATA_DIR"] == str(tmp_path)

    recorded = run_file.read(output)
    assert recorded.run.matrix == "paper"
    assert list(recorded.run.command[:6]) == ["python", "-m", "harness", "paper", "--table", "7"]
    keys = [m.key for m in recorded.measurements]
    assert len(set(keys)) == len(keys)
    first = recorded.measurements[0]
    assert (first.metric, first.subnet, first.samples) == ("accuracy (table 7, bottom-up)", "100", pytest.approx((0.9, 0.902)))
    assert (first.sample_count, first.macs, first.seed) == (20, 3_788_544, 0)


def test_programs_are_told_everything(canned: Canned, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["paper", "--table", "7", *COLUMNS, "--json", "-o", str(tmp_path / "run.jsonl")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["seeds"] == [0, 1, 2]
    (network,) = facts["networks"]
    assert network["data_origin"] == ORIGIN
    entry = next(e for e in network["entries"] if (e["budget"], e["column"]) == ("25", "bottom-up"))
    assert entry["published_accuracy_percent"] == {"mean": 89.22, "std": 0.45}
    assert entry["accuracy_percent"]["runs"] == pytest.approx([87.0, 87.2, 87.4])
    assert entry["difference_points"] == pytest.approx(87.2 - 89.22)
    assert (entry["macs"]["mean"], entry["parameters"]["mean"]) == costs("25")
    absent = next(e for e in network["entries"] if (e["budget"], e["column"]) == ("25", "early-exits"))
    assert absent["accuracy_percent"] is None
    assert absent["difference_points"] is None


def test_a_quick_slice_says_so_and_is_not_compared(canned: Canned, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "run.jsonl"
    assert main(["paper", "--table", "7", "--quick", *COLUMNS, "-o", str(output)]) == 0
    out = capsys.readouterr().out
    assert "Table 7: Fashion-MNIST (quick slice, not to be compared); data:" in out
    assert "one run" in out
    assert "difference" not in out
    assert "\x1b[" not in out
    assert all("quick" in m.metric for m in run_file.read(output).measurements)
    assert {recipe.finetuning.epoch_examples for recipe in canned.recipes} == {1000}
    assert {recipe.seed for recipe in canned.recipes} == {0}


def test_published_weights_are_taken_from_the_folder(canned: Canned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "vision").mkdir(parents=True)
    network = PAPER.tables["7"].networks[0]
    assert network.checkpoint
    (tmp_path / "models" / network.checkpoint).write_bytes(b"weights")
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    assert main(["paper", "--table", "7", *COLUMNS, "-o", str(tmp_path / "run.jsonl")]) == 0
    assert {recipe.checkpoint for recipe in canned.recipes} == {str(tmp_path / "models" / network.checkpoint)}
    with pytest.raises(MissingError, match="the published network DNN S is not in"):
        Slice((0,), tmp_path / "models").recipe(PAPER.tables["4"], *first_of(PAPER.tables["4"]), 0)


def first_of(table: PaperTable):
    return table.networks[0], table.columns[0]


@pytest.mark.parametrize(
    "facts", [{"imported": {"file": "net.keras"}}, {"widths_from": {"imported": {"file": "net.keras"}, "importance": {}}}]
)
def test_a_published_start_is_named_whichever_column_is_first(facts: dict, canned: Canned, tmp_path: Path, capsys) -> None:
    canned.facts = facts
    words = ["paper", "--table", "7", "--column", "scratch", "--seeds", "1"]
    assert main([*words, "--json", "-o", str(tmp_path / "a.jsonl")]) == 0
    assert json.loads(capsys.readouterr().out)["networks"][0]["imported"] == {"file": "net.keras"}
    assert main([*words, "-o", str(tmp_path / "b.jsonl")]) == 0
    assert "published weights net.keras" in capsys.readouterr().out


def test_the_record_of_a_run_names_no_folder_of_this_computer(canned: Canned, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "models" / str(PAPER.tables["7"].networks[0].checkpoint)
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    words = ["paper", "--table", "7", "--column", "scratch", "--seeds", "1"]
    for name, data, models in (("a", tmp_path, tmp_path / "models"), ("b", "data", "models")):
        assert main([*words, "--data-dir", str(data), "--models", str(models), "-o", f"{name}.jsonl"]) == 0
    absolute, relative = (run_file.read(Path(f"{name}.jsonl")).run.command[-4:] for name in "ab")
    assert list(absolute) == ["--data-dir", "$REDS_DATA_DIR", "--models", "$REDS_MODELS_DIR"]
    assert list(relative) == ["--data-dir", "data", "--models", "models"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--table", "9"], "unknown table '9'"),
        (["--table", "7", "--network", "fashion"], "did you mean fashion_mnist"),
        (["--table", "7", "--column", "bottomup"], "did you mean bottom-up"),
        (["--table", "7", "--seeds", "0"], "--seeds is at least 1"),
        (["--table", "7", "--models", "/nowhere/at/all"], "no folder /nowhere/at/all of published networks"),
    ],
)
def test_mistakes_are_named_before_anything_is_made(
    words: Sequence[str], message: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    def never(*_arguments: object) -> list[dict[str, Any]]:
        raise AssertionError("made something")

    monkeypatch.setattr(artifacts, "made", never)
    output = tmp_path / "run.jsonl"
    assert main(["paper", *words, "-o", str(output)]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_records_replace_no_others(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "run.jsonl").write_text("older")
    assert main(["paper", "--table", "7", "-o", str(tmp_path / "run.jsonl")]) == 2
    assert "is there already" in capsys.readouterr().err


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("seeds = 3", "seeds = 0"), "seeds in .* at least 1"),
        (
            replaced('method = "reds"', 'method = "red"'),
            r"unknown method in \[columns.bottom-up\].*'red'\s+do: did you mean reds",
        ),
        (replaced('architecture = "dnn_s"', 'architecture = "dnn_x"'), "did you mean dnn_"),
        (replaced('dataset = "speech_commands"', 'dataset = "speech"'), "unknown dataset in"),
        (replaced('networks = ["dnn_s", "dnn_l"]', 'networks = ["dnn"]'), r"unknown network in \[tables.4\]"),
        (replaced('title = "bottom-up"', "title = 3"), "title in .* is not a text"),
        (replaced('published = ["MACs only", "200 kB"]', 'published = "both"'), "is not a list of two names"),
        (replaced('architecture = "mobilenet_v1_1_96"', 'architecture = "mobilenet"'), "did you mean mobilenet"),
        (replaced("[quick]", "[quick]\nepochs = 2"), r"unknown key in \[quick\]"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    path = tmp_path / "paper.toml"
    path.write_text(change(PATH.read_text()))
    with pytest.raises(ConfigError, match=message):
        load_paper(path)


def test_what_the_makers_print_is_read_or_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe = Recipe.from_dict({"architecture": "mlp1", "dataset": "digits", "seed": 0, "checkpoint": str(tmp_path / "none")})
    with pytest.raises(MissingError, match="models that are needed could not be made"):
        artifacts.made([recipe], {"PATH": "", "HOME": str(tmp_path)})


def test_the_file_holds_the_tables_that_the_papers_have() -> None:
    assert set(PAPER.tables) == {"4", "5", "6", "7", "8", "poster", "ablation"}
    assert set(PAPER.maps) == {"mobilenet"}


@pytest.mark.slow
def test_a_quick_poster_table_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    words = ("paper", "--table", "poster", "--network", "mlp3", "--quick", "--json", "-o", tmp_path / "run.jsonl")
    done = run("harness", *words, environment={"REDS_BENCH_CACHE": str(tmp_path / "cache"), MODELS_VARIABLE: ""})
    assert done.returncode == 0, done.stderr
    (network,) = json.loads(done.stdout)["networks"]
    assert [entry["column"] for entry in network["entries"]] == ["scratch", "halving"] * 4
    assert all(0 < entry["accuracy_percent"]["mean"] <= 100 for entry in network["entries"])
    assert [entry["macs"]["mean"] for entry in network["entries"][::2]] == [5060, 2780, 1640, 1070]
    assert network["test_examples"] == 360
    assert len(run_file.read(tmp_path / "run.jsonl").measurements) == 3 * 8
