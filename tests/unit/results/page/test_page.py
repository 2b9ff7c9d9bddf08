"""The page: text from data stays text, numbers sort as numbers, missing values are blank."""

import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.results.page.page import Page, Section, breakable, drawing_library, in_script, plain_table, render

EVIL = "</script><script>alert('x')</script>&\"<b>"


def page_of(frame):
    table = plain_table("evil", EVIL, EVIL, frame)
    return render(Page(EVIL, {EVIL: EVIL}, [Section("s", EVIL, [table])], {EVIL: EVIL}, {EVIL: EVIL}), "let library;")


def test_text_from_data_is_never_markup():
    html = page_of(pd.DataFrame({EVIL: [EVIL]}))
    assert "alert('x')</script>" not in html
    assert "<b>" not in html
    assert html.count("<script") == html.count("</script>") == 4


@given(st.text())
def test_any_text_survives_the_way_through_a_script_element(text):
    written = in_script(text)
    assert not re.search("[<>&\u2028]", written)
    assert json.loads(written) == text


def test_a_library_cannot_end_its_script_element():
    html = render(Page("t", {}, [], {}, {}), "const a = '</script>';")
    assert "'<\\/script>'" in html


@pytest.mark.slow
def test_the_page_brings_the_library_that_draws_its_charts():
    assert drawing_library().rstrip(";").rpartition("window.vegaEmbed=")[2].startswith("$")


def test_numbers_sort_as_numbers_and_missing_ones_are_blank():
    table = plain_table("t", "t", "t", pd.DataFrame({"n": [1234.5, float("nan")], "k": [1200, 3], "s": ["a", None]}))
    assert [[cell["text"] for cell in row] for row in table.rows] == [["1,234.50", "1,200", "a"], ["", "3", ""]]
    assert [column.numeric for column in table.columns] == [True, True, False]


def test_the_page_asks_for_nothing_from_outside():
    html = page_of(pd.DataFrame({"a": [1]}))
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=\"(?!#|data:)", html)


def test_a_long_name_may_be_broken_between_its_words_and_stays_text():
    assert breakable("sparse_half-density") == "sparse_<wbr>half-<wbr>density"
    assert breakable("2026-11-27, −0.48 [-1, +2]") == "2026-11-27, −0.48 [-1, +2]"
    assert breakable("<b>a_b</b>") == "&lt;b&gt;a_<wbr>b&lt;/b&gt;"
