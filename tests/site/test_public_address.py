"""With a public address: canonical links, a preview, a sitemap. Without one: nothing of it."""

import re
import sys
import xml.etree.ElementTree
from html import unescape
from types import SimpleNamespace

import pytest
from PIL import Image
from site_tools import ROOT

from tools import facts

sys.path.append(str(ROOT / "site/extensions"))
import public_address  # noqa: E402

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.mark.parametrize(
    "repository, given, address",
    [
        ("", "", ""),
        (None, "", ""),
        ("https://github.com/You/fork", "", "https://you.github.io/fork/"),
        ("https://github.com/you/you.github.io", "", "https://you.github.io/"),
        ("https://gitee.com/you/fork", "", ""),
        ("https://gitee.com/you/fork", "https://example.org/book", "https://example.org/book/"),
        ("https://github.com/you/fork", "https://example.org/", "https://example.org/"),
    ],
)
def test_18_the_sites_address_follows_from_the_repositorys_or_is_given(repository, given, address):
    assert public_address.site_address(repository, given) == address


@pytest.mark.parametrize("wrong", ["example.org", "ftp://example.org", 'https://a/"b', "https://a b"])
def test_18_an_address_that_is_none_is_refused(wrong):
    with pytest.raises(public_address.ExtensionError, match="SITE_URL must look like"):
        public_address.site_address("", wrong)


def book(tmp_path, base):
    config = SimpleNamespace(html_baseurl=base, html_title="The ResNeXt Book")
    (tmp_path / "_static").mkdir()
    env = SimpleNamespace(found_docs={"intro", "chapters/a&b"})
    return SimpleNamespace(config=config, outdir=tmp_path, env=env, builder=SimpleNamespace(format="html"))


def test_18_a_page_says_what_a_preview_shows(tmp_path):
    context = {"title": "5. <b>A</b> &amp; B", "description": 'Can "one" number replace 54?'}
    public_address.add_preview(book(tmp_path, "https://a.org/b/"), "chapters/x", "page.html", context, None)
    told = dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)" />', context["preview"]))
    assert unescape(told["og:description"]) == 'Can "one" number replace 54?'
    assert told["og:url"] == "https://a.org/b/chapters/x.html" and told["og:image"] == "https://a.org/b/_static/preview.png"
    assert told["og:title"] == "5. A &amp; B" and told["twitter:card"] == "summary_large_image"
    assert len(told["og:image:alt"]) > 30


def test_18_the_picture_has_its_size_and_the_sitemap_every_page(tmp_path):
    public_address.write(book(tmp_path, "https://a.org/b/"), None)
    picture = Image.open(tmp_path / "_static/preview.png")
    assert picture.size == public_address.PREVIEW_SIZE and len(picture.convert("RGB").getcolors(10**6)) > 4
    assert (tmp_path / "_static/preview.png").stat().st_size < 300_000
    root = xml.etree.ElementTree.parse(tmp_path / "sitemap.xml").getroot()
    assert [place.text for place in root.iter(f"{SITEMAP}loc")] == [
        "https://a.org/b/chapters/a&b.html",
        "https://a.org/b/intro.html",
    ]


def test_18_without_an_address_there_is_nothing_of_it(tmp_path):
    app, context = book(tmp_path, ""), {"title": "T", "description": "D"}
    public_address.write(app, None)
    public_address.add_preview(app, "intro", "page.html", context, None)
    assert "preview" not in context and [path.name for path in tmp_path.rglob("*")] == ["_static"]


def test_18_the_pages_follow_the_books_address(site, pages):
    """As this copy of the book is: without an address nothing of it is on any page."""
    base = public_address.site_address(facts.address().partition("@")[0])
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        name = path.relative_to(site).as_posix()
        assert re.findall(r'<link rel="canonical" href="([^"]*)"', page.markup) == ([f"{base}{name}"] if base else []), name
        assert len(re.findall(r'property="og:url"', page.markup)) == bool(base), name
    assert (site / "sitemap.xml").exists() == (site / "_static/preview.png").exists() == bool(base)
