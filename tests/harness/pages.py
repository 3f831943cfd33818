"""Pages of reports to test with: read as a browser does, and made of records that attack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from harness.judging import Thresholds, judge_run
from harness.report import collect
from harness.report.collect import Report
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

HOSTILE = """</script><script>hacked=1</script><img src=x onerror="hacked=1">'"&{{ 7*7 }}"""


class Page(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in {"script", "style"}
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


def links(page: Page) -> Iterator[str]:
    """Where the page's links within it lead."""
    return (link.removeprefix("#") for link in page.links if link.startswith("#"))


def measurements(html: str) -> list[dict[str, Any]]:
    """The rows of the page's table of all measurements; columns in which nothing stands are not in them."""
    found = re.search(r'<script type="application/json" id="measurements-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    names = [column["name"] for column in data["columns"]]
    return [data["same"] | dict(zip(names, row, strict=True)) for row in data["rows"]]


def compared(run: RunFile, before: RunFile) -> Report:
    """The report of a run beside an earlier one."""
    return collect(run, judge_run(before, run, Thresholds()))


def hostile_run() -> RunFile:
    """A run in which every text that others may choose is an attack."""
    m = a_measurement(
        architecture=HOSTILE, dataset=HOSTILE, device=HOSTILE, precision=HOSTILE, layer=HOSTILE, unit=HOSTILE, test=HOSTILE
    )
    texts = {"architecture": HOSTILE, "dataset": HOSTILE, "device": HOSTILE, "precision": HOSTILE, "unit": HOSTILE}
    more = [a_measurement(**texts, metric=metric, layer=layer) for metric, layer in MEASURES]
    switch = a_measurement(**texts, metric="switch", from_subnet="50")
    outcome = an_outcome(test=HOSTILE, outcome="failed", reason=HOSTILE)
    device = some_device_facts(id=HOSTILE, board=HOSTILE, compiler=HOSTILE, firmware=HOSTILE)
    run = replace(a_run(HOSTILE), matrix=HOSTILE, command=(HOSTILE,), host={HOSTILE: HOSTILE}, versions={HOSTILE: HOSTILE})
    return RunFile(HOSTILE, run, (m, *more, switch, a_measurement(metric=HOSTILE)), (device,), (outcome,))


MEASURES = (
    ("latency", None),
    ("accuracy", None),
    ("parameters", None),
    ("search_seconds", None),
    ("layer_latency", HOSTILE),
    ("layer_activation_bytes", HOSTILE),
)
