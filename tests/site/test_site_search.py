"""Search finds numbers, signs and other people's words, leads to the section, and needs no server."""

import json
import re
import sys
import tomllib

import pytest
from site_tools import ROOT, tab

sys.path.append(str(ROOT / "site/extensions"))
import section_search  # noqa: E402

GLOSSARY = (ROOT / "chapters/glossary.md").read_text(encoding="utf-8")
SYNONYMS = tomllib.loads((ROOT / "site/search/synonyms.toml").read_text(encoding="utf-8"))

# What readers type, and the section that has to come first: the page alone where any of its sections will do.
FIRST_HITS = {
    # numbers and signs
    "25,028,904": "07_resnext50#the-right-count-proves-little",
    "25028904": "07_resnext50#the-right-count-proves-little",
    "68,883,240": "questions#my-resnext-50-has-68-883-240-parameters",
    "69,632": "03_residual_learning#a-bottleneck-makes-256-channels-affordable",
    "77.618": "questions#the-paper-says-22-2-and-torchvision-says-77-618",
    "54": "02_inception#googlenet-has-nine-modules-and-54-widths",
    "3×3": "01_what_a_convolution_costs#two-33s-see-as-far-as-one-55",
    "3x3": "01_what_a_convolution_costs#two-33s-see-as-far-as-one-55",
    "1×1": "01_what_a_convolution_costs#a-11-mixes-channels-for-a-ninth-of-the-price",
    "32x4d": "07_resnext50",
    # terms, each in its own chapter
    "grouped convolution": "04_grouped_convolution",
    "Grouped convolutions": "04_grouped_convolution",
    "cardinality": "05_the_resnext_block",
    "bottleneck": "03_residual_learning#a-bottleneck-makes-256-channels-affordable",
    "group width": "07_resnext50#d-doubles-from-stage-to-stage-and-c-stays",
    "form A": "06_three_forms#the-paper-draws-its-block-three-times",
    "Inception module": "02_inception",
    "depthwise convolution": "04_grouped_convolution#between-dense-and-depthwise-there-is-room",
    "receptive field": "01_what_a_convolution_costs#two-33s-see-as-far-as-one-55",
    "overfitting": "03_residual_learning#deeper-got-worse",
    "squeeze-and-excitation": "11_what_came_next#squeeze-and-excitation-weighs-the-channels",
    "what is a residual block?": "03_residual_learning#one-plus-sign-makes-copying-easy",
    "roofline": "10_flops_are_not_seconds#narrow-paths-run-far-from-the-peak",
    "channels last": "10_flops_are_not_seconds",
    "RegNet": "11_what_came_next#regnet-keeps-the-width-of-a-group-and-counts-the-groups",
    "GoogLeNet": "02_inception#googlenet-has-nine-modules-and-54-widths",
    # the words of others
    "skip connection": "03_residual_learning#one-plus-sign-makes-copying-easy",
    "skip connections": "03_residual_learning#one-plus-sign-makes-copying-easy",
    "batchnorm": "03_residual_learning#batch-norm-brings-every-channel-to-one-scale",
    "group conv": "04_grouped_convolution",
    "DDP": "more_than_one_machine",
    "number of parameters": "01_what_a_convolution_costs#every-filter-reads-all-channels",
    # Chinese, and code
    "分组卷积": "04_grouped_convolution",
    "基数": "05_the_resnext_block",
    "groups=cardinality": "05_the_resnext_block#in-code-one-argument-is-new",
    "resnext50_32x4d": "library#resnext50-32x4d",
}


@pytest.fixture(scope="module")
def asked(browser, site):
    """Asks the search page, which lies on the disk: query to the sections found, each as page#anchor without its folder."""
    with tab(browser, "light", 1280) as page:
        page.goto((site / "search.html").as_uri())
        yield lambda query: page.evaluate(
            """query => bookSearch(query).map(found =>
            `${found.page.replace('chapters/', '')}#${found.anchor}`)""",
            query,
        )
        assert not page.complaints


@pytest.mark.parametrize("query", FIRST_HITS)
def test_fault_13_the_first_hit_is_where_the_subject_is_taught(asked, query):
    found = asked(query)
    assert found, "nothing is found"
    assert found[0].startswith(FIRST_HITS[query]), found[:5]


def test_fault_13_a_number_is_found_as_a_whole(asked):
    assert set(asked("25,028,904")) == set(asked("25028904")) != set()
    assert asked("25,028,90") == asked("5,028,904") == asked("25,028") == []
    assert asked("xyzzy") == asked("(.*") == asked(" ") == []


def test_fault_13_every_synonym_finds_the_place_of_its_term(asked):
    """A synonym's term has an entry in the glossary, and the first hit is the section that the entry names."""
    places = {
        name.lower(): f"{page.removeprefix('chapters/')}#{anchor}"
        for names, page, anchor in section_search.terms_of(GLOSSARY)
        for name in names
    }
    wrong = [(theirs, ours) for theirs, ours in SYNONYMS.items() if asked(theirs)[0] != places[ours.lower()]]
    assert SYNONYMS and not wrong


def test_fault_13_every_term_of_the_glossary_is_found_in_its_own_chapter_first(asked):
    terms = section_search.terms_of(GLOSSARY)
    wrong = [
        (names[0], found, anchor)
        for names, page, anchor in terms
        for found in asked(names[0])[:1]
        if found.replace("-", "") != f"{page.removeprefix('chapters/')}#{anchor}".replace("-", "")
    ]
    assert len(terms) > 45 and not wrong


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "query, marked", [("25,028,904", "25,028,904"), ("3×3", "3×3"), ("grouped convolution", "convolution")]
)
def test_fault_13_a_result_has_a_snippet_and_leads_to_its_section_from_the_disk(browser, site, query, marked):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "intro.html").as_uri())
        page.keyboard.press("Control+k")
        page.keyboard.type(query)
        page.keyboard.press("Enter")
        results = page.locator("#search-results ul.search li")
        results.first.wait_for()
        assert f"found for “{query}”" in page.get_by_role("status").inner_text()
        snippets = results.locator("p.context")
        assert any(marked in text.lower() for text in snippets.locator("mark").all_inner_texts())
        lengths = [len(text) for text in snippets.all_inner_texts()]
        assert max(lengths) < 260 and min(lengths[:2]) > 60  # a heading without text of its own has none
        link = results.filter(has_text="›").locator("a").first
        target = link.get_attribute("href")
        link.click()
        page.wait_for_url(f"**/{target}")
        assert page.locator(f"[id='{target.partition('#')[2]}']").count() == 1
        page.locator("article .highlighted:visible").first.wait_for()  # the first of all may lie in a fold
        assert not page.complaints


def test_fault_13_nothing_found_says_so(browser, site):
    with tab(browser, "light", 390) as page:
        page.goto((site / "search.html").as_uri() + "?q=%3Cb%3Exyzzy")
        assert page.get_by_role("status").inner_text().startswith("Nothing was found for “<b>xyzzy”.")
        assert page.locator("#search-results li").count() == 0 and not page.complaints


def test_fault_13_what_a_page_folds_away_is_not_searched(site):
    """No snippet shows the answer of a quiz or the solution of an exercise."""
    index = json.loads((site / "search_index.js").read_text(encoding="utf-8").partition(" = ")[2].rstrip().removesuffix(";"))
    texts = [text for sections in index["pages"].values() for _, _, text in sections]
    folded = [
        cell
        for path in sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if "exercise" in cell["metadata"]
    ]
    solutions = [" ".join("".join(cell["source"]).split()) for cell in folded]
    assert len(solutions) > 30 and not [line for line in solutions if any(line in " ".join(text.split()) for text in texts)]
    assert not [text[:80] for text in texts if re.search(r"\([a-e]\) is right", text)]
    assert not (site / "searchindex.js").exists(), "Sphinx's index, which nothing loads"


PAGE = """<nav><section id="no"><h1>No</h1></section></nav><article class="bd-article"><section id="a"><h1>1. A title<a class="headerlink"
href="#a">#</a></h1><p class="page-facts">5 minutes</p><p>One <em>two</em>-three,<br>25,028,904.</p>
<img alt="x" src="data:image/svg+xml,%3Csvg%3E"><p>3<span class="katex"><span class="katex-mathml"><math><mi>x</mi></math></span><span>×3</span></span></p>
<details><summary>Answer</summary><section id="inner"><h2>Hidden</h2></section>no</details>
<section id="b"><h2>Below</h2><pre>a = 1
b = 2</pre><script>var no = 1;</script></section><p>After.</p></section></article>"""


def test_fault_13_a_section_is_its_title_and_its_own_text():
    assert section_search.sections_of(PAGE) == [
        ["a", "1. A title", "One two-three, 25,028,904. 3×3 After."],
        ["b", "Below", "a = 1 b = 2"],
    ]
    assert section_search.sections_of("<p>no article</p>") == []


def test_fault_13_a_glossary_that_cannot_be_read_is_refused():
    entry = "**Grouped convolution** (`groups`)\n: 分组卷积（群卷积）\n: A sentence.\n  See [chapter 4](04_g.ipynb#it).\n"
    assert section_search.terms_of(entry) == [
        [["Grouped convolution", "groups", "分组卷积", "群卷积"], "chapters/04_g", "it"]
    ]
    with pytest.raises(section_search.ExtensionError, match="'Grouped convolution' must end with 'See"):
        section_search.terms_of(entry.replace("See ", "Look at "))
    with pytest.raises(section_search.ExtensionError, match="no entry of the form"):
        section_search.terms_of("# Glossary\n")
