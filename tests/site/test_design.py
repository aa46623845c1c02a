"""What a designer looks for: the moving block, paper, a reader's own colours, and what scrolls says so."""

import re
import sys

import pytest
import site_tools
import tinycss2
from test_explorers import tab

from resnext_lib import explorers
from tools.facts import ROOT

sys.path.append(str(ROOT / "site/extensions"))
import light_pages  # noqa: E402
import number_columns  # noqa: E402
import page_facts  # noqa: E402


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


# ------------------------------------------------------------------ paper is white


def test_18_a_rule_of_the_dark_theme_is_left_out_on_paper_and_the_light_ones_holds():
    class Every:
        def __contains__(self, word):
            return True

    rules = tinycss2.parse_stylesheet(
        """html[data-theme="light"] a, b { color: red } html[data-theme=dark] a { color: blue }
        :is(html, body)[data-theme="dark"] { --dark: initial } html[data-theme] i { color: green }""",
        True,
        True,
    )
    assert light_pages.used_rules(rules, Every(), keep_icons=True) == (
        'html[data-theme="light"] a,b{color: red}@media print{html[data-theme] a{color: red}}'
        "@media not print{html[data-theme=dark] a{color: blue}}"
        '@media not print{:is(html, body)[data-theme="dark"]{--dark: initial}}html[data-theme] i{color: green}'
    )


# How bright the ink of every piece of text is, from 0 to 255, and what the page and its figures take themselves to be.
ON_PAPER = """() => {
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number); return Math.max(r, g, b); };
  const seen = [...document.querySelectorAll('.bd-article :is(h1, h2, p, li, pre span, td, th, figcaption, summary, svg text)')]
    .filter(e => e.textContent.trim() && e.checkVisibility());
  return { pale: seen.filter(e => light(getComputedStyle(e).color) > 200).map(e => e.outerHTML.slice(0, 80)), count: seen.length,
    schemes: [...document.querySelectorAll('figure img')].map(e => getComputedStyle(e).colorScheme) };
}"""


def test_18_a_dark_page_is_printed_light(browser, site):
    """Ink is dark, and figures, which follow the scheme of their place, are light: words, code, tables, static pictures."""
    for name in ("intro", "chapters/02_inception"):
        with site_tools.tab(browser, "dark", 1280) as page:
            page.goto((site / f"{name}.html").as_uri())
            page.emulate_media(media="print", color_scheme="dark")
            found = page.evaluate(ON_PAPER)
            assert found["count"] > 50 and not found["pale"], (name, found["pale"][:5])
            assert found["schemes"] and set(found["schemes"]) == {"light"}, name


def test_18_on_paper_an_explorer_of_a_dark_notebook_is_light(browser):
    with tab(browser, explorers.drag_the_groups().html, 'data-theme="dark"') as page:
        scheme = "getComputedStyle(document.querySelector('.explorer')).colorScheme"
        assert page.evaluate(scheme) == "dark"
        page.emulate_media(media="print")
        assert page.evaluate(scheme) == "light"


def test_18_on_paper_figure_and_caption_code_and_rows_stay_whole(browser, sheet):
    parts = "<figure><img alt=''><figcaption>x</figcaption></figure><div class='cell_input'><pre>x</pre></div>"
    with tab(browser, f"{sheet}<div class='bd-article'>{parts}<h2>x</h2></div>", 'data-theme="light"') as page:
        page.emulate_media(media="print")
        breaks = "s => getComputedStyle(document.querySelector(s))"
        assert page.evaluate(f"({breaks})('figure').breakInside") == "avoid"
        assert page.evaluate(f"({breaks})('.cell_input').breakInside") == "avoid"
        assert page.evaluate(f"({breaks})('h2').breakAfter") == "avoid"


def test_18_on_paper_a_heading_stays_whole_and_a_long_picture_stands_in_two_columns(browser, sheet):
    steps = explorers.inception_to_resnext().html
    page_of = f"<div class='cell'><div class='cell_input'><pre>explorers.x()</pre></div><div class='cell_output'>{steps}</div></div>"
    with tab(browser, f"{sheet}<div class='bd-article'><h2>x</h2>{page_of}</div>", 'data-theme="light"', width=700) as page:
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.querySelector('h2')).breakInside") == "avoid"
        assert not page.locator(".cell_input").is_visible(), "the line that calls it is no code to read"
        left, right = (image.bounding_box() for image in page.locator("figure > img").all())
        assert abs(left["y"] - right["y"]) <= 1 and left["x"] + left["width"] <= right["x"]
        letters = 12 * left["width"] / 360 * 0.75  # points of 96 px / 0.75
        assert letters >= 7, letters


# ------------------------------------------------------------------ on the screen


# The left edge of the text, and of what has to begin and end with it.
EDGES = """() => { const box = s => { const r = document.querySelector(s).getBoundingClientRect(); return [r.left, r.right].map(Math.round); };
  const inner = s => { const e = document.querySelector(s), r = e.getBoundingClientRect(), c = getComputedStyle(e);
    return [r.left + parseFloat(c.paddingLeft), r.right - parseFloat(c.paddingRight)].map(Math.round); };
  return { article: inner('.bd-article'), next: box('.prev-next-area'), footer: inner('.bd-footer-content__inner'),
    picture: box('.cell_output figure:not(.explorer) img'), caption: box('.cell_output figcaption') }; }"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [390, 1280])
def test_18_footer_and_links_stand_in_the_column_of_the_text(browser, site, width):
    with site_tools.tab(browser, "light", width) as page:
        page.goto((site / "chapters/05_the_resnext_block.html").as_uri())
        found = page.evaluate(EDGES)
        left, right = found["article"]
        assert found["next"] == [left, right] and found["footer"][0] == left
        if width == 1280:
            assert found["picture"][0] == found["caption"][0] == left, "text, code and figures share one edge"


def test_18_the_code_of_a_figure_is_a_quiet_line_below_it(browser, site):
    with site_tools.tab(browser, "light", 1280) as page:
        page.goto((site / "chapters/10_flops_are_not_seconds.html").as_uri())
        drawn = page.locator("div.cell:has(> details.above-input):has(> .cell_output :is(figure, table))")
        assert drawn.count() > 3
        for cell in drawn.all():
            fold, output = cell.locator("> details").bounding_box(), cell.locator("> .cell_output").bounding_box()
            assert fold["y"] >= output["y"] + output["height"] - 1
        borders = page.locator("details.above-input").evaluate_all("all => all.map(e => getComputedStyle(e).borderTopWidth)")
        assert set(borders) == {"0px"}, "of a figure, a table and a solution"


def test_18_on_the_smallest_screen_lettering_is_not_below_11_px(browser, sheet):
    figure = "<figure><img alt='x' style='width:100%' src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='360' height='9'/>\"></figure>"
    output = f"<div class='cell_output'><div class='output text_html'>{figure}</div>"
    output += "<div class='output stream printed-table' style='--columns: 66'><pre>a  1\nb  2</pre></div></div>"
    with tab(browser, f"{sheet}<div class='bd-article'>{output}</div>", 'data-theme="light"', width=320) as page:
        assert 12 * page.locator("figure img").bounding_box()["width"] / 360 >= 11
        assert page.locator("pre").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 11
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, "they scroll in their own boxes"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_18_code_stands_on_one_ground_without_patches(browser, site, theme):
    """Where code does not scroll nothing lies on its ground: its box has the colour of the shadow's paper."""
    with site_tools.tab(browser, theme, 1280) as page:
        page.goto((site / "chapters/05_the_resnext_block.html").as_uri())
        grounds = page.evaluate("""() => [...document.querySelectorAll('.cell_input .highlight')].map(box =>
            [getComputedStyle(box).backgroundColor, getComputedStyle(box.firstElementChild).backgroundColor])""")
        card = page.evaluate("""() => { const e = document.body.appendChild(document.createElement('i'));
            e.style.background = 'var(--card)'; return getComputedStyle(e).backgroundColor; }""")
        assert len(grounds) > 10
        assert {ground for ground, _ in grounds} == {card} and {own for _, own in grounds} == {"rgba(0, 0, 0, 0)"}


def test_18_the_stripes_of_a_table_that_scrolls_let_its_shadow_through(browser, site):
    with site_tools.tab(browser, "light", 390) as page:
        page.goto((site / "chapters/teaching.html").as_uri())
        opaque = page.evaluate("""() => [...document.querySelectorAll('.pst-scrollable-table-container :is(tr, td, th)')]
            .filter(e => !/rgba\\(.*, 0(\\.\\d+)?\\)|\\/ 0(\\.\\d+)?\\)/.test(getComputedStyle(e).backgroundColor)).length""")
        assert opaque == 0
        wide = page.evaluate("""() => { const box = document.querySelector('.pst-scrollable-table-container');
            return box.scrollWidth - box.clientWidth; }""")
        assert wide <= 1, "the first table keeps its last column on a phone"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_18_the_sliders_of_a_figure_are_equally_long_and_begin_at_one_edge(browser, width):
    with tab(browser, explorers.numbers_to_choose().html, width=width) as page:
        boxes = [slider.bounding_box() for slider in page.locator("input[type=range]").all()]
        assert len(boxes) >= 8
        assert len({round(box["x"]) for box in boxes}) == 1 and len({round(box["width"]) for box in boxes}) == 1
        labels = [label.bounding_box() for label in page.locator("label:has(> input[type=range])").all()]
        if width == 1280:
            assert all(label["height"] <= 48 for label in labels), "every slider stands beside its words"
        else:
            below = zip(boxes, labels, strict=True)
            assert all(slider["y"] - label["y"] > 15 for slider, label in below), "every slider stands below its words"


def test_18_numbers_stand_right_and_words_left():
    rows = "<tr><th>a</th><td>39</td><td>direct</td></tr><tr><th>b</th><td>10,562,000</td><td>5</td></tr>"
    head = '<tr style="text-align: left;"><th></th><th>times</th><th>routine</th></tr>'
    made = number_columns.align(f'<table class="dataframe"><thead>{head}</thead><tbody>{rows}</tbody></table>')
    assert made.count('class="number"') == 3 and '<th class="number">times</th>' in made
    assert '<td class="number">10,562,000</td>' in made and "<td>direct</td>" in made and "<td>5</td>" in made
    for number in ("6.6%", "-0.281", "+0.7%", "3.1 ± 0.2", "−4"):
        assert number_columns.NUMBER.fullmatch(number), number
    for words in ("32 × 4", "56×56", "v1", "", "64 · 64"):
        assert not number_columns.NUMBER.fullmatch(words), words


def test_18_numbers_of_a_page_stand_right(browser, site):
    with site_tools.tab(browser, "light", 1280) as page:
        page.goto((site / "chapters/03_residual_learning.html").as_uri())
        cells = page.locator("table.dataframe td.number")
        assert cells.count() > 10
        assert set(cells.evaluate_all("all => all.map(cell => getComputedStyle(cell).textAlign)")) == {"right"}


def test_18_emphasis_in_the_line_of_a_chapter_is_emphasis(site, pages):
    assert page_facts.plain_text("the network *you* typed & `x`") == "the network you typed & x"
    markup = pages[site / "intro.html"].markup
    assert "<em>you</em> typed" in markup and "*you*" not in markup
    assert "*you*" not in pages[site / "chapters/07_resnext50.html"].markup.partition("</head>")[0]


def test_18_the_landing_pages_figures_look_like_the_chapters(browser, site):
    with site_tools.tab(browser, "light", 1280) as page:
        page.goto((site / "intro.html").as_uri())
        styles = page.locator("figcaption").evaluate_all(
            "all => all.map(e => [getComputedStyle(e).textAlign, getComputedStyle(e).fontSize, getComputedStyle(e).color])"
        )
        ink = page.locator("h1").evaluate("e => getComputedStyle(e).color")
        assert len(styles) == 2 and all(style == ["start", "15px", ink] for style in styles)
        edges = page.evaluate("""['.bd-article > section > p:not(.page-facts)', 'figure.explorer', 'figure.explorer form']
            .map(s => Math.round(document.querySelector(s).getBoundingClientRect().left))""")
        assert len(set(edges)) == 1, edges
        skip = page.locator("#pst-skip-link").evaluate("e => getComputedStyle(e).backgroundColor")
        assert skip == ink, "no colour of the theme's is left"
