"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io

from reds.progress import no_amounts, showing, showing_amounts, silent


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
