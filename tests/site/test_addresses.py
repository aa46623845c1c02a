"""Links to a term of the glossary and to a numbered figure lead there, and wrong ones are told."""

import os
import re
import subprocess
import sys

import pytest

from tools.facts import ROOT

GLOSSARY = """# Glossary

**Cardinality** (`cardinality`)
: 基数
: The number of paths.
  See [the page](../page.md#a-heading).

**Logits**
: logits
: The last numbers.
"""
CHINESE = """# 术语

**基数**（`cardinality`）
: Cardinality
: 路径的条数。

**logits**（得分）
: Logits
: 最后的数。
"""
FIGURE = '<figure id="fig-11-2"><img alt="x"><figcaption><b>Figure 11.2.</b> A claim.</figcaption></figure>'
PAGE = """# A page

{figure}

## A heading

[Cardinality](chapters/glossary.md#{term}) in [Figure 11.2](#{place}).
"""


def build(folder, term="cardinality", place="fig-11-2", extensions='"myst_parser", "addresses"', glossary=GLOSSARY):
    """What Sphinx says of a book of two pages, and the pages."""
    (folder / "chapters").mkdir()
    page = PAGE.format(figure=FIGURE, term=term, place=place)
    for name, text in (("index.md", "# Top\n\n```{toctree}\npage\nchapters/glossary\n```\n"), ("page.md", page)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "chapters/glossary.md").write_text(glossary, encoding="utf-8")
    conf = f'extensions = [{extensions}]\nmyst_enable_extensions = ["deflist"]\nmyst_heading_anchors = 3\n'
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "out")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "site/extensions")},
    )
    assert done.returncode == 0, done.stderr
    pages = [(folder / "out" / name).read_text(encoding="utf-8") for name in ("page.html", "chapters/glossary.html")]
    return done.stderr, *pages


def test_a_term_and_a_figure_are_found_and_the_chinese_name_says_its_language(tmp_path):
    said, page, glossary = build(tmp_path)
    assert said == ""
    assert 'href="chapters/glossary.html#cardinality"' in page and 'href="#fig-11-2"' in page
    assert re.search(r'<dt id="cardinality"', glossary) and re.search(r'<dt id="logits"', glossary)
    assert re.findall(r'<dd lang="zh"[^>]*><p>(.*?)</p>', glossary) == ["基数"]


def test_issue_20_a_term_has_one_address_in_both_editions_and_the_english_name_says_its_language(tmp_path):
    said, page, glossary = build(tmp_path, glossary=CHINESE)
    assert said == ""
    assert 'href="chapters/glossary.html#cardinality"' in page
    assert re.search(r'<dt id="cardinality"', glossary) and re.search(r'<dt id="logits"', glossary)
    assert re.findall(r'<dd lang="en"[^>]*><p>(.*?)</p>', glossary) == ["Cardinality", "Logits"]
    assert 'lang="zh"' not in glossary


@pytest.mark.parametrize("wrong", [{"term": "cardinalty"}, {"place": "fig-11-3"}])
def test_an_address_that_is_not_there_is_told(tmp_path, wrong):
    said, _, _ = build(tmp_path, **wrong)
    assert next(iter(wrong.values())) in said


def test_without_the_extension_neither_would_be_found(tmp_path):
    said, _, _ = build(tmp_path, extensions='"myst_parser"')
    assert "cardinality" in said and "fig-11-2" in said
