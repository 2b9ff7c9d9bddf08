"""The report of a real run, in a real browser: drawn, sortable, readable, and without a request to anywhere."""

import csv
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

    def open_page(width=WIDTHS["desktop"], theme="light", drawn=True, **options):
        options |= {"viewport": {"width": width, "height": 900}, "color_scheme": theme, "reduced_motion": "reduce"}
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(finished.path("report.html").as_uri())
        if drawn:
            draw_all(page)
        return page, said, asked

    yield open_page
    for context in contexts:
        context.close()


def draw_all(page):
    """Open what is folded and scroll through the page, so that every figure is drawn."""
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
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
def test_the_command_that_repeats_the_run_names_its_configuration(opened):
    page, _, _ = opened(drawn=False)
    commands = page.locator("#provenance pre").all_inner_texts()
    assert commands[0].startswith("sparse-sharing run ")
    assert ".yaml --cores " in commands[0]


@pytest.mark.slow
def test_the_first_sentence_is_the_verdict(opened):
    page, _, _ = opened(drawn=False)
    lead = page.locator("main, header").first.locator("p.lead").first.inner_text()
    assert "comparisons with single" in lead


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_menu_leads_to_its_sections_before_a_figure_is_drawn(opened, width):
    page, _, _ = opened(width, drawn=False)
    links = page.locator("nav a")
    for place in range(links.count()):
        links.nth(place).click()
        draw = "name => [...document.querySelectorAll(`${name} figure.chart`)].filter(f => f.offsetParent).map(draw)"
        name = links.nth(place).get_attribute("href")
        page.evaluate(f"async name => Promise.all(({draw})(name))", name)
        page.wait_for_timeout(300)
        top = page.evaluate("name => document.querySelector(name).getBoundingClientRect().top", name)
        at_end = page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
        assert 40 <= top <= 60 or (at_end and top > 0), name


@pytest.mark.slow
def test_a_drawing_takes_the_height_that_was_reserved(opened):
    page, _, _ = opened()
    for drawing in page.query_selector_all(".drawing"):
        drawn = drawing.query_selector("svg").bounding_box()["height"]
        assert drawing.bounding_box()["height"] == pytest.approx(drawn, abs=1)


@pytest.mark.slow
def test_every_comparison_has_its_verdict_and_its_interval_on_one_axis(opened, finished):
    page, _, _ = opened(drawn=False)
    with finished.path("tables/comparisons.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    verdicts = page.locator(".forest td.verdict").all_inner_texts()
    # One seed: the caption says that all verdicts apply to these trained models.
    expected = [row["verdict"].removeprefix("these models: ") for row in rows]
    assert sorted(text.split(" (")[0] for text in verdicts) == sorted(expected)
    assert "apply to these trained models only" in page.locator(".forest .caption").first.inner_text()
    for table in page.query_selector_all(".forest table"):
        axis = table.query_selector("thead .ticks").bounding_box()
        for line in table.query_selector_all(".line"):
            box = line.bounding_box()
            assert (box["x"], box["width"]) == pytest.approx((axis["x"], axis["width"]), abs=1)
            interval = line.query_selector(".interval").bounding_box()
            assert box["x"] - 1 <= interval["x"]
            assert interval["x"] + interval["width"] <= box["x"] + box["width"] + 1


@pytest.mark.slow
def test_a_table_that_is_wider_than_a_phone_says_how_to_see_the_rest(opened):
    page, _, _ = opened(WIDTHS["phone"])
    for table in page.query_selector_all(".table"):
        scroll = table.query_selector(".scroll")
        is_wider = scroll.evaluate("part => part.scrollWidth > part.clientWidth")
        assert table.query_selector(".hint").is_visible() == is_wider
    forest = page.query_selector(".forest table")
    assert forest.bounding_box()["width"] <= WIDTHS["phone"]


@pytest.mark.slow
def test_without_javascript_the_page_says_what_is_missing_and_shows_the_verdicts(opened):
    page, _, _ = opened(drawn=False, java_script_enabled=False)
    assert page.locator("noscript p.warnings").is_visible()
    assert page.locator(".forest td.verdict").first.is_visible()
    assert not page.locator(".panels").first.is_visible()
    assert page.locator(".scroll thead button").first.is_visible()


@pytest.mark.slow
def test_paper_shows_every_unfolded_figure_in_light_colours(opened):
    page, _, _ = opened(theme="dark", drawn=False)
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(500)
    figures = page.query_selector_all("figure.chart")
    shown = [figure for figure in figures if figure.is_visible()]
    assert {figure.get_attribute("data-drawn") for figure in shown} == {"light"}
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.slow
def test_the_page_names_the_systems_the_best_models_and_synthetic_text(opened):
    page, _, _ = opened(drawn=False)
    assert "One network for each task" in page.locator("#systems").inner_text()
    assert "sparse-sharing tag " in page.locator("#models pre").first.inner_text()
    assert "synthetic demo text" in page.locator(".warnings").first.inner_text()
    page.evaluate("document.querySelectorAll('#data details').forEach(part => part.open = true)")
    headings = page.locator("[data-name=data-spans] thead").inner_text()
    assert headings.split() == ["dataset", "corpus", "task", "type", "train", "dev", "test"]


@pytest.mark.slow
def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(opened):
    page, _, _ = opened()
    order = "row => parseFloat(row.children[1].textContent)"
    scores = f"[...document.querySelector('[data-name$=-scores] tbody').rows].map({order})"
    headings = page.locator("[data-name$=-scores]").first.locator("thead th")
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
