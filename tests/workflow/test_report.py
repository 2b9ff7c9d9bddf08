"""The report of a real run, in a real browser: drawn, sortable, readable, and without a request to anywhere."""

import os
import shutil
from pathlib import Path

import pytest

AXE = "node_modules/axe-core/axe.min.js"
WIDTHS = {"desktop": 1280, "phone": 390}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, finished):
    """A function that opens the report at a width and in a theme; gives the page, and all it says and asks for."""
    contexts = []

    def open_page(width=WIDTHS["desktop"], theme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(finished.path("report.html").as_uri())
        draw_all(page)
        return page, said, asked

    yield open_page
    for context in contexts:
        context.close()


def draw_all(page):
    """Scroll through the page, so that every figure is drawn."""
    for figure in page.query_selector_all("figure.chart"):
        figure.scroll_into_view_if_needed()
        page.wait_for_function("figure => figure.dataset.drawn", arg=figure)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_figure_is_drawn_within_the_window_without_a_word_or_a_request(opened, finished, width, theme):
    page, said, asked = opened(width, theme)
    assert said == []
    assert asked == [finished.path("report.html").as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    figures = page.query_selector_all("figure.chart")
    assert len(figures) >= 7
    for figure in figures:
        for drawing in figure.query_selector_all(".drawing svg"):
            box = drawing.bounding_box()
            assert box["width"] > 150
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width + 1


@pytest.mark.slow
def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(opened):
    page, _, _ = opened()
    order = "row => parseFloat(row.children[1].dataset.order)"
    scores = f"[...document.querySelector('.table tbody').rows].map({order})"
    headings = page.locator(".table").first.locator("thead th")
    headings.nth(1).locator("button").click()
    ascending = page.evaluate(scores)
    assert ascending == sorted(ascending)
    assert headings.nth(1).get_attribute("aria-sort") == "ascending"
    headings.nth(1).locator("button").click()
    assert page.evaluate(scores) == sorted(ascending, reverse=True)
    assert headings.nth(1).get_attribute("aria-sort") == "descending"
    assert headings.nth(0).get_attribute("aria-sort") == "none"


@pytest.mark.slow
def test_a_figure_is_taken_away_as_svg_and_its_data_as_csv(opened):
    page, _, _ = opened()
    with page.expect_download() as drawing:
        page.locator("figure.chart button.svg").first.click()
    assert Path(drawing.value.path()).read_text(encoding="utf-8").startswith("<svg")
    assert drawing.value.suggested_filename.endswith(".svg")
    with page.expect_download() as data:
        page.locator("figure.chart button.csv").first.click()
    lines = Path(data.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) > 1
    assert "system" in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_passes_an_accessibility_check(opened, repository, theme):
    axe = Path(os.environ.get("SPARSE_SHARING_AXE", repository / AXE))
    if not axe.exists():
        pytest.skip(f"axe-core is not at {axe}: npm install --no-save axe-core")
    page, _, _ = opened(theme=theme)
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    broken = [f"{rule['id']}: {rule['help']} ({rule['nodes'][0]['html']})" for rule in found["violations"]]
    assert broken == []
