"""What a designer looks for: the moving block, paper, a reader's own colours, and what scrolls says so."""

import re

import pytest
from test_explorers import tab

from tools.facts import ROOT


@pytest.fixture(scope="module")
def block():
    """The moving block, as the landing page has it."""
    return re.search(
        r'<figure class="moving-block".*?</figure>', (ROOT / "intro.md").read_text(encoding="utf-8"), re.DOTALL
    )[0]


@pytest.fixture(scope="module")
def sheet():
    return f"<style>{(ROOT / 'site/static/book.css').read_text(encoding='utf-8')}</style>"


# Where the lanes stand, and what is seen, when so much of the five seconds is over.
AT = """milliseconds => {
  document.getAnimations().forEach(animation => { animation.pause(); animation.currentTime = milliseconds; });
  const seen = selector => [...document.querySelectorAll(selector)].map(e => Number(getComputedStyle(e).opacity));
  return { lanes: [...document.querySelectorAll('.lane')].map(e => new DOMMatrix(getComputedStyle(e).transform).f),
    late: seen('.lane.late'), wires: seen('path.wire:not(.lane *)'), closed: seen('.closed') };
}"""


def test_A2_A3_every_lane_closes_up_and_nothing_runs_below_the_lowest_branch(browser, block):
    with tab(browser, block, reduced_motion="no-preference") as page:
        first, second, third = (page.evaluate(AT, time) for time in (0, 3000, 5000))
    assert first["lanes"] == second["lanes"] == [-55, -39, -23, -7, 9, 25, 41, 57]
    assert third["lanes"] == [-35, -25, -15, -5, 5, 15, 25, 35], "late lanes close up as well"
    assert first["late"] == [0] * 4 and second["late"] == [1] * 4
    assert first["wires"] == [1, 0] and second["wires"] == [1, 1] and third["wires"] == [0, 0]
    assert first["closed"] == second["closed"] == [0] and third["closed"] == [1], "the input is no fifth branch"
    assert 'class="wire" d="M60 29V125M292 29V125"' in block, "the lowest branch of the first act is at 84 + 41"


@pytest.mark.parametrize("still", [dict(reduced_motion="reduce"), dict(media="print")], ids=["reduced", "print"])
def test_D19_a_still_says_all_three_acts_and_has_no_button(browser, block, still):
    with tab(browser, block) as page:
        page.emulate_media(**still)
        shown = "e => getComputedStyle(e).display !== 'none' && getComputedStyle(e).opacity === '1'"
        words = [text for text in page.locator("svg text").all() if text.evaluate(shown)]
        assert [text.get_attribute("class") for text in words] == ["whole"]
        assert "equal paths" in words[0].text_content() and "groups=32" in words[0].text_content()


def test_D19_it_plays_again(browser, block):
    with tab(browser, block, reduced_motion="no-preference") as page:
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        page.get_by_role("button", name="Play again").click()
        running = page.evaluate("document.getAnimations().map(a => [a.playState, a.currentTime < 4000])")
        assert len(running) > 20 and all(state == "running" and early for state, early in running)


def test_D37_its_words_can_be_read_on_a_small_phone(browser, block):
    margin = "<style>figure { margin: 0 16px; }</style>"  # what the site leaves of 320 px are 272
    with tab(browser, margin + block, width=320, reduced_motion="no-preference") as page:
        size = page.evaluate("""(() => { const svg = document.querySelector('svg');
            return parseFloat(getComputedStyle(svg.querySelector('text')).fontSize) * svg.getBoundingClientRect().width / 360; })()""")
        assert size >= 11.9
        wide = page.evaluate("[...document.querySelectorAll('svg text')].map(t => t.getBBox().x + t.getBBox().width)")
        assert max(wide) <= 360


def test_A4_icons_of_a_reader_with_own_colours_are_drawn(browser, sheet):
    with tab(browser, f"{sheet}<i class='fa-solid fa-bars'></i>", 'data-theme="light"', forced_colors="active") as page:
        icon = "(s => [s.forcedColorAdjust, s.backgroundColor])(getComputedStyle(document.querySelector('i'), '::before'))"
        adjust, colour = page.evaluate(icon)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert adjust == "none" and colour != ground


def test_A7_on_paper_tables_are_whole_and_folded_code_is_left_out(browser, sheet):
    table = f"<table><tr>{''.join(f'<td>a long number {i}</td>' for i in range(9))}</tr></table>"
    page_of = f"{sheet}<div class='bd-article'><div class='cell_output'><div class='output text_html'>{table}</div></div>"
    folded = "<div class='cell'><details class='hide above-input'><summary>Show</summary>code</details></div></div>"
    with tab(browser, page_of + folded, 'data-theme="light"', width=700) as page:
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= 700
        assert page.evaluate("getComputedStyle(document.querySelector('.output')).overflowX") == "visible"
        assert not page.locator("details").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_B9_what_scrolls_sideways_has_a_shadow(browser, sheet, theme):
    places = (
        "<div class='math'>x</div><div class='pst-scrollable-table-container'>x</div>"
        "<div class='cell_input'><pre>x</pre></div><div class='explorer'><div class='scroll'>x</div></div>"
    )
    with tab(browser, f"{sheet}<div class='bd-article'>{places}</div>", f'data-theme="{theme}"') as page:
        for selector in ("div.math", ".pst-scrollable-table-container", ".cell_input pre", ".scroll"):
            attached = page.locator(selector).evaluate("e => getComputedStyle(e).backgroundAttachment")
            assert attached == "local, local, scroll, scroll", selector
