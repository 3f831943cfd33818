"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from reds.progress import EpochsShown, no_amounts, showing, showing_amounts, showing_on_terminal, silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_each_new_thing_and_each_tenth_is_a_line() -> None:
    stream = io.StringIO()
    with showing(40, stream) as progress:
        for doing, steps in (("first", 0), *(("first", 1),) * 10, ("second", 30)):
            progress(doing, steps)
    assert stream.getvalue() == "[  0 %] first\n[ 10 %] first\n[ 20 %] first\n[ 25 %] second\n"


def test_on_a_terminal_there_is_one_bar() -> None:
    stream = Terminal()
    with showing(2, stream) as progress:
        progress("training", 2)
    assert "training" in stream.getvalue()
    assert "2/2" in stream.getvalue()
    assert "100.0 %" in stream.getvalue()


def test_parts_of_an_epoch_move_the_bar() -> None:
    stream = Terminal()
    with showing(4, stream) as progress:
        shown = EpochsShown("training", progress)
        for done in (0, 0.5, 1, 1.1):
            shown(done)
    assert "27.5 %" in stream.getvalue()


def test_on_a_narrow_terminal_the_numbers_stay_legible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with showing(30, stream) as progress:
        EpochsShown("fine-tuning 4 subnetworks of ds_cnn_s_fashion_mnist", progress)(12)
    assert "going on after epoch 12" in stream.getvalue()
    assert "12/30" in stream.getvalue()
    assert "40.0 %" in stream.getvalue()


def test_parts_of_an_epoch_add_no_lines() -> None:
    stream = io.StringIO()
    with showing(2, stream) as progress:
        shown = EpochsShown("training", progress)
        for tenths in range(21):
            shown(tenths / 10)
    assert stream.getvalue() == "[  0 %] training\n[ 50 %] training\n"


def test_a_training_that_goes_on_says_so_once() -> None:
    stream = io.StringIO()
    with showing(40, stream) as progress:
        for epochs in (range(12, 31), range(11)):
            shown = EpochsShown("training", progress)
            for done in epochs:
                shown(done)
            shown.finish(epochs[-1])
    lines = stream.getvalue().splitlines()
    assert lines[:3] == [
        "[  0 %] training",
        "[ 30 %] training, going on after epoch 12",
        "[ 40 %] training, going on after epoch 12",
    ]
    assert lines[-1] == "[100 %] training"


def test_a_training_that_is_found_finished_does_not_go_on() -> None:
    stream = io.StringIO()
    with showing(8, stream) as progress:
        EpochsShown("training", progress).finish(8)
    assert stream.getvalue() == "[  0 %] training\n"


def test_what_is_for_terminals_alone_is_shown_nowhere_else() -> None:
    stream, terminal = io.StringIO(), Terminal()
    for each in (stream, terminal):
        with showing_on_terminal(5, each) as progress:
            progress("evaluating", 5)
    assert not stream.getvalue()
    assert "5/5" in terminal.getvalue()


def test_nothing_to_do_and_nothing_to_show() -> None:
    stream = io.StringIO()
    with showing(0, stream) as progress:
        progress("nothing", 0)
    assert stream.getvalue() == "[  0 %] nothing\n"
    silent("anything", 1)


def test_elsewhere_each_tenth_of_an_amount_is_a_line() -> None:
    stream = io.StringIO()
    with showing_amounts(stream) as amounts:
        for doing, done, total in (("loading", 1, 100), ("loading", 5, 100), ("loading", 31, 100), ("checking", 0, 0)):
            amounts(doing, done, total)
    assert stream.getvalue() == "loading, 0 %\nloading, 30 %\nchecking, 0 %\n"
    no_amounts("anything", 1, 2)


def test_on_a_terminal_each_amount_has_a_bar() -> None:
    stream = Terminal()
    with showing_amounts(stream) as amounts:
        amounts("loading", 10, 10)
        amounts("checking", 5, 10)
    text = stream.getvalue()
    assert "loading" in text
    assert "100%" in text
    assert "checking" in text
    assert "50%" in text
