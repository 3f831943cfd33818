"""Markdown made of texts that others wrote: whatever they hold is shown and never followed."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.markdown import escaped, fenced, table
from harness.wording import one_line

parser = MarkdownIt("commonmark").enable("table")
texts = st.text(st.sampled_from("ab |`*_[]()<>&~$#\\\n\r-1.!\x1b")) | st.text()


def shown(page: str) -> str:
    """The text of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", page)).strip()


@given(texts)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    page = parser.render(f"* text: {escaped(text)}")

    assert shown(page) == f"text: {one_line(text)}".strip()
    assert re.findall(r"<(/?\w+)", page) == ["ul", "li", "/li", "/ul"]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_a_table_has_the_cells_that_it_was_given(rows: list[tuple[str, str]]) -> None:
    page = parser.render(table(("a", "b"), rows, numbers=("b",)))

    cells = [shown(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)]
    assert cells == [one_line(cell) for row in rows for cell in row]
    assert page.count("text-align:right") == len(rows) + 1


@given(texts)
def test_a_block_ends_where_its_text_does(text: str) -> None:
    text = text.replace("\r", "").replace("\0", "")

    tokens = parser.parse(fenced(text) + "\n\nafter")

    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content.rstrip("\n") == text.rstrip("\n")
