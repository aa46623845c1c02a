"""A link leads to what its words name: a figure, a paper, an issue, a term. Links to chapters are in test_documented.py."""

import re

import pytest
from claims_for_tests import CHAPTERS, opened, path_of
from test_appendix import terms

from tools import reading
from tools.facts import ROOT
from tools.reference import slug

PAGES = sorted(path.stem for path in [*CHAPTERS.glob("*.ipynb"), *CHAPTERS.glob("*.md")] if path.stem != "library")
PAGES += ["intro.md", "README.md", "CONTRIBUTING.md"]

# A paper's name in the words of a link, and where it is.
PAPERS = {
    r"^ResNeXt( paper)?$": "1611.05431",
    r"^ResNet$|He and others, 2015": "1512.03385",
    r"GoogLeNet's paper": "1409.4842",
    r"^ShuffleNet$": "1707.01083",
    r"ShuffleNet V2": "1807.11164",
    r"RegNet|forecast the time better|^Table 3$": "2003.13678",
    r"^VGG$": "1409.1556",
    r"^Highway networks$": "1505.00387",
    r"Balduzzi and others": "1702.08591",
    r"Veit and others": "1605.06431",
    r"Yang and others": "1902.08129",
    r"De and Smith": "2002.10444",
    r"Deep Roots": "1605.06489",
    r"did better": "2010.14495",
    r"another paper": "1603.05027",
}


def links(page):
    """(words, target) of every link in a page's text."""
    text = (
        "\n".join(cell.source for cell in reading.markdown_cells(opened(page)))
        if path_of(page).suffix == ".ipynb"
        else path_of(page).read_text(encoding="utf-8")
    )
    return re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def astray(words, target):
    """What is wrong with a link; None if it leads where its words say, or if they say nothing that can be compared."""
    if figure := re.fullmatch(r"Figure (\w+)\.(\d+)", words):
        file, _, anchor = target.partition("#")
        right_file = not file or int(re.match(r"\d*", file)[0] or 0) == int(figure[1])
        return None if anchor == f"fig-{figure[1]}-{figure[2]}" and right_file else f"not {words}"
    if paper := re.search(r"arXiv (\d{4}\.\d{4,5})", words):
        return None if target.endswith(f"/{paper[1]}") else f"not arXiv {paper[1]}"
    if thread := re.search(r"(?:issue |pull request |#)(\d+)", words):
        return None if target.endswith(f"/{thread[1]}") else f"not the thread {thread[1]}"
    if target.startswith("https://arxiv.org/abs/"):
        known = [number for name, number in PAPERS.items() if re.search(name, words)]
        return None if known == [target.rpartition("/")[2]] else f"{words} is {known or 'not in PAPERS'}"
    if (place := re.fullmatch(r"glossary\.md#(.+)", target)) and place[1] != "terms":
        return None if place[1] in {slug(term) for term, *_ in terms()} and _is_of(words, place[1]) else "another term"
    return None


def _is_of(words, anchor):
    """Whether the words of a link and the anchor of a term share a stem."""
    return any(stem.lower()[:5] in anchor for stem in re.findall(r"\w+", words))


@pytest.mark.parametrize("page", PAGES)
def test_fault_11c_a_link_leads_to_what_its_words_name(page):
    wrong = [(words, target, problem) for words, target in links(page) if (problem := astray(words, target))]
    assert not wrong


@pytest.mark.parametrize(
    "words, target",
    [
        ("Figure 2.4", "#fig-2-3"),
        ("Figure 4.3", "05_the_resnext_block.ipynb#fig-4-3"),
        ("arXiv 1611.05431", "https://arxiv.org/abs/1512.03385"),
        ("pytorch/vision, issue 906", "https://github.com/pytorch/vision/issues/880"),
        ("ShuffleNet", "https://arxiv.org/abs/1807.11164"),
        ("cardinality", "glossary.md#width"),
    ],
)
def test_fault_11c_a_link_that_leads_astray_would_be_found(words, target):
    assert astray(words, target)


def test_fault_11c_every_figure_that_the_text_names_is_there():
    found = {
        anchor
        for path in CHAPTERS.glob("*.ipynb")
        for cell in reading.code_cells(opened(path.stem))
        for output in cell.outputs
        for anchor in re.findall(r'<figure id="([\w-]+)"', output.get("data", {}).get("text/html", ""))
    }
    named = {
        f"fig-{chapter}-{number}"
        for page in PAGES
        if (ROOT / "chapters" / f"{page}.ipynb").is_file()
        for cell in reading.markdown_cells(opened(page))
        for chapter, number in re.findall(r"Figure (\w+)\.(\d+)", cell.source)
    }
    assert named and named <= found, named - found
