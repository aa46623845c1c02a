"""One PDF of the whole book, from the built site: ``python -m tools.pdf``.

The articles of all pages become one page, which Chromium prints twice: the second time with the page
numbers of the first in the table of contents.
"""

import argparse
import re
import sys
from contextlib import contextmanager
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from tools import browser
from tools.facts import ROOT
from tools.writing import beside, check_file

SITE = ROOT / "_build" / "html"
OUTPUT = ROOT / "_build" / "resnext-book.pdf"
# What has no use on paper, or repeats in every chapter.
SETUP_CELL = ".cell:has(summary:-soup-contains('Show the setup cell'))"
LEFT_OUT = f"script, .definitions, .headerlink, .page-facts a, .chapter-map, {SETUP_CELL}"
WIDTH = 642  # CSS pixels between the margins: 170 mm of A4's 210

PAGE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="_static/site.css"><style>
@page {{ size: A4; margin: 18mm 20mm; @bottom-center {{ content: counter(page); font: 9pt sans-serif; color: #48566B }} }}
@page :first {{ @bottom-center {{ content: none }} }}
html {{ font-size: 13px }}
body {{ background: #fff }}
.bd-main .bd-content {{ display: block }}
.bd-main .bd-content .bd-article-container {{ display: block; max-width: none; padding: 0; width: auto }}
.bd-article {{ padding: 0 }} .bd-article :is(p, ul, ol) {{ max-width: none }}
.bd-article h1 {{ break-before: page; margin-top: 0 }} h1, h2, h3, h4 {{ break-after: avoid }}
.bd-article h2 {{ margin-top: 1.5rem; padding-top: 1rem }} .bd-article details.hide > summary {{ display: none !important }}
.cell_input, figure, img, tr, .katex-display {{ break-inside: avoid }} pre {{ line-height: 1.3 }}
.bd-content .cell_output .output.text_html figure img {{ max-height: 235mm; max-width: 460px !important }}
.bd-article table :is(th, td) {{ white-space: normal !important; padding: 0.2rem 0.4rem; font-size: 0.85em }}
.bd-article .explorer table :is(th, td) {{ font-size: 0.7em; padding: 0.2rem 0.25rem }}
.bd-article pre {{ white-space: pre-wrap !important; overflow-wrap: anywhere }}
.bd-article .cell_output pre {{ background: none !important }}
.cover {{ break-after: page; padding-top: 60mm; text-align: center }} .cover .logo-mark {{ height: 40mm; width: 40mm }}
.cover h1 {{ break-before: auto; font-size: 3rem; margin: 8mm 0 }} .cover p {{ font-size: 1.1rem }}
.contents li {{ display: flex; list-style: none; padding: 0.35rem 0 }} .contents ul {{ padding: 0 }}
.contents li::before {{ content: ""; flex: 1; border-bottom: 1px dotted #878D95; order: 1; margin: 0 0.5rem 0.35rem }}
.contents span {{ order: 2; font-variant-numeric: tabular-nums }} .contents a {{ color: inherit; text-decoration: none }}
</style></head><body><main class="bd-main"><div class="bd-content"><div class="bd-article-container"><div class="bd-article">
<section class="cover">{logo}<h1>{title}</h1><p>From Inception to ResNeXt, every step as code that runs</p></section>
<section class="contents"><h2>Contents</h2>{contents}</section>
{articles}</div></div></div></main></body></html>"""

TOO_WIDE = """() => {
  const edge = document.querySelector('.bd-article').getBoundingClientRect().right + 1;
  return [...document.querySelectorAll('figure img, table, pre, .katex-display, .katex')]
    .filter(box => box.getBoundingClientRect().right > edge || box.scrollWidth > box.clientWidth + 1 && box.clientWidth)
    .map(box => `${box.tagName} in ${box.closest('[id]').id}: ${box.innerText || box.alt}`.slice(0, 120));
}"""


def toc_parts():
    """(caption, names of the pages) in reading order, without the landing page."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [(part["caption"], [chapter["file"] for chapter in part["chapters"]]) for part in toc["parts"]]


def anchor(page, name=""):
    """The id, in the book of one page, of a page or of a place on it."""
    return Path(page).name + (f"--{name}" if name else "")


def new_address(page, address):
    """Where a link of ``page`` leads in the book of one page: to a place inside it, if it was one of the book's."""
    inside = re.fullmatch(r"(?:([\w./-]+)\.html)?(?:#(.*))?", address)
    return f"#{anchor(inside[1] or page, inside[2] or '')}" if inside and address else address


def article_of(site, page):
    """A page's text with everything unfolded, and ids and links that stay right among all other pages."""
    soup = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    for element in article.select(LEFT_OUT):
        element.decompose()
    for fold in article.select("details"):
        fold["open"] = ""
    for element in article.select("[id]"):
        element["id"] = anchor(page, element["id"])
    for link in article.select('a[href*="lessons/"]'):  # slides are for a screen
        link.unwrap()
    for link in article.select("a[href]"):
        link["href"] = new_address(page, link["href"])
    article.h1["id"] = anchor(page)
    return article


def contents(titles, numbers):
    """The table of contents; ``numbers`` has the page on which a title stands, where that is known."""
    lists = []
    for caption, pages in toc_parts():
        lines = [
            f'<li><a href="#{anchor(page)}">{titles[page]}</a><span>{numbers.get(anchor(page), "")}</span></li>'
            for page in pages
        ]
        lists.append(f"<h3>{caption}</h3><ul>{''.join(lines)}</ul>")
    return "".join(lists)


def book_pages():
    """The names of all pages in reading order, the landing page first."""
    return ["intro"] + [page for _, group in toc_parts() for page in group]


def refuse_unless_built(site):
    """Raise ``SystemExit`` unless the site has every page of the table of contents."""
    missing = [f"{page}.html" for page in book_pages() if not (site / f"{page}.html").is_file()]
    if missing:
        raise SystemExit(f"{site} holds no built site, or an old one: {', '.join(missing)} not there. Build it: make book")


def one_page(site, numbers=None):
    """The whole book as the text of one page."""
    pages = book_pages()
    articles = {page: article_of(site, page) for page in pages}
    titles = {page: article.h1.get_text() for page, article in articles.items()}
    logo = BeautifulSoup((site / "intro.html").read_text(encoding="utf-8"), "html.parser").select_one(".logo-mark")
    return PAGE.format(
        title=titles["intro"],
        logo=logo,
        contents=contents(titles, numbers or {}),
        articles="".join(map(str, articles.values())),
    )


def page_numbers(pdf):
    """{name of a link's target: number of its page, from 1}."""
    reader = PdfReader(pdf)
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1 for name, place in reader.named_destinations.items()
    }


@contextmanager
def launched():
    """Chromium, as long as it is needed. Raises ``SystemExit`` where there is none, or where it fails."""
    path = browser.find()
    if path is None:
        raise SystemExit("the PDF is printed by Chromium or Chrome, and neither is installed")
    try:
        with sync_playwright() as driver:
            yield driver.chromium.launch(executable_path=path, args=browser.FLAGS)
    except BrowserError as error:
        reason = str(error).strip().splitlines()[0]
        raise SystemExit(f"{path} could not print the PDF, and an earlier one is as it was. It says: {reason}") from error


@contextmanager
def sheet(chromium):
    """A page as wide as the paper between its margins, laid out as for print."""
    page = chromium.new_page(viewport={"width": WIDTH, "height": 971})
    page.set_default_timeout(600_000)  # 250 pages with 100 pictures take a slow machine minutes
    page.emulate_media(media="print")
    yield page
    page.close()


def show(page, site, numbers=None):
    """Load the book of one page as if it stood beside the site's own pages; nothing is written there."""
    place, text = (site / "book.html").as_uri(), one_page(site, numbers)
    page.route(place, lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.goto(place)
    page.evaluate("Promise.all([document.fonts.ready, ...[...document.images].map(image => image.decode())])")
    page.unroute(place)


def write(chromium, site, output):
    """Print the book of ``site`` to ``output``, which is replaced when the new one is whole and fits.

    Raises ``SystemExit`` without a built site, or when something is wider than the paper.
    """
    refuse_unless_built(site)
    with beside(output) as new, sheet(chromium) as page:
        numbers = {}
        for _ in range(2):
            show(page, site, numbers)
            page.pdf(path=new, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            numbers = page_numbers(new)
        if wide := page.evaluate(TOO_WIDE):
            raise SystemExit("wider than the paper:\n" + "\n".join(wide))


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    refuse_unless_built(SITE)
    check_file(OUTPUT)
    with launched() as chromium:
        write(chromium, SITE, OUTPUT)
    print(f"{OUTPUT.relative_to(ROOT)}: {len(PdfReader(OUTPUT).pages)} pages")


if __name__ == "__main__":
    sys.exit(main())
