"""The website builds without a warning, hangs together, needs no other host, and can be read."""

import io
import re
import sys

import nbformat
import pytest
import tinycss2
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook
from notebooks_for_tests import NOTEBOOKS
from PIL import Image, ImageColor
from site_speed import PAGE_BYTES, PAGE_REQUESTS, arrival, serve
from site_tools import (
    CUT_OFF,
    FIGURES,
    PRINTED,
    ROOT,
    SIDEWAYS,
    broken_link,
    is_numbered,
    is_remote,
    open_page,
    tab,
    toc_files,
    toc_parts,
)

from resnext_lib.figures.palette import DARK, LIGHT
from tools import facts, handout, publish
from tools.classroom import student
from tools.minutes import reading_minutes
from tools.notebooks import read, text_of

sys.path.append(str(ROOT / "site/extensions"))
import light_pages  # noqa: E402
import made_pages  # noqa: E402
import page_facts  # noqa: E402


def of_each(files):
    """A test of every one of these pages; `make test` looks at two of them."""
    return lambda test: pytest.mark.sampled(2)(pytest.mark.parametrize("file", files)(test))


of_each_page = of_each(["intro", "search", *toc_files()])
of_each_chapter = of_each([path.stem for path in NOTEBOOKS])

# ------------------------------------------------------------------ the table of contents


def test_the_toc_and_the_chapters_folder_hold_the_same_pages():
    folder = [f"chapters/{path.stem}" for suffix in ("ipynb", "md") for path in (ROOT / "chapters").glob(f"*.{suffix}")]
    assert sorted(toc_files()) == sorted(folder)


def test_the_page_for_the_hurried_comes_first_then_chapters_1_to_n_in_reading_order_then_the_appendix():
    first, *others = toc_files()
    assert first == f"chapters/{facts.STANDS_ALONE}"
    chapters = [file for file in others if is_numbered(file)]
    assert chapters == others[: len(chapters)], "the appendix comes last"
    assert [int(file[9:11]) for file in chapters] == list(range(1, len(chapters) + 1))
    for part in toc_parts():
        assert {bool(part.get("numbered"))} == {is_numbered(c["file"]) for c in part["chapters"]}, part


def test_the_number_on_the_page_is_the_number_of_the_file(site, pages):
    heading = r'<h1>(?:<span class="section-number">(\d+)\. </span>)?'
    for file in toc_files():
        number = re.search(heading, pages[site / f"{file}.html"].markup)
        assert number.group(1) == (str(int(file[9:11])) if is_numbered(file) else None), file


def test_every_page_of_the_toc_is_built_and_linked_from_the_landing_page(site, pages):
    links = {(site / link).resolve() for link in pages[site / "intro.html"].links if not is_remote(link)}
    wanted = {site / f"{file}.html" for file in toc_files()}
    assert wanted <= set(pages)
    assert wanted <= links, wanted - links


# ------------------------------------------------------------------ the pages as files


def test_every_internal_link_leads_somewhere(pages):
    broken = [broken_link(page, link, pages) for page in pages.values() for link in page.links + page.loads]
    assert not list(filter(None, broken))


def test_nothing_is_loaded_from_another_host(site, pages):
    remote = [(path.name, load) for path, page in pages.items() for load in page.loads if is_remote(load)]
    for path in site.rglob("*.css"):
        addresses = re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""", path.read_text(encoding="utf-8"))
        remote += [(path.name, address) for address in addresses if is_remote(address)]
    assert not remote


def test_every_style_sheets_font_and_image_is_there(site):
    missing = []
    for path in [site / "_static/site.css"]:  # the only one that a page loads
        for address in re.findall(r"""url\(["']?([^"')]+)""", path.read_text(encoding="utf-8")):
            file = path.parent / re.split("[?#]", address)[0]
            if not address.startswith(("data:", "#")) and not file.is_file():
                missing.append((path.name, address))
    assert not missing


def test_every_page_has_one_h1(pages):
    headings = {path.name: page.tags.count("h1") for path, page in pages.items()}
    assert headings == dict.fromkeys(headings, 1)


def test_every_image_is_described(pages):
    short = [
        (path.name, image.get("alt"))
        for path, page in pages.items()
        for image in page.images
        if len(image.get("alt") or "") < 15
    ]
    assert not short


def test_formulas_are_html_and_no_tex_is_left(site, pages):
    for path, page in pages.items():
        left = re.findall(r"\$\$|\\\(|\\\[|\\begin\{|\\frac|\\sum|\\cdot|\\times", " ".join(page.text))
        assert not left, (path.name, left)
        assert "katex-error" not in page.markup, path.name
        assert page.classes.count("katex-html") == page.classes.count("katex-mathml"), path.name
        # Every formula of the page, and nothing else, went through KaTeX.
        assert page.classes.count("katex-html") == page.classes.count("math"), path.name
    assert any("katex" in page.classes for page in pages.values())


# What the running text of a page must not hold: Markdown or Sphinx source that was not understood.
RAW = {
    "a formula": r"\$",
    "a directive": r"^\s*(?:`{3,}|:{3,})|\{[a-z:-]+\}`|\.\. [a-z]+::",
    "a heading": r"^#{1,6} ",
    "emphasis": r"\*\*[^*\s][^*]*\*\*",
    "a table": r"\|\s*-{3,}",
    "a link": r"\]\((?:http|chapters|\.\.)",
    "a tag": r"</?[a-z]+>",
}


def without_code(paragraph):
    for part in paragraph.select("code, pre, figure"):
        part.extract()
    return paragraph.get_text()


def test_no_source_is_left_in_the_text(pages):
    left = [
        (path.name, kind, match[0])
        for path, page in pages.items()
        for text in page.text
        for kind, pattern in RAW.items()
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]
    assert not left


@of_each_page
def test_a_number_is_not_torn_from_its_per_cent(site, file):
    """On a phone every second line would end in a bare number."""
    page = BeautifulSoup((site / f"{file}.html").read_text(encoding="utf-8"), "html.parser")
    torn = [
        match[0]
        for paragraph in page.select("article p, article li")
        for match in re.finditer(r".{0,20}(\d %|± \d)", without_code(paragraph))
    ]
    assert not torn


def test_outputs_and_code_keep_their_plain_spaces(site):
    cells = (site / "chapters/09_cardinality.html").read_text(encoding="utf-8")
    assert "\N{NO-BREAK SPACE}" not in "".join(re.findall(r"<pre>.*?</pre>", cells, re.DOTALL))


def test_no_page_shows_an_error(pages):
    shown = [
        path.name
        for path, page in pages.items()
        if "Traceback (most recent call last)" in page.markup
        or {"traceback", "system-message", "problematic"} & set(page.classes)
    ]
    assert not shown


def test_every_page_says_its_language_and_has_the_books_icon(site, pages):
    for path, page in pages.items():
        assert '<html lang="en"' in page.markup, path.name
        if path.name != "404.html":
            assert any(load.endswith("logo.svg") for load in page.loads), path.name


def test_a_page_says_when_it_was_changed(pages, site, tmp_path, monkeypatch):
    dates = page_facts.last_changes(ROOT)
    for file in toc_files():
        found = re.search(r'<time datetime="([\d-]+)">', pages[site / f"{file}.html"].markup)
        names = [name for name in dates if name.startswith(f"{file}.")]
        assert (found and found[1]) == (dates[names[0]].isoformat() if names else None), file
    assert page_facts.last_changes(tmp_path) == {}, "no repository"
    monkeypatch.setenv("PATH", "")
    assert page_facts.last_changes(ROOT) == {}, "no git"


def test_every_chapter_offers_its_notebook(site, pages):
    for file in [*filter(is_numbered, toc_files()), "chapters/explorers", f"chapters/{facts.STANDS_ALONE}"]:
        assert f"../_sources/{file}.ipynb" in pages[site / f"{file}.html"].links
        assert (site / "_sources" / f"{file}.ipynb").read_bytes() == (ROOT / f"{file}.ipynb").read_bytes()


def test_the_link_to_colab_follows_the_address():
    options = {
        "repository_url": "https://github.com/a/b",
        "repository_branch": "c",
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }
    assert (
        page_facts.colab_address(options, "chapters/d.ipynb")
        == "https://colab.research.google.com/github/a/b/blob/c/chapters/d.ipynb"
    )
    for missing in ("repository_url", "launch_buttons"):
        assert page_facts.colab_address(options | {missing: ""}, "chapters/d.ipynb") is None


# ------------------------------------------------------------------ the chapter map


def test_the_map_shows_every_chapters_time_and_the_way_from_inception_to_resnext(site, pages):
    markup = pages[site / "intro.html"].markup
    stops = re.findall(r'<li class="([^"]*)">.*?<a href="([^"]+)">.*?(\d+) minutes', markup, re.DOTALL)
    files = list(filter(is_numbered, toc_files()))
    assert [link.removesuffix(".html") for _, link, _ in stops] == files
    for (_, link, minutes), file in zip(stops, files, strict=True):
        assert int(minutes) == reading_minutes(read(ROOT / f"{file}.ipynb")) > 0, link
    on_path = [link for classes, link, _ in stops if "on-path" in classes]
    assert "inception" in on_path[0] and "resnext50" in on_path[-1]
    assert [classes.split()[0] for classes, _, _ in stops if "on-path" in classes][:-1] == ["blue-line"] * (len(on_path) - 1)
    assert "<li><p><a" not in markup, "the list that the map replaces is still there"
    assert "<p>Where do the weights and the multiplications sit?</p>" in markup
    pictures = re.findall(r'<span class="stop" aria-hidden="true"><svg [^>]*>(.*?)</svg>', markup)
    assert len(set(pictures)) == len(files), "a chapter without a picture of its own in site/map"


def test_the_level_counts_what_a_chapter_stands_on():
    needs = {1: [], 2: [1], 3: [2], 4: [3, 2], 5: [4], 6: [5]}
    chapters = {number: {"needs": found} for number, found in needs.items()}
    assert [page_facts.level_of(number, chapters) for number in chapters] == [1, 1, 2, 2, 2, 3]


def test_a_chapter_without_time_is_refused(tmp_path):
    (tmp_path / "chapters").mkdir()
    cells = [new_markdown_cell(source) for source in ("# T", "", "You should have read something.")]
    chapter = new_notebook(cells=cells)
    nbformat.write(chapter, tmp_path / "chapters/01_a.ipynb")
    with pytest.raises(page_facts.ExtensionError, match="chapters/01_a: the third cell must say 'You need ...'"):
        page_facts.read_chapter(tmp_path, "chapters/01_a")
    cells[2].source = "You need [chapter 3](03_c.ipynb#d) and the ideas of [chapter 2](02_b.ipynb)."
    nbformat.write(chapter, tmp_path / "chapters/01_a.ipynb")
    (tmp_path / "intro.md").write_text("1. [B](chapters/02_b.ipynb) is another.", encoding="utf-8")
    with pytest.raises(page_facts.ExtensionError, match="chapters/01_a: the list in intro.md has no line for it"):
        page_facts.read_chapter(tmp_path, "chapters/01_a")
    (tmp_path / "intro.md").write_text("1. [T](chapters/01_a.ipynb) is it.", encoding="utf-8")
    found = page_facts.read_chapter(tmp_path, "chapters/01_a")
    assert (found["teaser"], found["needs"]) == ("Is it.", [2, 3])


@pytest.mark.parametrize("source", ["# Library\n", f"{next(iter(made_pages.PLACES['chapters/library']))}\n" * 2])
def test_a_page_without_a_place_for_what_is_made_stops_the_build(source):
    with pytest.raises(made_pages.ExtensionError, match="chapters/library must hold this line once"):
        made_pages.fill_in(None, "chapters/library", [source])


def test_what_is_made_when_the_site_is_built_is_on_its_pages(site, pages):
    assert "complexity.count_parameters" not in (ROOT / "chapters/library.md").read_text(encoding="utf-8")
    library, guide = (pages[site / "chapters" / f"{name}.html"].markup for name in ("library", "teaching"))
    assert 'id="count-parameters"' in library and library.count("<h2>") > 15
    slides = re.findall(r'href="\.\./lessons/(\w+)\.html#/([^"]+)"', guide)
    decks = {name: (site / "lessons" / f"{name}.html").read_text(encoding="utf-8") for name in dict(slides)}
    assert len(decks) == 5 and len(slides) > 60
    assert all(f'<section id="{place}"' in decks[name] for name, place in slides)
    assert not [name for name, deck in decks.items() if 'class="notes"' in deck]
    assert len(re.findall(r"<td><p>\d+ min</p></td>", guide)) >= 2 * len(list(filter(is_numbered, toc_files())))


def test_the_site_offers_the_handout(pages, site):
    assert "../handout.html" in pages[site / "chapters" / "teaching.html"].links
    assert (site / "handout.html").read_text(encoding="utf-8") == handout.html(guide="chapters/teaching.html")


# ------------------------------------------------------------------ the style sheet


def test_only_rules_that_some_page_uses_are_kept():
    words = {"html", "a", "b", "used"}
    rules = tinycss2.parse_stylesheet(
        """
        .used, .unused { color: red } a.unused { color: red } #used > a:not(.unused)::before { color: red }
        html[data-x="unused"] .used { color: red } @media print { .unused { color: red } b { color: red } }
        video { color: red } @font-face { font-family: X }  .used .fa-bars { color: red } .used.a\\:b { color: red }""",
        True,
        True,
    )
    kept = light_pages.used_rules(rules, words, keep_icons=False)
    assert kept == (
        ".used{color: red}#used > a:not(.unused)::before{color: red}"
        'html[data-x="unused"] .used{color: red}@media print {b{color: red}}@font-face { font-family: X }'
    )


def test_only_custom_properties_that_something_reads_are_kept():
    sheet = 'a{--seen:1px;--unseen: "a;b}";--by-a-page:0}:root{--last:url("data:x;y")}b{width:calc(var(--seen) + var( --two, 1px))}'
    assert light_pages.without_unread(sheet, {"--by-a-page"}) == (
        "a{--seen:1px;--by-a-page:0}:root{}b{width:calc(var(--seen) + var( --two, 1px))}"
    )


PICTURES = """async pairs => {
  const draw = async source => {
    const image = new Image(); image.src = source; await image.decode();
    const canvas = document.createElement('canvas'); canvas.width = 720; canvas.height = 720 * image.height / image.width;
    const context = canvas.getContext('2d'); context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL();
  };
  const wrong = [];
  for (const [kept, made] of pairs) if (await draw(kept) !== await draw(made)) wrong.push(made.slice(0, 200));
  return wrong;
}"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("chapter", ["01_what_a_convolution_costs", "05_the_resnext_block", "09_cardinality"])
def test_a_figure_on_the_site_is_smaller_and_the_same_picture(browser, site, chapter):
    def figures_of(page):
        return [tag["src"] for tag in BeautifulSoup(page, "html.parser").select("figure:not(.explorer) > img")]

    notebook = read(ROOT / "chapters" / f"{chapter}.ipynb")
    outputs = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    kept = figures_of("".join(outputs))
    made = figures_of((site / "chapters" / f"{chapter}.html").read_text(encoding="utf-8"))
    assert len(kept) == len(made) >= 4 and len("".join(made)) < 0.95 * len("".join(kept))
    with tab(browser, "light", 1280) as page:
        assert page.evaluate(PICTURES, list(zip(kept, made, strict=True))) == []


def test_an_unknown_style_sheet_is_refused():
    light_pages.refuse_unknown_sheets(["_static/pygments.css", "_static/mystnb.1a.css"])
    with pytest.raises(light_pages.ExtensionError, match="new.css"):
        light_pages.refuse_unknown_sheets(["_static/new.css"])


def test_every_chapter_offers_its_student_edition(site, pages):
    numbered = [file for file in toc_files() if is_numbered(file)]
    for file in numbered:
        name = file.split("/")[1]
        assert f"../student/{name}.ipynb" in pages[site / f"{file}.html"].links
        source = read(ROOT / f"{file}.ipynb")
        assert (site / "student" / f"{name}.ipynb").read_text(encoding="utf-8") == text_of(student(source))
    assert len(list((site / "student").iterdir())) == len(numbered)


def test_the_teachers_key_is_not_on_the_site(site):
    """Nor would it be in an archive of the site: no file there holds a sentence of it."""
    key = (ROOT / "teaching" / "answers.md").read_text(encoding="utf-8")
    lines = [
        re.sub(r"[*`]", "", line).removeprefix("- ").split(" ", 1)[1] for line in key.splitlines() if line.startswith("- **")
    ]
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in site.rglob("*")
        if path.suffix in (".html", ".md", ".js", ".ipynb", ".txt", ".json")
    }
    found = [(path.name, line) for line in lines if len(line) > 30 for path, text in texts.items() if line in text]
    assert len(lines) > 30 and not found
    assert not [path for path in site.rglob("*answers*") if path.is_file()]


# ------------------------------------------------------------------ the pages in a browser


@of_each_page
def test_every_page_reads_well(browser, site, file):
    """On a phone, in the dark, from the disk. tests/site/test_site_audit.py looks at the other sizes and themes."""
    with tab(browser, "dark", 390) as page:
        open_page(page, (site / f"{file}.html").as_uri())
        assert not page.evaluate(SIDEWAYS) + page.complaints
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@of_each_page
def test_the_first_load_of_every_page_is_light(browser, server, file):
    found = arrival(browser, f"{server}/{file}.html", slow=False, viewport={"width": 1280, "height": 800})
    assert found["bytes"] <= PAGE_BYTES, found["names"]
    assert found["requests"] <= PAGE_REQUESTS, found["names"]
    assert not any("webfonts" in name or "bootstrap" in name for name, _ in found["names"])


def test_the_page_of_a_missing_address_leads_back_from_any_depth(browser, site, tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some/book").symlink_to(site)
    (tmp_path / "404.html").symlink_to(site / "404.html")
    with serve(tmp_path) as address, tab(browser, "light", 390) as page:
        page.goto(f"{address}/some/book/chapters/no/such/page.html")
        page.locator("base").wait_for(state="attached")
        page.get_by_role("link", name="The ResNeXt block").click()
        page.wait_for_url("**/some/book/chapters/05_the_resnext_block.html")
        assert page.locator("h1").inner_text().endswith("The ResNeXt block")


def test_the_buttons_work_without_the_themes_larger_scripts(browser, site):
    with tab(browser, "light", 390) as page:
        page.goto((site / "chapters/05_the_resnext_block.html").as_uri())
        page.locator(".theme-switch-button").click()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.locator("button.copybtn").count() > 3
        page.locator(".secondary-toggle").click()
        page.locator("#pst-secondary-sidebar-modal a", has_text="Recap").click()
        assert page.url.endswith("#recap")
        page.reload()
        page.locator(".primary-toggle").first.click()
        page.locator("#pst-primary-sidebar-modal a", has_text="Residual learning").click()
        page.wait_for_url("**/03_residual_learning.html")
        assert not page.complaints


def test_every_icon_is_drawn(browser, site):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "chapters/05_the_resnext_block.html").as_uri())
        masks = page.evaluate("""[...document.querySelectorAll('.fa-solid')].map(icon =>
            [icon.className, getComputedStyle(icon, '::before').maskImage])""")
        assert len(masks) >= 6 and all("svg" in mask for _, mask in masks), masks
        page.goto((site / "chapters/05_the_resnext_block.html").as_uri() + "?highlight=cardinality")
        page.wait_for_selector(".highlight-link a")
        icon = page.evaluate("getComputedStyle(document.querySelector('.highlight-link a'), '::before').content")
        assert icon == "none", "a letter of the icon font, which the site does not carry"


@of_each_chapter
def test_fault_17_on_a_phone_a_printed_table_keeps_its_columns_and_messages_wrap(browser, site, file):
    """A table of up to 66 characters is seen whole; a longer one scrolls, by keyboard too. Messages are read without scrolling."""
    with tab(browser, "light", 390) as page:
        open_page(page, (site / f"chapters/{file}.html").as_uri())
        page.wait_for_function(
            "[...document.querySelectorAll('.output.stream pre')].every(pre => pre.tabIndex !== undefined)"
        )
        for box in page.evaluate(PRINTED):
            assert box["letters"] >= 8.5, box
            assert box["wraps"] is not (box["table"] and box["longest"] > page_facts.LONGEST_LINE), box
            assert not box["wide"] or box["reachable"] and box["longest"] > page_facts.LONGEST_LINE, box


def test_fault_17_the_chapters_print_tables_and_messages(browser, site):
    """So the test above looks at something."""
    with tab(browser, "light", 390) as page:
        open_page(page, (site / "chapters/01_what_a_convolution_costs.html").as_uri())
        assert {box["table"] for box in page.evaluate(PRINTED)} == {True, False}


@of_each_page
def test_fault_17_nothing_is_cut_off_on_a_laptop(browser, site, file):
    """At 1280 px code, outputs and tables are seen whole, folded ones too."""
    with tab(browser, "light", 1280) as page:
        open_page(page, (site / f"{file}.html").as_uri())
        assert not page.evaluate(CUT_OFF)


def test_fault_17_a_table_is_told_from_messages():
    def made(text):
        printed = f'<div class="output stream highlight-myst-ansi notranslate"><div class="highlight"><pre><span></span>{text}\n</pre></div></div>'
        return page_facts.PRINTED.sub(page_facts.describe_printed, printed).partition("><div")[0]

    start = '<div class="output stream highlight-myst-ansi notranslate printed'
    assert made("one line  alone") == made("two messages\nwithout columns") == f'{start}-lines"'
    assert made("a   1 &lt; 2\na message of one more line\nbb  2") == f'{start}-table" style="--columns: 9"'
    assert made(f"a   {'1' * 70}\nb") == f'{start}-table wide" style="--columns: 74"'


def test_the_first_paint_is_dark_for_a_dark_reader(browser, site):
    with tab(browser, "dark", 1280) as page:
        # The theme's own script runs after the first paint; here it never arrives.
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto((site / "intro.html").as_uri())
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
@of_each_page
def test_figures_follow_the_theme(browser, site, file, theme):
    """Nothing of the page's lies behind them, and their own ground, seen at a corner, is the page's: no white slab."""
    with tab(browser, theme, 390) as page:
        open_page(page, (site / f"{file}.html").as_uri())
        page.wait_for_function("[...document.images].every(image => image.complete)")
        for figure in page.evaluate(FIGURES):
            assert figure["drawn"], figure
            assert figure["card"] == "rgba(0, 0, 0, 0)", figure
            assert figure["filter"] == "none", figure
            assert figure["around"] == "rgba(0, 0, 0, 0)", figure
        if figures := page.locator("figure:not(.explorer) img[src^='data:image/svg']").all():
            corner = Image.open(io.BytesIO(figures[0].screenshot())).convert("RGB").getpixel((3, 3))
            wanted = ImageColor.getrgb((DARK if theme == "dark" else LIGHT)["paper"])
            assert max(abs(a - b) for a, b in zip(corner, wanted, strict=True)) <= 2, corner


def test_without_scripts_the_page_is_light_and_complete(browser, site):
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto((site / "intro.html").as_uri())
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.locator("nav.bd-links li.toctree-l1").count() == len(toc_files()) + 1  # and the landing page
    context.close()


def test_search_finds_the_chapter_from_the_disk(browser, site):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "search.html").as_uri() + "?q=cardinality")
        results = page.locator("#search-results ul.search li a")
        results.first.wait_for(timeout=10_000)
        assert any("05_the_resnext_block" in link.get_attribute("href") for link in results.all())
        assert not page.complaints


def test_the_search_field_is_reached_by_keyboard(browser, site):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "intro.html").as_uri())
        page.keyboard.press("Control+k")
        page.keyboard.type("bottleneck")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=bottleneck*")


def test_a_quiz_opens_by_keyboard_and_shows_its_focus(browser, pages):
    quizzes = [path for path, page in pages.items() if "<details>" in page.markup]
    assert quizzes, "no page has a quiz"
    with tab(browser, "light", 390) as page:
        page.goto(quizzes[0].as_uri())
        question = page.locator("details:not(.hide) > summary").first
        page.keyboard.press("Tab")  # from here on the browser shows the focus
        question.focus()
        outline = question.evaluate("e => getComputedStyle(e).outline")
        assert "solid 3px" in outline, outline
        page.keyboard.press("Enter")
        assert question.evaluate("e => e.parentElement.open")


@of_each_chapter
def test_a_solution_is_folded_and_says_so(browser, site, file):
    with tab(browser, "light", 390) as page:
        page.goto((site / f"chapters/{file}.html").as_uri())
        folded = page.evaluate(
            "[...document.querySelectorAll('details.above-input')].map(box => [box.open, box.innerText.trim()])"
        )
        assert not any(is_open for is_open, _ in folded)
        said = {text for _, text in folded}
        assert ("Show the solution" in said) == file[:2].isdigit(), said
        assert all(text.startswith("Show ") and "cell source" not in text for text in said), said


# ------------------------------------------------------------------ launch buttons


def test_launch_buttons_come_with_the_address(site):
    """Without an address there is none; with one, tests/chapters/test_colab.py also looks the links up in git."""
    if facts.address():
        assert (
            publish.complaints(
                site, [f"{folder}/{file}.ipynb" for folder in ("chapters", "student") for file in chapter_names()]
            )
            == []
        )
    else:
        assert publish.launch_links(site) == {}
    assert "executablebooks/jupyter-book" not in (site / "intro.html").read_text(encoding="utf-8")


def chapter_names():
    return [file.removeprefix("chapters/") for file in toc_files() if is_numbered(file)]
