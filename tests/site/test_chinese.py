"""The Chinese edition: the same pages at the same addresses, in Chinese, as light, as usable, found by Chinese words."""

import re
import shutil
import sys
from types import SimpleNamespace

import pytest
from site_speed import serve
from site_tools import ROOT, audit, broken_link, open_page, read_pages, tab
from test_hover_definitions import NAMES, english_sentence

from tools.notebooks import text_of
from tools.translation import edition
from tools.translation import pages as book_pages
from tools.translation import site as chinese_builder

sys.path.append(str(ROOT / "site/extensions"))
import editions  # noqa: E402

SECTION = re.compile(r'<section id="([^"]+)"')
TERM = re.compile(r'<a class="[^"]*\bterm" aria-describedby="definition-([\w-]+)" href="([^"]+)"[^>]*>(.*?)</a>')
SHOWN = re.compile(r'<p id="definition-([\w-]+)"><b>(.*?)：</b>(.*?)</p>')
ENTRY = re.compile(r'<dt id="([\w-]+)"><strong>(.*?)</strong>.*?<dd lang="en"><p>(.*?)</p>', re.DOTALL)
# What readers of Chinese type, and the section that has to come first.
FIRST_HITS = {
    "分组卷积": "04_grouped_convolution",
    "什么是分组卷积？": "04_grouped_convolution",
    "组卷积": "04_grouped_convolution",
    "基数": "05_the_resnext_block",
    "残差连接": "03_residual_learning#one-plus-sign-makes-copying-easy",
    "跳跃连接": "03_residual_learning#one-plus-sign-makes-copying-easy",
    "瓶颈结构": "03_residual_learning#a-bottleneck-makes-256-channels-affordable",
    "批归一化": "03_residual_learning#batch-norm-brings-every-channel-to-one-scale",
    "感受野": "01_what_a_convolution_costs#two-33s-see-as-far-as-one-55",
    "通道混洗": "04_grouped_convolution#what-is-lost-groups-never-meet-by-themselves",
    "25,028,904": "07_resnext50",
    "cardinality": "05_the_resnext_block",
}


def described(pagename, chinese=None, editions_built="both"):
    """The context that a template gets for a page."""
    context = {"pathto": lambda target, _: "../" * pagename.count("/") + target, "body": "<p>x</p>"}
    app = SimpleNamespace(chinese=chinese, config=SimpleNamespace(editions=editions_built))
    editions.describe(app, pagename, "", context, None)
    return context


def test_issue_20_the_switch_leads_to_the_same_page_of_the_other_edition():
    chinese = SimpleNamespace(pages=["chapters/a"])
    assert described("chapters/a")["other_edition"]["href"] == "../zh/chapters/a.html"
    assert described("intro")["other_edition"] == {"href": "zh/intro.html", "lang": "zh-CN", "name": "中文"}
    assert described("chapters/a", chinese)["other_edition"]["href"] == "../../chapters/a.html"
    assert described("intro", chinese)["other_edition"] == {"href": "../intro.html", "lang": "en", "name": "English"}


def test_issue_20_without_a_chinese_edition_there_is_no_switch():
    assert "other_edition" not in described("intro", editions_built="one")
    assert "other_edition" not in described("404")


def test_issue_20_a_page_that_stays_english_says_so():
    chinese = SimpleNamespace(pages=[])
    assert described("chapters/library", chinese)["body"] == '<div lang="en"><p>x</p></div>'
    assert described("chapters/05_the_resnext_block", chinese)["body"] == "<p>x</p>"


def test_issue_20_every_word_in_a_template_goes_through_the_catalogue():
    for path in (ROOT / "site/templates").rglob("*.html"):
        text = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(script|style)\b.*?</\1>",
            "",
            path.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        spoken = re.findall(r'\b(?:aria-label|alt|title|placeholder)="([^"]*)"', text)
        assert not re.findall("[A-Za-z]{2,}", " ".join([*spoken, re.sub("<[^>]*>", " ", text)])), path.name


# ------------------------------------------------------------------ the built edition

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def chinese_site(site, tmp_path_factory):
    """Both editions in one folder, as `make book` lays them out. Returns the Chinese one's folder."""
    folder = tmp_path_factory.mktemp("both")
    result = chinese_builder.build(folder)
    assert result.returncode == 0, result.stderr[-4000:]
    shutil.copytree(site, folder / "_build/html", dirs_exist_ok=True)
    return folder / "_build/html/zh"


@pytest.fixture(scope="module")
def chinese_pages(chinese_site):
    return read_pages(chinese_site)


@slow
def test_issue_20_both_editions_have_the_same_pages_and_sections(site, pages, chinese_site):
    for path in pages:
        own = chinese_site / path.relative_to(site)
        assert SECTION.findall(own.read_text(encoding="utf-8")) == SECTION.findall(path.read_text(encoding="utf-8")), own


@slow
def test_issue_20_every_page_says_its_language_and_is_hardly_heavier(site, pages, chinese_site):
    for path in pages:
        own = chinese_site / path.relative_to(site)
        assert '<html lang="zh-CN"' in own.read_text(encoding="utf-8")
        assert own.stat().st_size <= 1.1 * path.stat().st_size, own
    assert (chinese_site / "search_index.js").stat().st_size <= 1.1 * (site / "search_index.js").stat().st_size


@slow
def test_issue_20_every_link_leads_somewhere(chinese_site, chinese_pages):
    everything = read_pages(chinese_site.parent)
    wrong = [broken_link(page, link, everything) for page in chinese_pages.values() for link in page.links]
    assert not list(filter(None, wrong))


@slow
def test_issue_20_hidden_definitions_are_chinese(chinese_pages):
    """Each begins with the Chinese name of its term and holds no English sentence."""
    found = 0
    for path, page in chinese_pages.items():
        hidden = page.markup.partition('<div class="definitions" hidden>')[2].partition("</div>")[0]
        shown = SHOWN.findall(hidden)
        assert len(shown) == hidden.count("<p "), path.name
        for address, name, words in shown:
            assert name == NAMES[address][0] and re.search("[\u4e00-\u9fff]", words), (path.name, address)
            assert not english_sentence(words), (path.name, words)
        found += len(shown)
    assert found > 60


@slow
def test_issue_20_each_linked_chinese_term_leads_to_its_own_entry(chinese_site, chinese_pages):
    glossary = chinese_pages[chinese_site / "chapters/glossary.html"]
    entries = {address: (name, english) for address, name, english in ENTRY.findall(glossary.markup)}
    assert {address: (names[0], names[-1]) for address, names in NAMES.items()} == entries
    linked = {path.stem: TERM.findall(page.markup) for path, page in chinese_pages.items()}
    wrong = []
    for page, links in linked.items():
        for address, target, words in links:
            words = re.sub("<[^>]*>", "", words).lower()
            own = {name.lower() for name in NAMES[address]}
            if not target.endswith(f"glossary.html#{address}") or not {words, words.removesuffix("s")} & own:
                wrong.append((page, words, target))
    assert not wrong
    assert {address for address, *_ in linked["05_the_resnext_block"]} > {"cardinality", "feature-map", "bottleneck"}
    chinese = [words for links in linked.values() for *_, words in links if re.search("[\u4e00-\u9fff]", words)]
    assert len(chinese) > 60


@slow
def test_issue_20_the_page_of_references_is_chinese(chinese_site, chinese_pages):
    page = chinese_pages[chinese_site / "chapters/references.html"].markup
    titles = [re.sub("<.*", "", title) for title in re.findall(r"<h[12]>(.*?)</h[12]>", page)]
    assert titles[:2] == ["参考文献", "ResNeXt 论文及其代码"] and titles[-1] == "本书"
    assert '<div lang="en">' not in page and "<em>Aggregated Residual Transformations" in page


@slow
def test_issue_20_a_chinese_definition_is_shown_where_its_term_is_used(browser, chinese_site):
    with tab(browser, "light", 1280) as page:
        page.goto((chinese_site / "chapters/05_the_resnext_block.html").as_uri())
        link = page.locator("a.term", has_text="基数").first
        link.scroll_into_view_if_needed()
        link.hover()
        assert page.locator(".definition").inner_text().startswith("基数：块里相加的路径的条数 C。")


@slow
def test_issue_20_the_notebook_that_a_page_offers_is_chinese(chinese_site):
    chinese = edition.Chinese()
    for page in book_pages.translated_pages():
        copy = chinese_site / "_sources" / f"{page}.ipynb"
        if copy.is_file():
            assert copy.read_text(encoding="utf-8") == text_of(chinese.notebook(page))


@slow
@pytest.mark.parametrize("theme, width", [("light", 390), ("dark", 1280)])
def test_issue_20_every_chinese_page_passes_the_audit(browser, chinese_site, chinese_pages, theme, width):
    with serve(chinese_site.parent) as address, tab(browser, theme, width) as page:
        problems = audit(page, [f"{address}/zh/{path.relative_to(chinese_site).as_posix()}" for path in chinese_pages])
    assert not problems, "\n".join(problems)


def switch(page):
    """Click the switch from where the page is scrolled to; Playwright's own click would scroll it."""
    with page.expect_navigation():
        page.evaluate("document.querySelector('.edition-switch').click()")


@slow
def test_issue_20_the_switch_leads_to_the_section_that_is_read(browser, chinese_site):
    with tab(browser, "light", 1280) as page:
        start = chinese_site / "chapters/05_the_resnext_block.html"
        open_page(page, start.as_uri())
        page.evaluate("document.getElementById('every-path-reads-everything').scrollIntoView({ behavior: 'instant' })")
        switch(page)
        assert (
            page.url
            == f"{(chinese_site.parent / 'chapters/05_the_resnext_block.html').as_uri()}#every-path-reads-everything"
        )
        page.goto(start.as_uri())
        switch(page)
        assert page.url.rstrip("#").endswith("html/chapters/05_the_resnext_block.html"), "from the top to the top"


@pytest.fixture(scope="module")
def asked(browser, chinese_site):
    with tab(browser, "light", 1280) as page:
        page.goto((chinese_site / "search.html").as_uri())
        yield lambda query: page.evaluate(
            "query => bookSearch(query).map(found => `${found.page.replace('chapters/', '')}#${found.anchor}`)", query
        )
        assert not page.complaints


@slow
@pytest.mark.parametrize("query", FIRST_HITS)
def test_issue_20_the_first_hit_of_a_chinese_query(asked, query):
    found = asked(query)
    assert found, "nothing is found"
    assert found[0].startswith(FIRST_HITS[query]), found[:5]
