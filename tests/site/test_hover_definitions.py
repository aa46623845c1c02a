"""A glossary term's definition beside its link: right, reachable by pointer and keyboard, gone with Escape, never on paper."""

import os
import re
import subprocess
import sys

import pytest
from docutils import nodes
from site_tools import ROOT, screen_reader_problems, tab
from test_answers import hidden_lines, lines_of

from tools.facts import ROOT as BOOK
from tools.translation import edition
from tools.translation.pages import translate_page

sys.path.append(str(ROOT / "site/extensions"))
import definitions  # noqa: E402
from mentions import Mentions  # noqa: E402

GLOSSARY = (BOOK / "chapters/glossary.md").read_text(encoding="utf-8")
CHINESE = edition.Chinese()
IN_CHINESE = definitions.read(translate_page(GLOSSARY, CHINESE.translator(definitions.GLOSSARY)), chinese=True)
NAMES = {address: names for address, (names, _, _) in IN_CHINESE.items()}


def paragraph(text):
    document = nodes.section("", nodes.title("", "Cardinality"), nodes.paragraph("", text), ids=["a"])
    return document


def link(document, names, wanted=None):
    """Link the first mentions of the terms in ``names``, ``{address: [name, ...]}``, or of some of them."""
    wanted = names if wanted is None else wanted
    definitions.link_first_mentions(document, Mentions(names), wanted, lambda address: f"g.html#{address}")


def linked(text, names, wanted=None):
    document = paragraph(text)
    link(document, names, wanted)
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference)], document.astext()


def test_18_every_entry_of_the_glossary_has_a_definition_without_source():
    found = definitions.read(GLOSSARY)
    assert len(found) > 60 and len(found) == len(definitions.ENTRY.findall(GLOSSARY))
    for (term,), page, words in found.values():
        assert len(words) > 20 and not re.search(r"[$`]|\]\(|\bSee\b", words), (term, words)
        assert page.startswith("chapters/"), term
    assert "<code>kernel // 2</code>" in found["padding"][2]
    assert found["cardinality"][2] == (
        "The number C of paths whose outputs a block adds up. It counts paths, not channels and not layers."
    )
    with pytest.raises(definitions.ExtensionError, match="no formula"):
        definitions.as_html("The number $C$.\n  See [chapter 5](05_a.ipynb#b).")


def test_18_the_first_mention_is_linked_once_also_in_the_plural_and_inside_no_other_word():
    terms = {
        **{"stage": ["Stage"], "grouped-convolution": ["Grouped convolution"]},
        **{"convolution": ["Convolution"], "mac": ["MAC"]},
    }
    text = "Backstage, stages and a stage: grouped convolutions, a convolution, MACs, no mac."
    assert linked(text, terms) == (
        [
            ("stages", "g.html#stage"),
            ("grouped convolutions", "g.html#grouped-convolution"),
            ("convolution", "g.html#convolution"),
            ("MACs", "g.html#mac"),
        ],
        f"Cardinality\n\n{text}",
    )
    assert linked("Nothing of it; micro-stage and stage-wise.", terms)[0] == []


@pytest.mark.parametrize("kind", [nodes.strong, nodes.literal, nodes.title, nodes.reference])
def test_18_no_link_in_a_title_in_code_in_a_link_and_where_the_term_is_introduced(kind):
    text = kind("", "stage", **({"refuri": "x"} if kind is nodes.reference else {}))
    document = nodes.section("", text if kind is nodes.title else nodes.paragraph("", "", text), ids=["a"])
    link(document, {"stage": ["Stage"]})
    assert not [found for found in document.findall(nodes.reference) if found["refuri"].startswith("g.html")]


@pytest.mark.parametrize("section", ["quiz", "exercises"])
def test_18_no_definition_stands_beside_a_question(section):
    document = nodes.section("", nodes.paragraph("", "A stage."), ids=[section])
    link(document, {"stage": ["Stage"]})
    assert not list(document.findall(nodes.reference))


def test_18_a_link_to_the_list_of_terms_leads_to_the_term_it_names():
    link = nodes.reference("", "Budgets", refuri="glossary.html#terms")
    other = nodes.reference("", "the glossary", refuri="glossary.html#terms")
    document = nodes.section("", nodes.paragraph("", "", link, other))
    assert definitions.point_at_terms(document, {"budget": ["Budget"]}, "glossary.html") == {"budget", "terms"}
    assert (link["refuri"], other["refuri"]) == ("glossary.html#budget", "glossary.html#terms")


# ------------------------------------------------------------------ in Chinese


def test_issue_20_a_chinese_definition_has_chinese_names_and_no_english_sentence():
    english = definitions.read(GLOSSARY)
    assert list(IN_CHINESE) == list(english)
    for address, (names, page, words) in IN_CHINESE.items():
        assert names[-1:] == english[address][0] and page == english[address][1]
        assert re.search("[\u4e00-\u9fff]", names[0]) or names[0] == "logits"
        assert not english_sentence(words) and words.endswith("。"), words
    assert english_sentence(english["form-b"][2]), "the English one would be told"
    assert IN_CHINESE["path"][2].startswith("ResNeXt 块里 C 条相同的分支之一。它读入"), "without the formula"


def test_issue_20_the_longest_chinese_name_counts_and_none_inside_another():
    assert linked("深度可分离卷积里有深度卷积；残差连接不是残差。", NAMES)[0] == [
        ("深度可分离卷积", "g.html#depthwise-separable-convolution"),
        ("深度卷积", "g.html#depthwise-convolution"),
        ("残差连接", "g.html#residual-connection"),
        ("残差", "g.html#residual"),
    ]
    # Also where the longer one is linked already, is ambiguous, or is no term.
    assert linked("再看残差连接、卷积核和残差流。", NAMES, {"residual", "convolution"})[0] == []


def test_issue_20_an_english_name_inside_a_longer_one_that_is_linked_already_does_not_count():
    names = {"bottleneck": ["Bottleneck"], "bottleneck-width": ["Bottleneck width"]}
    assert linked("A bottleneck width, then a bottleneck.", names, {"bottleneck"})[0] == [
        ("bottleneck", "g.html#bottleneck")
    ]
    assert linked("The bottleneck width.", names, {"bottleneck"})[0] == []


def test_issue_20_a_chinese_name_is_a_word_of_its_own():
    document = paragraph("稍微调整学习率，再微调网络。")
    link(document, NAMES)
    before, found, after = document[1].children
    assert (before, found.astext(), found["refuri"], after) == ("稍微调整学习率，再", "微调", "g.html#fine-tuning", "网络。")
    for text in ("非线性的层", "同步幅度不变", "分支持与反对两派"):  # 线性, 步幅, 分支
        assert linked(text, NAMES)[0] == []


def test_issue_20_other_chinese_names_and_the_english_one_lead_to_the_same_entry():
    for text, words, address in (
        ("先做批归一化。", "批归一化", "batch-norm"),
        ("形式 B 先拼。", "形式 B", "form-b"),
        ("形式 (b) 先拼。", "形式 (b)", "form-b"),
        ("约 2 亿 MACs。", "MACs", "mac"),
        ("约 2 亿次乘加。", "乘加", "mac"),
    ):
        assert linked(text, NAMES)[0] == [(words, f"g.html#{address}")]
    assert linked("批归一化就是批量归一化。", NAMES)[0] == [("批归一化", "g.html#batch-norm")], "once"


def test_issue_20_a_link_of_a_chinese_text_to_a_term_names_that_term():
    known = {name.lower(): address for address, names in NAMES.items() for name in names}
    texts = " ".join(entry.translation for entries in CHINESE.book.files.values() for entry in entries)
    found = re.findall(r"\[([^\]]+)\]\((?:chapters/)?glossary\.md#([\w-]+)\)", texts)
    wrong = [(words, anchor) for words, anchor in found if anchor not in (known.get(words.lower()), "terms")]
    wrong += [(words, anchor) for words, anchor in found if words.lower() not in known]
    assert len(found) > 10 and not wrong


def english_sentence(text):
    """Whether three English words stand in a row, outside code."""
    return bool(re.search(r"(?:\b[A-Za-z'’]+[ ,]+){2}[A-Za-z'’]+\b", re.sub(r"<code>.*?</code>|<[^>]*>", "|", text)))


# ------------------------------------------------------------------ on the pages


def test_18_every_link_to_a_term_has_its_definition_on_the_page(pages):
    found = 0
    for path, page in pages.items():
        for address in re.findall(r'aria-describedby="definition-([\w-]+)"', page.markup):
            assert f"definition-{address}" in page.ids, (path.name, address)
            found += 1
        shown = page.markup.partition('<div class="definitions" hidden>')[2].partition("</div>")[0]
        assert shown.count("<p id=") == len(set(re.findall(r'describedby="definition-([\w-]+)"', page.markup))), path.name
    assert found > 60


def test_18_a_definition_says_nothing_of_a_quiz_or_an_exercise(pages):
    """It stands in the page before any answer is asked for."""
    for path in [path for path in pages if re.match(r"\d\d_", path.name)]:
        shown = pages[path].markup.partition('<div class="definitions" hidden>')[2].partition("</div>")[0]
        answers = hidden_lines(BOOK / "chapters" / f"{path.stem}.ipynb")
        assert not answers & lines_of(re.sub("<[^>]*>", "", shown)), path.name


@pytest.fixture(params=["light", *(pytest.param(look, marks=pytest.mark.slow) for look in ("dark", "forced"))])
def chapter(request, browser, server):
    colours = {"forced_colors": "active"} if request.param == "forced" else {}
    with tab(browser, "dark" if request.param == "dark" else "light", 390, **colours) as page:
        page.goto(f"{server}/chapters/05_the_resnext_block.html")
        yield page
        assert not page.complaints


def test_18_a_definition_is_shown_to_pointer_and_keyboard_and_goes_with_escape(chapter):
    link, box = chapter.locator("a.term", has_text="cardinality").first, chapter.locator(".definition")
    assert not box.is_visible()
    link.scroll_into_view_if_needed()
    link.hover()
    assert box.inner_text().startswith("Cardinality. The number C of paths")
    box.hover()
    chapter.wait_for_timeout(400)
    assert box.is_visible(), "the pointer is on it"
    chapter.mouse.move(1, 1)
    box.wait_for(state="hidden")
    chapter.keyboard.press("Tab")  # from here on the browser shows the focus
    link.focus()
    assert box.is_visible()
    place, screen = box.bounding_box(), chapter.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert place["x"] >= 0 and place["x"] + place["width"] <= screen[0] == screen[1]
    assert not screen_reader_problems(chapter)
    chapter.keyboard.press("Escape")
    assert not box.is_visible() and link.evaluate("e => e === document.activeElement")
    link.blur()
    link.focus()
    chapter.emulate_media(media="print")
    assert not box.is_visible()


def test_18_without_scripts_a_screen_reader_has_the_definition_and_the_link_leads_to_it(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "chapters/05_the_resnext_block.html").as_uri())
    link = page.locator("a.term", has_text="cardinality").first
    described = page.locator(f"#{link.get_attribute('aria-describedby')}")
    assert described.text_content().startswith("Cardinality. The number C") and not described.is_visible()
    link.click()
    page.wait_for_url("**/glossary.html#cardinality")
    context.close()


def test_18_search_does_not_find_a_page_by_its_hidden_definitions():
    command = (
        'import section_search as s; print(s.sections_of(\'<article><section id="a"><h1>T</h1>text'
        '<div class="definitions" hidden><p>hidden words</p></div></section></article>\'))'
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "site/extensions")},
    )
    assert done.stdout.strip() == "[['a', 'T', 'text']]", done.stderr
