"""The page in a real browser: opens without errors or requests, sorts, filters, toggles, goes dark, fits a phone, prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.report import collect, write_page
from tests.harness.browser import OWN_SCHEMES, Browser, artefacts, chromium, requires_browser
from tests.harness.full_run import a_full_run, outcomes_only, with_latency
from tests.harness.pages import HOSTILE, compared, hostile_run

pytestmark = [pytest.mark.slow, requires_browser()]

DESKTOP, PHONE = (1280, 900), (390, 844)
ROWS = "#table tbody tr"
# Opacities of the lines of a chart, by the order of its series.
LINES = """
const lines = document.querySelectorAll(`[data-chart="${arguments[0]}"] .mark-line.role-mark path`);
return [...lines].map((line) => Number(line.getAttribute("opacity") ?? 1));
"""
WIDER = """
return [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .skip, svg, details:not([open])"))
  .map((e) => e.outerHTML.slice(0, 120));
"""

# Tables that show only a part of their columns at once.
SIDEWAYS = """
return [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything."""
    target = tmp_path_factory.mktemp("report") / "report.html"
    write_page(compared(a_full_run(), with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5)), target)
    return target


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    """The browser, with that report, as wide as a desktop's and in the light."""
    browser.resize(*DESKTOP)
    browser.prefer("light")
    browser.errors()
    browser.requests()
    browser.open(page)
    return browser


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str], Path]:
    """Where a screenshot of this name goes."""
    return lambda name: artefacts(tmp_path) / name


def test_opens_from_a_file_without_errors_or_requests(opened: Browser, save: Callable[[str], Path]) -> None:
    assert opened.errors() == []
    assert [url for url in opened.requests() if not url.startswith(OWN_SCHEMES)] == []
    charts = opened.count("[data-chart]")
    assert charts > 50
    assert opened.count("[data-chart][data-state=drawn] svg.marks") == charts
    opened.screenshot(save("report-light.png"))


def test_the_table_sorts_up_and_down(opened: Browser) -> None:
    values = lambda: [float(text.replace(",", "")) for text in opened.texts(f"{ROWS} td:nth-child({column})")]  # noqa: E731
    column = 1 + next(i for i, name in enumerate(opened.texts("#table th")) if name == "value")
    heading = f"#table th:nth-child({column})"

    opened.click(f"{heading} button")
    assert opened.run("return document.querySelector(arguments[0]).ariaSort", heading) == "ascending"
    ascending = values()
    opened.click(f"{heading} button")
    descending = values()

    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)
    assert len(ascending) == 100
    assert ascending[0] < descending[0]


def test_the_table_is_operated_by_keyboard(opened: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.run("document.querySelector('#table th button').focus()")
    opened.driver.switch_to.active_element.send_keys(Keys.ENTER)
    first = opened.texts(f"{ROWS} td:first-child")
    assert first == sorted(first)
    opened.driver.switch_to.active_element.send_keys(Keys.SPACE)
    assert opened.texts(f"{ROWS} td:first-child")[0] == "switch"


def test_the_table_filters_by_words_and_choices(opened: Browser, save: Callable[[str], Path]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    opened.type("#words", "latency hidden2")
    assert {"layer_latency"} == set(opened.texts(f"{ROWS} td:first-child"))
    found = opened.driver.find_element(By.CSS_SELECTOR, "select[data-column=device]")
    Select(found).select_by_visible_text("pico-emu")
    assert opened.texts("#shown") == ["24 of 24 measurements that fit (1,500 in all)"]
    opened.run("document.querySelector('#measurements').scrollIntoView()")
    opened.screenshot(save("report-filtered.png"))
    opened.click("#clear")
    assert opened.count(ROWS) == 100
    opened.click("#more")
    assert opened.count(ROWS) == 200
    opened.click("#all")
    assert opened.texts("#shown") == ["1,500 of 1,500 measurements"]


def test_regressions_are_filtered_by_verdict(opened: Browser) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    Select(opened.driver.find_element(By.CSS_SELECTOR, "select[data-column=verdict]")).select_by_visible_text("worse")
    assert opened.count(ROWS) == 24
    assert set(opened.texts(f"{ROWS} .verdict-cell")) == {"worse"}


def test_the_verdict_is_in_sight_on_a_small_desktop(opened: Browser, save: Callable[[str], Path]) -> None:
    opened.run("document.querySelector('#table').scrollIntoView({behavior: 'instant'})")
    opened.screenshot(save("report-table.png"))
    right = "return document.querySelector(arguments[0]).getBoundingClientRect().right"
    edge = opened.run(right, "#measurements .scroll")
    assert edge <= DESKTOP[0]
    for column in ("verdict", "change, %", "before", "value", "unit"):
        assert opened.run(right, f'{ROWS} td[data-label="{column}"]') <= edge, column


def test_a_legend_toggles_series(opened: Browser, save: Callable[[str], Path]) -> None:
    chart = "mlp3-digits-accuracy"
    before = opened.run(LINES, chart)
    entry = f'[data-chart="{chart}"] .role-legend-symbol path'

    opened.click(entry)
    opened.wait(lambda: opened.run(LINES, chart) != before)
    alone = opened.run(LINES, chart)
    opened.screenshot(save("report-toggled.png"))
    opened.click(entry)
    opened.wait(lambda: opened.run(LINES, chart) == before)

    assert set(before) == {1}
    assert 1 in alone
    assert min(alone) < 0.1
    assert opened.errors() == []


def test_pointing_at_a_mark_tells_its_data(opened: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    cell = opened.driver.find_element(
        By.CSS_SELECTOR, '[data-chart="mlp3-digits-switch-pico-emu-int8"] .mark-rect.role-mark path'
    )
    opened.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", cell)
    ActionChains(opened.driver).move_to_element(cell).perform()
    opened.wait(lambda: "first inference" in " ".join(opened.texts("#vg-tooltip-element")))
    assert opened.errors() == []


def test_light_and_dark(opened: Browser, save: Callable[[str], Path]) -> None:
    paper = "return getComputedStyle(document.querySelector('figure')).backgroundColor"
    label = "return getComputedStyle(document.querySelector('.role-axis-label text')).fill"
    light, light_label = opened.run(paper), opened.run(label)
    opened.prefer("dark")
    dark, dark_label = opened.run(paper), opened.run(label)
    opened.screenshot(save("report-dark.png"))

    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(23, 27, 33)")
    assert light_label != dark_label
    assert opened.texts("#theme") == ["Light"]
    opened.click("#theme")  # against the system
    assert opened.run(paper) == light
    opened.prefer("light")
    opened.click("#theme")
    assert opened.run(paper) == dark


def test_a_phone_scrolls_down_only(opened: Browser, save: Callable[[str], Path]) -> None:
    opened.resize(*PHONE)
    opened.wait(lambda: opened.run("return document.querySelector('.chart svg').getBoundingClientRect().width < 390"))
    opened.screenshot(save("report-phone.png"))
    assert opened.run("return document.documentElement.scrollWidth") == PHONE[0]
    assert opened.run(WIDER) == []
    assert opened.run(SIDEWAYS) == []


def test_tables_sort_and_name_their_values_on_a_phone(opened: Browser, save: Callable[[str], Path]) -> None:
    opened.resize(*PHONE)
    label = "return getComputedStyle(document.querySelector(arguments[0]), '::before').content"
    assert opened.run(label, "#glance td:nth-child(5)") == '"Accuracy, %"'
    assert opened.run(label, f"{ROWS} td:nth-child(2)") == '"architecture"'
    opened.click("#table th:nth-child(1) button")
    first = opened.texts(f"{ROWS} td:first-child")
    assert first == sorted(first)
    opened.run("document.querySelector('#glance').scrollIntoView({behavior: 'instant'})")
    opened.screenshot(save("report-phone-table.png"))


def test_every_legend_has_room(opened: Browser) -> None:
    for size in (DESKTOP, PHONE):
        opened.resize(*size)
        opened.wait(
            lambda width=size[0]: opened.run(
                "return document.querySelector('.chart svg').getBoundingClientRect().width < arguments[0]", width
            )
        )
        cut = opened.run("""
            return [...document.querySelectorAll(".chart svg")].filter((svg) => {
              const edge = svg.getBoundingClientRect().right + 1;
              return [...svg.querySelectorAll("text")].some((text) => text.getBoundingClientRect().right > edge);
            }).map((svg) => svg.closest("[data-chart]").dataset.chart);
        """)
        assert cut == [], size


def test_prints(opened: Browser, save: Callable[[str], Path]) -> None:
    pdf = opened.print_pdf()
    save("report.pdf").parent.mkdir(parents=True, exist_ok=True)
    save("report.pdf").write_bytes(pdf)
    assert pdf.startswith(b"%PDF")
    assert 5 < len(re.findall(rb"/Type\s*/Page\b", pdf)) < 40


def test_hostile_texts_are_shown_and_never_run(browser: Browser, tmp_path: Path, save: Callable[[str], Path]) -> None:
    target = tmp_path / "hostile.html"
    write_page(compared(hostile_run(), hostile_run()), target)
    browser.resize(*DESKTOP)
    browser.requests()
    browser.open(target)

    assert browser.run("return typeof hacked") == "undefined"
    assert browser.count("main img, main script") == 0
    assert HOSTILE in browser.run("return document.body.textContent")
    assert HOSTILE in browser.texts(f"{ROWS} td")
    assert [url for url in browser.requests() if not url.startswith(OWN_SCHEMES)] == []
    assert browser.errors() == []
    browser.screenshot(save("report-hostile.png"))


def test_the_policy_stops_what_would_get_through(opened: Browser) -> None:
    opened.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"hacked = 1\">')")
    opened.run("const s = document.createElement('script'); s.textContent = 'hacked = 1'; document.body.append(s);")
    opened.wait(lambda: any("Content Security Policy" in error for error in opened.errors()))
    assert opened.run("return typeof hacked") == "undefined"


def test_an_empty_run_has_a_page_without_errors(browser: Browser, tmp_path: Path, save: Callable[[str], Path]) -> None:
    target = tmp_path / "empty.html"
    write_page(collect(outcomes_only()), target)
    browser.resize(*DESKTOP)
    browser.errors()
    browser.open(target)
    browser.screenshot(save("report-empty.png"))
    assert browser.errors() == []
    assert "holds no measurements" in browser.texts("#overview")[0]
