"""The command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from networks import noisy, random_importance

from reds.bundle import Bundle
from reds.cache import CACHE_VARIABLE
from reds.commands import COMMANDS, main, make
from reds.image import read_image
from reds.permutation import importance_orders, permute
from reds.pipeline import Artifacts
from reds.zoo import architecture, mlp3, mlp11


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A bundle that was never trained and whose importance is random."""
    network = mlp3()
    importance = random_importance(network, 0)
    bundle = noisy(network, 0)
    sorted_importance = permute(network, importance, importance_orders(network, importance))
    Bundle(network, bundle.weights, bundle.subnets, {}, sorted_importance).save(tmp_path / "scored")
    return tmp_path / "scored"


def run(capsys: pytest.CaptureFixture, arguments: Sequence[object]) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_network_is_described(capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, ["describe", "mlp3"])
    assert code == 0
    assert "hidden2 50" in out
    assert "5060" in out
    code, out, _ = run(capsys, ["describe", "mlp11", "--json"])
    assert json.loads(out)["subnets"][0]["macs"] == mlp11().cost(mlp11().full_widths).macs


def test_a_search_writes_nested_subnetworks_and_prints_its_proof(scored: Path, tmp_path: Path, capsys) -> None:
    code, out, err = run(capsys, ["search", scored, "--budgets", "60,30", "-o", tmp_path / "nested", "--json"])
    assert code == 0
    assert "wrote" in err
    answer = json.loads(out)
    rows = answer["subnets"]
    assert (answer["solver"], answer["status"], answer["gap"]) == ("exact", "optimal", 0)
    assert [row["name"] for row in rows] == ["100", "60", "30"]
    assert all(row["macs"] <= row["limit_macs"] and row["gap"] == 0 for row in rows)
    assert [list(subnet.widths) for subnet in Bundle.load(tmp_path / "nested").subnets] == [row["widths"] for row in rows]
    code, out, _ = run(capsys, ["describe", tmp_path / "nested"])
    assert "60" in out


def test_a_search_by_name_needs_neither_weights_nor_a_folder(tmp_path: Path, capsys) -> None:
    command = ["search", "ds_cnn_l", "--importance", "random", "--seed", "0", "--budgets", "75,50,25"]
    code, out, _ = run(capsys, [*command, "--json"])
    assert code == 0
    answer = json.loads(out)
    assert {"solver", "status", "seconds", "gap", "subnets"} <= answer.keys()
    assert answer["gap"] <= 1e-3
    network = architecture("ds_cnn_l")
    for row in answer["subnets"]:
        cost = network.cost(row["widths"])
        told = (row["macs"], row["parameters"], row["peak_activation_bytes"])
        assert told == (cost.macs, cost.parameters, cost.peak_activation_bytes(4))
    again = json.loads(run(capsys, [*command, "--json"])[1])
    assert [row["widths"] for row in again["subnets"]] == [row["widths"] for row in answer["subnets"]]
    other = json.loads(run(capsys, [*command[:4], "--seed", "7", "--json"])[1])
    assert [row["widths"] for row in other["subnets"]] != [row["widths"] for row in answer["subnets"]]
    code, out, _ = run(capsys, [*command, "-o", tmp_path / "nested"])
    assert code == 0
    assert "subnet" in out.splitlines()[0]
    assert len(Bundle.load(tmp_path / "nested").subnets) == 4


def test_a_search_of_a_bundle_needs_no_folder_either(scored: Path, capsys) -> None:
    before = sorted(scored.parent.iterdir())
    code, out, err = run(capsys, ["search", scored, "--budgets", "60,30"])
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["subnet", "100", "60", "30", "exact:"]
    assert sorted(scored.parent.iterdir()) == before


def test_subnetworks_that_are_alike_are_pointed_out(capsys) -> None:
    command = ["search", "mlp3", "--importance", "random", "--budgets", "75,50,25", "--flash-bytes", "8000"]
    code, out, err = run(capsys, [*command, "--json"])
    assert code == 0
    rows = json.loads(out)["subnets"]
    assert [row["same_as"] for row in rows] == [None, None, "75", None]
    assert rows[1]["widths"] == rows[2]["widths"]
    assert err == "note: subnetworks 75, 50 have the same widths: within --flash-bytes 8000 there is no room for more\n"
    code, out, err = run(capsys, [*command[:4], "--budgets", "99.9,99.8,99.7,25", "--align", "8"])
    assert err == "note: subnetworks 99.9, 99.8, 99.7 have the same widths\n"


@pytest.mark.parametrize("network", ["mobilenet_v1_1_96", "ds_cnn_l"])
@pytest.mark.parametrize("words", [["describe"], ["search", "--halving", "--budgets", "50,25"]])
def test_tables_fit_a_line(network: str, words: list[str], capsys) -> None:
    _, out, _ = run(capsys, [words[0], network, *words[1:]])
    assert max(map(len, out.splitlines())) <= 100


def test_an_image_is_described(scored: Path, tmp_path: Path, capsys) -> None:
    assert run(capsys, ["search", scored, "--budgets", "50", "-o", tmp_path / "nested"])[0] == 0
    assert run(capsys, ["export", tmp_path / "nested", "-o", tmp_path / "net.reds"])[0] == 0
    code, out, _ = run(capsys, ["describe", tmp_path / "net.reds"])
    assert code == 0
    size = (tmp_path / "net.reds").stat().st_size
    assert f"net.reds: an image for devices, {size:,} bytes, float32, 64 inputs, 10 outputs" in out
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["subnet", "100", "50"]
    answer = json.loads(run(capsys, ["describe", tmp_path / "net.reds", "--json"])[1])
    assert answer["subnets"][0]["channels"] == [64, 40, 50, 10]
    assert answer["subnets"][0]["macs"] == 5060
    (tmp_path / "net.reds").write_bytes(b"REDS and no more")
    code, _, err = run(capsys, ["describe", tmp_path / "net.reds"])
    assert (code, "truncated" in err) == (1, True)


def test_limits_and_alignment_are_options(capsys) -> None:
    options = ["--peak-bytes", "8000", "--peak", "largest-map", "--element", "int8", "--flash-bytes", "20000", "--align", "4"]
    code, out, _ = run(capsys, ["search", "ds_cnn_s", "--importance", "random", *options, "--direction", "top-down", "--json"])
    assert code == 0
    answer = json.loads(out)
    assert (answer["direction"], answer["align"], answer["limits"]["flash_bytes"]) == ("top-down", 4, 20000)
    assert answer["unit"] == "macs"
    for row in answer["subnets"][1:]:
        assert row["peak_activation_bytes"] <= 8000
        assert row["peak_definition"] == "largest-map"
        assert row["flash_bytes"] <= 20000
        assert all(width % 4 == 0 for width in row["widths"][1:])


@pytest.mark.parametrize("importance", ["l1", "l2", "random"])
def test_a_network_of_unknown_data_is_sorted_by_what_needs_none(importance: str, tmp_path: Path, capsys) -> None:
    network = mlp3()
    bundle = noisy(network, 0)
    Bundle(network, bundle.weights, bundle.subnets).save(tmp_path / "imported")
    target = tmp_path / "sorted"
    code, out, _ = run(
        capsys, ["convert", tmp_path / "imported", "--importance", importance, "--seed", "5", "-o", target, "--json"]
    )
    assert code == 0
    assert [row["group"] for row in json.loads(out)] == ["hidden1", "hidden2"]
    ranked = Bundle.load(target)
    assert ranked.provenance["importance"]["method"] == importance
    assert run(capsys, ["search", target, "-o", tmp_path / "nested"])[0] == 0
    code, _, err = run(capsys, ["convert", tmp_path / "imported", "-o", target])
    assert (code, "does not say what it was trained on" in err) == (2, True)


def test_halving_takes_the_groups_it_is_told(scored: Path, tmp_path: Path, capsys) -> None:
    target = tmp_path / "halved"
    for groups, widths in ((["--groups", "hidden2"], [64, 40, 25, 10]), ([], [64, 20, 50, 10])):
        code, out, _ = run(capsys, ["search", scored, "--halving", "--budgets", "100,50", *groups, "-o", target, "--json"])
        assert code == 0
        assert json.loads(out)["subnets"][1]["widths"] == widths


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["describe", "mlp4"], 2, "did you mean mlp"),
        (["describe", "{scored}/weights.npz"], 2, "python -m reds import"),
        (["train", "mlp1", "--dataset", "digit", "-o", "x"], 2, "did you mean digits"),
        (["convert", "nowhere", "-o", "x"], 1, "there is no bundle nowhere"),
        (["convert", "nowhere", "--batches", "0", "-o", "x"], 2, "at least 1"),
        (["search", "{scored}", "--budgets", "a,b", "-o", "x"], 2, "like 75,50,25"),
        (["search", "{scored}", "--budgets", "", "-o", "x"], 2, "seen: ''"),
        (["search", "{scored}", "--budgets", "50", "--align", "1000"], 2, "--align 1000 leaves nothing to cut"),
        (["search", "{scored}", "--budgets", "50", "--align", "32", "--minimum-width", "60"], 2, "--minimum-width 60 leaves"),
        (["search", "{scored}", "--budgets", "50", "--align", "32", "--minimum-width", "33"], 2, "33 and --align 32 leaves"),
        (["search", "{scored}", "--budgets", "50", "--align", "41"], 1, "--align 41 keeps groups whole"),
        (["search", "{scored}", "--budgets", "50", "--align", "41"], 1, "(hidden1 has 40 channels)"),
        (["search", "{scored}", "--budgets", "20", "--align", "26"], 1, "or the alignment"),
        (["search", "{scored}", "--budgets", "0.75,0.5"], 2, "write 75,50"),
        (["search", "{scored}", "--budgets", "1,0.125"], 2, "write 100,12.5"),
        (["search", "{scored}", "--budgets", "0.001"], 2, "do: for so little, begin with the whole network: 100,0.001"),
        (["search", "{scored}", "--budgets", "0.5"], 2, "do: write 50, or for less than one per cent begin with"),
        (["search", "{scored}", "--budgets", "50,75", "-o", "x"], 2, "falling"),
        (["search", "{scored}", "--budgets", "1", "-o", "x"], 1, "cannot be met"),
        (["search", "{scored}", "--groups", "hidden1", "-o", "x"], 2, "--halving"),
        (["search", "{scored}", "--budgets", "150,50", "-o", "x"], 2, "above 0 and at most 100\n  seen: '150,50'"),
        (["search", "{scored}", "--budgets", "50,50", "-o", "x"], 2, "each once"),
        (["search", "{scored}", "--budgets", "50,0", "-o", "x"], 2, "above 0 and at most 100"),
        (["search", "{scored}", "--budgets", "50,nan", "-o", "x"], 2, "above 0 and at most 100"),
        (["search", "{scored}", "--budgets", "100", "-o", "x"], 2, "2 to 16 of them"),
        (["search", "{scored}", "--budgets", "17,16,15,14,13,12,11,10,9,8,7,6,5,4,3,2", "-o", "x"], 2, "2 to 16 of them"),
        (["search", "{scored}", "--importance", "random", "-o", "x"], 2, "a bundle has its own"),
        (["search", "mlp3"], 2, "mlp3 has no weights to score"),
        (["search", "mlp4", "--importance", "random"], 2, "did you mean mlp"),
        (["search", "mlp3", "--importance", "random", "--seed", "-1"], 2, "the seed is a whole number from 0"),
        (["search", "mlp3", "--importance", "random", "--time-limit", "0"], 2, "time limit is a number of seconds above 0"),
        (["search", "mlp3", "--importance", "random", "--peak-bytes", "0"], 2, "at least 1"),
        (["search", "mlp3", "--importance", "random", "--flash-bytes", "9"], 1, "9 flash bytes (float32) cannot be met"),
        (["search", "mlp3", "--importance", "random", "--table", "x"], 2, "--cost latency and --table go together"),
        (["search", "mlp3", "--halving", "--peak-bytes", "9"], 2, "--halving knows no limits"),
        (["search", "mlp3", "--importance", "random", "--solver", "scip", "--align", "4"], 2, "take --solver exact"),
        (["data", "digits", "--seed", "-1"], 2, "the seed is a whole number from 0"),
        (["data", "digits", "--seed", str(2**31)], 2, "the seed is a whole number from 0"),
        (["train", "mlp1", "--seed", "-1", "-o", "x"], 2, "the seed is a whole number from 0"),
        (["train", "mlp1", "--epochs", "0", "-o", "x"], 2, "--epochs 0 trains nothing"),
        (["train", "mlp1", "--learning-rate", "0", "-o", "x"], 2, "--learning-rate 0 trains nothing"),
        (["finetune", "{scored}", "--dataset", "fashion_mnist", "-o", "x"], 2, "no subnetworks to train together"),
        (["export", "{scored}", "--samples", "{scored}/bundle.json", "-o", "x"], 2, "write one with numpy.save"),
        (["search", "mlp3", "--importance", "random", "--cost", "latency", "--table", "nowhere"], 1, "python -m harness profile"),
        (["convert", "{scored}", "--importance", "l1", "--seed", "-1", "-o", "x"], 2, "the seed is a whole number from 0"),
        (["search", "{scored}", "--halving", "--groups", "hiden1", "-o", "x"], 2, "did you mean hidden1"),
        (["export", "{scored}", "--levels", "60", "-o", "x"], 2, "unknown subnetwork '60'"),
        (["export", "{scored}", "--levels", "50,", "-o", "x"], 2, "like 50,25"),
        (["evaluate", "{scored}"], 2, "does not say what it was trained on"),
        (["make", "nowhere.json"], 1, "no file"),
        (["search", "{scored}", "-o", "{scored}/bundle.json/x"], 1, "name a place that you may write to"),
    ],
)
def test_mistakes_end_with_a_message_and_a_code(
    arguments: list[str], code: int, message: str, scored: Path, capsys: pytest.CaptureFixture
) -> None:
    done, out, err = run(capsys, [argument.format(scored=scored) for argument in arguments])
    assert done == code
    assert not out
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.parametrize(
    ("words", "work"),
    [
        (["train", "mlp3"], "train.split_for"),
        (["finetune", "{scored}"], "finetune.training_data_of"),
        (["evaluate", "{scored}"], "evaluate.data_of"),
        (["convert", "{scored}", "--importance", "l1"], "convert.converted"),
        (["search", "{scored}"], "search.narrowed"),
        (["import", "{scored}/bundle.json"], "import_.import_network"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused_before_any_work(
    words: list[str], work: str, scored: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object, **_options: object) -> None:
        raise AssertionError("worked")

    monkeypatch.setattr(f"reds.commands.{work}", never)
    target = scored.parent / "thesis"
    target.mkdir()
    code, _, err = run(capsys, [*(word.format(scored=scored) for word in words), "-o", target])
    assert (code, "thesis exists and is not a bundle" in err) == (2, True)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("[", 2, "is not JSON"),
        ("{}", 2, "not a list of recipes"),
        ("[]", 2, "not a list of recipes"),
        ('[{"architecture": "mlp1", "dataset": "digits", "seed": 0, "widhts": {}}]', 2, "did you mean widths"),
    ],
)
def test_mistakes_in_a_file_of_recipes_are_named(text: str, code: int, message: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "recipes.json").write_text(text)
    done, _, err = run(capsys, ["make", tmp_path / "recipes.json"])
    assert (done, message in err) == (code, True)


def test_budgets_that_no_exit_keeps_have_a_row(scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(make, "make", lambda *_: Artifacts((scored,), tmp_path, tmp_path))
    (tmp_path / "validation.json").write_text(json.dumps({"100": 0.875}))
    recipe = {"architecture": "mlp3", "dataset": "digits", "seed": 3, "method": "early-exits"}
    (tmp_path / "recipes.json").write_text(json.dumps([{**recipe, "widths": {"budgets": [1, 0.6, 0.25]}}]))
    code, out, _ = run(capsys, ["make", tmp_path / "recipes.json"])
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "mlp3, digits, seed 3, early-exits:"
    assert lines[2].split()[-1] == "0.875"
    assert lines[4].split() == ["25", "-", "-", "-", "-", "-"]
    assert lines[5] == "60: not even the first exit keeps this budget"
    rows = json.loads(run(capsys, ["make", tmp_path / "recipes.json", "--json"])[1])
    assert [row["subnet"] for row in rows] == ["100", "60", "25"]
    assert "bundle" in rows[0]
    assert "bundle" not in rows[1]
    assert rows[1]["missing"] == "not even the first exit keeps this budget"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.NAME)
def test_every_command_has_help_with_an_example(command, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command.NAME, "--help"])
    assert ended.value.code == 0
    assert f"python -m reds {command.NAME}" in capsys.readouterr().out


def test_a_bundle_of_another_network_that_had_to_go_is_named(scored: Path, capsys: pytest.CaptureFixture) -> None:
    target = scored.parent / "target"
    for network, words in (("mlp1", f"wrote {target}\n"), ("mlp3", f"wrote {target} in place of a bundle of mlp1\n")):
        arguments = ["search", network, "--importance", "random", "--budgets", "50", "-o", target]
        code, _, err = run(capsys, arguments)
        assert code == 0
        assert words in err


def test_a_search_that_proved_little_says_so(
    scored: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reds.search.problem import Solution

    monkeypatch.setattr(Solution, "gap", property(lambda _: 0.98))
    code, _, err = run(capsys, ["search", scored, "--budgets", "50"])
    assert code == 0
    assert "subnetwork 50 is only the best that was found; it may be 98% below the best there is" in err


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    from reds.commands import describe

    def interrupted(_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(describe, "run", interrupted)
    code, _, err = run(capsys, ["describe", "mlp1"])
    assert (code, err) == (130, "interrupted; the same command goes on from what is done\n")


def command_line(*arguments: object) -> subprocess.CompletedProcess:
    """`python -m reds` in a process of its own."""
    command = [sys.executable, "-m", "reds", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_commands_chain_from_training_to_an_image(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    trained, ranked, nested, finished = (tmp_path / name for name in ("trained", "sorted", "nested", "finished"))
    chain = [
        ["train", "mlp3", "--dataset", "digits", "--seed", "0", "--epochs", "8", "-o", trained],
        ["convert", trained, "-o", ranked],
        ["search", ranked, "--budgets", "75,50,25", "--direction", "top-down", "-o", nested],
        ["finetune", nested, "--epochs", "15", "-o", finished],
        ["export", finished, "--precision", "int8", "--layout", "shells", "-o", tmp_path / "net.reds"],
        ["export", finished, "--precision", "int8", "--layout", "shells", "--levels", "50,25", "-o", tmp_path / "small.reds"],
        ["export", finished, "--levels", "75", "-o", tmp_path / "one.reds"],
    ]
    for arguments in chain:
        done = command_line(*arguments)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    whole, small = ((tmp_path / name).read_bytes() for name in ("net.reds", "small.reds"))
    assert whole.startswith(small)
    assert len(small) < len(whole)
    assert [level.name for level in read_image((tmp_path / "one.reds").read_bytes()).levels] == ["75"]
    done = command_line("evaluate", finished, "--json", "-o", tmp_path / "evaluated")
    rows = json.loads(done.stdout)
    assert [row["subnet"] for row in rows] == ["100", "75", "50", "25"]
    assert min(row["accuracy"] for row in rows) > 0.8
    assert Bundle.load(tmp_path / "evaluated").provenance["accuracy"].keys() == {"100", "75", "50", "25"}


@pytest.mark.slow
def test_a_list_of_recipes_is_made_through_the_cache(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    quick = {"pretraining": {"epochs": 1}, "finetuning": {"epochs": 1}}
    recipes = [{"architecture": name, "dataset": "digits", "seed": 0, **quick} for name in ("mlp1", "mlp3")]
    (tmp_path / "recipes.json").write_text(json.dumps(recipes))
    first, second = (command_line("make", tmp_path / "recipes.json", *flags) for flags in ([], ["--json"]))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "mlp3-digits-0: fine-tuning" in first.stderr
    assert "fine-tuning" not in second.stderr
    assert "found in the cache" in second.stderr
    rows = json.loads(second.stdout)
    assert [(row["architecture"], row["subnet"]) for row in rows][::4] == [("mlp1", "100"), ("mlp3", "100")]
    assert Path(rows[0]["bundle"]).is_dir()
