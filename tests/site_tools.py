"""What the tests of the site need to build it, to read its pages and to open them in a browser."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml

from tools.browser import FLAGS as BROWSER_FLAGS  # noqa: F401 (for the tests)
from tools.browser import find

ROOT = Path(__file__).resolve().parent.parent
# These tags load what they name; an <a> only points to it.
LOADING = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "object": "data",
    "embed": "src",
}
# Text inside these is meant to look like source. The annotation keeps a formula's TeX for copying.
SOURCE_TAGS = {"pre", "code", "script", "style", "annotation"}
VOID_TAGS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


def build(source, output):
    """Build the book as `make book` does. Returns the finished process."""
    # Jupyter Book cannot be started with -m: python would read the module and build nothing.
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(source),
        "-W",
        "-n",
        "--keep-going",
        "-q",
        "--path-output",
        str(output),
    ]
    return subprocess.run(command, capture_output=True, text=True)


class Page(HTMLParser):
    """One built page: its ids, links, loaded resources, images, headings and running text."""

    def __init__(self, path):
        super().__init__()
        self.path, self.markup = path, path.read_text(encoding="utf-8")
        self.ids, self.links, self.loads, self.images, self.text = set(), [], [], [], []
        self.tags, self.classes, self.open_tags = [], [], []
        self.feed(self.markup)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.classes += (attributes.get("class") or "").split()
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if attributes.get(LOADING.get(tag)):
            self.loads.append(attributes[LOADING[tag]])
        if tag not in VOID_TAGS:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open_tags:
            while self.open_tags.pop() != tag:
                pass

    def handle_data(self, data):
        if not SOURCE_TAGS & set(self.open_tags):
            self.text.append(data)


def read_pages(site):
    """Every page by its path, without the redirect (index.html), the handout and the decks of lessons. Never empty."""
    assert (site / "intro.html").is_file(), f"{site} holds no site"
    files = [path for path in sorted(site.rglob("*.html")) if path.parent.name != "lessons"]
    return {path: Page(path) for path in files if path.name not in ("index.html", "handout.html")}


def broken_link(page, link, pages):
    """Why ``link`` on ``page`` leads nowhere inside the site, or None."""
    address, anchor = urldefrag(link)
    if urlsplit(link).scheme:
        return None
    target = (page.path.parent / unquote(urlsplit(address).path)).resolve() if address else page.path
    if not target.is_file():
        return f"{page.path.name}: {link}: no such file"
    if anchor and target in pages and unquote(anchor) not in pages[target].ids:
        return f"{page.path.name}: {link}: no such anchor"
    return None


def toc_parts():
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]


def toc_files():
    return [chapter["file"] for part in toc_parts() for chapter in part["chapters"]]


def is_numbered(file):
    return re.match(r"chapters/\d\d_", file) is not None


def is_remote(address):
    return address.startswith(("http:", "https:", "//"))


def find_browser():
    """The path of Chromium. Without one: a failure under CI, a skip elsewhere."""
    if path := find():
        return path
    message = "NO BROWSER: the site was not looked at. Install chromium."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def tab(browser, theme, width, **options):
    """A tab, with Playwright's further ``options``, that notes in ``page.complaints`` console errors, failed requests and requests to another host."""
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda r: re.match("file:|data:|http://127.0.0.1:", r.url) or page.complaints.append(r.url))
    # A page that is left stops what it was still loading.
    page.on("requestfailed", lambda r: "ABORTED" in r.failure or page.complaints.append(f"failed: {r.url}"))
    page.on("response", lambda r: r.status >= 400 and page.complaints.append(f"{r.status}: {r.url}"))
    try:
        yield page
    finally:
        context.close()


def open_page(page, address):
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    page.evaluate("document.fonts.ready.then(() => true)")  # letters of another font are of another width


# Everything on a page that is wider than its box and not a scroll box itself.
SIDEWAYS = """() => {
  const page = document.documentElement, article = document.querySelector('.bd-article-container');
  return [page, article].filter(box => box && box.scrollWidth > box.clientWidth + 1)
    .map(box => `${box.tagName}.${box.className} is ${box.scrollWidth} px in ${box.clientWidth} px`);
}"""

# A figure must be drawn, with nothing of the page's behind or around it, and unfiltered: it brings its own ground.
FIGURES = """() => [...document.querySelectorAll('figure:not(.explorer) img')].map(image => {
  const style = getComputedStyle(image), box = image.getBoundingClientRect();
  const output = image.closest('.output') || image.parentElement;
  const loaded = image.complete && image.naturalWidth > 0;
  return {alt: image.alt, drawn: loaded && box.width > 100 && box.height > 20,
          card: style.backgroundColor, filter: style.filter, padding: parseFloat(style.paddingLeft),
          around: getComputedStyle(output).backgroundColor};
})"""


def screen_reader_problems(page):
    """What axe-core finds on the page, one line for each place; empty is good."""
    from axe_playwright_python.base import AXE_SCRIPT  # not in the light environment, which opens no browser

    page.evaluate(FEWER_TOKENS)
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['html'][:150]}" for rule in found for node in rule["nodes"]]


def audit(page, addresses):
    """What is wrong with the pages at ``addresses``: too wide, complaints of the browser, findings of axe; empty is good."""
    problems = []
    for address in addresses:
        open_page(page, address)
        found = page.evaluate(SIDEWAYS) + page.complaints + screen_reader_problems(page)
        problems += [f"{address.rsplit('/', 1)[-1]}: {problem}" for problem in found]
        page.complaints.clear()
    return problems


# axe looks at the contrast of every coloured word of code, 5,000 on a page; one of each kind says the same.
FEWER_TOKENS = """() => {
  const seen = new Set();
  for (const token of document.querySelectorAll('.highlight pre span')) {
    const kind = token.closest('.cell_output, .cell_input, .highlight').className + token.className;
    if (seen.has(kind)) token.replaceWith(...token.childNodes); else seen.add(kind);
  }
}"""

# Every printed output: is it a table, does it break its lines, is it wider than its box, can the keyboard scroll it, how large
# are its letters?
PRINTED = """() => [...document.querySelectorAll('.cell_output .output:is(.stream, .text_plain) pre')].map(pre => ({
  text: pre.innerText.slice(0, 60), table: /\\S {2,}\\S/.test(pre.textContent) && pre.textContent.trim().includes('\\n'),
  longest: Math.max(0, ...pre.textContent.split('\\n').filter(line => /\\S {2,}\\S/.test(line)).map(line => line.length)),
  wraps: getComputedStyle(pre).whiteSpace !== 'pre', wide: pre.scrollWidth > pre.clientWidth, reachable: pre.tabIndex === 0,
  letters: parseFloat(getComputedStyle(pre).fontSize)}))"""

# Code and outputs that are wider than their boxes and would have to be scrolled.
CUT_OFF = """() => [...document.querySelectorAll('.bd-article :is(pre, .output, .pst-scrollable-table-container)')]
  .filter(box => box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== 'visible')
  .map(box => `${box.scrollWidth} px in ${box.clientWidth} px: ${box.innerText.slice(0, 60)}`)"""
