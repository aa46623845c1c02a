"""The website builds without a warning, hangs together, needs no other host, and can be read."""

import re
from contextlib import contextmanager

import pytest
import yaml
from site_tools import (
    FIGURES,
    ROOT,
    SIDEWAYS,
    broken_link,
    build,
    is_remote,
    read_pages,
)

from tools import contract, publish
from tools.classroom import student
from tools.notebooks import read, text_of

# The browser looks at each page once in every combination.
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (390, 1280)]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built once."""
    output = tmp_path_factory.mktemp("site")
    result = build(ROOT, output)
    assert result.returncode == 0, result.stderr[-4000:]
    return (output / "_build" / "html").resolve()


@pytest.fixture(scope="session")
def pages(site):
    return read_pages(site)


def toc_parts():
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]


def toc_files():
    return [chapter["file"] for part in toc_parts() for chapter in part["chapters"]]


def is_numbered(file):
    return re.match(r"chapters/\d\d_", file) is not None


# ------------------------------------------------------------------ the table of contents

def test_the_toc_and_the_chapters_folder_hold_the_same_pages():
    folder = [f"chapters/{path.stem}" for suffix in ("ipynb", "md")
              for path in (ROOT / "chapters").glob(f"*.{suffix}")]
    assert sorted(toc_files()) == sorted(folder)


def test_chapters_are_numbered_1_to_n_in_reading_order_and_the_appendix_is_not():
    chapters = [file for file in toc_files() if is_numbered(file)]
    assert chapters == toc_files()[:len(chapters)], "the appendix comes last"
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
    text = (ROOT / "intro.md").read_text(encoding="utf-8")
    missing = [file for file in toc_files() if file not in text]
    assert wanted <= links and not missing, missing


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
    for path in site.rglob("*.css"):
        for address in re.findall(r"""url\(["']?([^"')]+)""", path.read_text(encoding="utf-8")):
            file = path.parent / re.split("[?#]", address)[0]
            # The theme names a ttf after each woff2; a browser that reads woff2 never asks for it.
            if not address.startswith(("data:", "#")) and file.suffix != ".ttf" and not file.is_file():
                missing.append((path.name, address))
    assert not missing


def test_every_page_has_one_h1(pages):
    headings = {path.name: page.tags.count("h1") for path, page in pages.items()}
    assert headings == dict.fromkeys(headings, 1)


def test_every_image_is_described(pages):
    short = [(path.name, image.get("alt")) for path, page in pages.items() for image in page.images
             if len(image.get("alt") or "") < 15]
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


def test_pages_stay_light(site):
    assert not list(site.rglob("fontawesome.js")), "1.5 MB that no page needs"
    scripts = sum(path.stat().st_size for path in site.rglob("*.js") if path.name != "searchindex.js")
    assert scripts < 400_000, f"{scripts} bytes of scripts"


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
    lines = [re.sub(r"[*`]", "", line).removeprefix("- ").split(" ", 1)[1] for line in key.splitlines() if line.startswith("- **")]
    texts = {path: path.read_text(encoding="utf-8") for path in site.rglob("*")
             if path.suffix in (".html", ".md", ".js", ".ipynb", ".txt", ".json")}
    found = [(path.name, line) for line in lines if len(line) > 30 for path, text in texts.items() if line in text]
    assert len(lines) > 30 and not found
    assert not [path for path in site.rglob("*answers*") if path.is_file()]


# ------------------------------------------------------------------ the pages in a browser

@contextmanager
def tab(browser, theme, width):
    """A tab that notes in ``page.complaints`` every console error and every request to another host."""
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or page.complaints.append(r.url))
    try:
        yield page
    finally:
        context.close()


def open_page(page, path):
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")


@pytest.mark.parametrize("theme, width", LOOKS)
def test_every_page_reads_well(browser, pages, theme, width):
    problems = []
    with tab(browser, theme, width) as page:
        for path in pages:
            open_page(page, path)
            problems += [f"{path.name}: {problem}" for problem in page.evaluate(SIDEWAYS) + page.complaints]
            page.complaints.clear()
            assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert not problems


def test_the_first_paint_is_dark_for_a_dark_reader(browser, site):
    with tab(browser, "dark", 1280) as page:
        # The theme's own script runs after the first paint; here it never arrives.
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto((site / "intro.html").as_uri())
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_drawn_on_a_white_card(browser, pages, theme):
    with tab(browser, theme, 390) as page:
        for path in [path for path, content in pages.items() if "figure" in content.tags]:
            open_page(page, path)
            page.wait_for_function("[...document.images].every(image => image.complete)")
            for figure in page.evaluate(FIGURES):
                assert figure["drawn"], (path.name, figure)
                assert figure["card"] == "rgb(255, 255, 255)", (path.name, figure)
                assert figure["filter"] == "none", (path.name, figure)
                assert figure["around"] == "rgba(0, 0, 0, 0)" and figure["padding"] >= 8, (path.name, figure)


def test_without_scripts_the_page_is_light_and_complete(browser, site):
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto((site / "intro.html").as_uri())
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.locator("nav.bd-links li.toctree-l1").count() == len(toc_files()) + 1   # and the landing page
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
        page.keyboard.press("Tab")   # from here on the browser shows the focus
        question.focus()
        outline = question.evaluate("e => getComputedStyle(e).outline")
        assert "solid 3px" in outline, outline
        page.keyboard.press("Enter")
        assert question.evaluate("e => e.parentElement.open")


def test_a_solution_is_folded_and_says_so(browser, pages):
    folded = [path for path, page in pages.items() if "above-input" in page.classes]
    with tab(browser, "light", 390) as page:
        for path in folded:
            page.goto(path.as_uri())
            solutions = page.locator("details.above-input")
            assert {box.get_attribute("open") for box in solutions.all()} == {None}, path.name
            said = {box.inner_text() for box in solutions.all()}
            assert "Show the solution" in said, path.name
            assert said <= {"Show the solution", "Show the setup cell", "Show the code of this figure"}, path.name


# ------------------------------------------------------------------ launch buttons

def test_launch_buttons_come_with_the_address(site):
    """Without an address there is none; with one, tests/test_colab.py also looks the links up in git."""
    if contract.address():
        assert publish.complaints(site, [f"{folder}/{file}.ipynb" for folder in ("chapters", "student") for file in chapter_names()]) == []
    else:
        assert publish.launch_links(site) == {}
    assert "executablebooks/jupyter-book" not in (site / "intro.html").read_text(encoding="utf-8")


def chapter_names():
    return [file.removeprefix("chapters/") for file in toc_files() if is_numbered(file)]
