"""The zip for classes without internet opens from any folder, and the PDF holds the whole book."""

import unicodedata
import zipfile
from contextlib import nullcontext

import pytest
from site_tools import tab, toc_files

from tools import offline, pdf


@pytest.mark.slow
def test_the_unpacked_zip_is_the_whole_site_and_searches(browser, site, tmp_path):
    book = tmp_path / "book.pdf"
    book.write_bytes(b"%PDF")
    offline.write(site, book, tmp_path / "a.zip")
    offline.write(site, book, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    folder = tmp_path / "my lessons, 2026 \u00fc"
    zipfile.ZipFile(tmp_path / "a.zip").extractall(folder)
    assert (folder / "resnext-book/book.pdf").read_bytes() == b"%PDF"
    with tab(browser, "light", 1280) as page:
        for file in toc_files():
            page.goto((folder / "resnext-book" / f"{file}.html").as_uri())
        page.goto((folder / "resnext-book/index.html").as_uri())
        page.wait_for_url("**/intro.html")
        page.keyboard.press("Control+k")
        page.keyboard.type("cardinality")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="The ResNeXt block").first.click()
        page.wait_for_url("**/05_the_resnext_block.html*")
        assert not page.complaints


def test_without_a_site_there_is_no_zip(tmp_path):
    with pytest.raises(SystemExit, match="make book"):
        offline.write(tmp_path, tmp_path / "none.pdf", tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def small_site(folder):
    for page in ("index", *pdf.book_pages()):
        (folder / f"{page}.html").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{page}.html").write_text("<article class='bd-article'><h1>A page</h1></article>", encoding="utf-8")
    return folder


def test_P1_a_zip_that_fails_half_way_leaves_the_old_one(tmp_path, monkeypatch):
    site, output = small_site(tmp_path / "site"), tmp_path / "a.zip"
    offline.write(site, tmp_path / "none.pdf", output)
    before, packed, pack = output.read_bytes(), [], zipfile.ZipFile.writestr

    def full_disk(archive, *arguments):
        packed.append(arguments)
        if len(packed) == 3:
            raise OSError(28, "No space left on device")
        pack(archive, *arguments)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full_disk)
    with pytest.raises(SystemExit, match="a.zip could not be written and is as it was: .*No space left on device"):
        offline.write(site, tmp_path / "none.pdf", output)
    assert len(packed) == 3 and output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "site"]


class Sheet:
    """A page that prints, and finds something wider than the paper when ``wide``."""

    def __init__(self, wide):
        self.wide = wide

    def pdf(self, path, **options):
        path.write_bytes(b"a new PDF")

    def evaluate(self, script):
        return self.wide


@pytest.mark.parametrize(("wide", "kept"), [(["a table"], b"an old PDF"), ([], b"a new PDF")])
def test_P1_a_pdf_that_is_too_wide_does_not_replace_the_old_one(tmp_path, monkeypatch, wide, kept):
    output = tmp_path / "book.pdf"
    output.write_bytes(b"an old PDF")
    monkeypatch.setattr(pdf, "sheet", lambda chromium: nullcontext(Sheet(wide)))
    monkeypatch.setattr(pdf, "show", lambda *arguments: None)
    monkeypatch.setattr(pdf, "page_numbers", lambda file: {})
    with pytest.raises(SystemExit, match="wider than the paper") if wide else nullcontext():
        pdf.write(None, small_site(tmp_path / "site"), output)
    assert output.read_bytes() == kept and sorted(path.name for path in tmp_path.iterdir()) == ["book.pdf", "site"]


def test_P1_the_book_of_one_page_is_shown_without_a_file_in_the_site(browser, tmp_path, monkeypatch):
    """It was written there, over a page of that name, and a zip packed meanwhile held it."""
    site = small_site(tmp_path)
    (site / "book.html").write_text("mine", encoding="utf-8")
    (site / "colour.css").write_text("h1 { color: rgb(1, 2, 3) }", encoding="utf-8")
    monkeypatch.setattr(
        pdf, "one_page", lambda site, numbers: "<meta charset=utf-8><link rel=stylesheet href=colour.css><h1>ü</h1>"
    )
    before = sorted(tmp_path.rglob("*"))
    with pdf.sheet(browser) as page:
        for _ in range(2):
            pdf.show(page, site)
        assert page.evaluate("document.querySelector('h1').textContent") == "ü"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    assert sorted(tmp_path.rglob("*")) == before and (site / "book.html").read_text(encoding="utf-8") == "mine"


def test_P1_a_page_that_was_not_built_is_named(tmp_path):
    site = small_site(tmp_path)
    missing = f"{toc_files()[-1]}.html"
    (site / missing).unlink()
    with pytest.raises(SystemExit, match=f"{missing} not there. Build it: make book"):
        pdf.write(None, site, tmp_path / "book.pdf")


ADDRESSES = [
    ("#recap", "#05_b--recap"),
    ("06_c.html", "#06_c"),
    ("../intro.html", "#intro"),
    ("06_c.html#x", "#06_c--x"),
    ("06_c.html#", "#06_c"),
    ("https://a.b/c.html", "https://a.b/c.html"),
    ("../student/05_b.ipynb", "../student/05_b.ipynb"),
]


@pytest.mark.parametrize("old, new", ADDRESSES)
def test_links_between_pages_become_links_inside_the_pdf(old, new):
    assert pdf.new_address("chapters/05_b", old) == new


def test_links_to_slides_are_plain_text_on_paper(tmp_path):
    (tmp_path / "chapters").mkdir()
    row = '<p><a href="../lessons/50.html#/c5-take-along">Take along</a>, <a href="05_b.html">chapter 5</a></p>'
    page = f"<article class='bd-article'><h1>Teaching</h1>{row}</article>"
    (tmp_path / "chapters" / "teaching.html").write_text(page, encoding="utf-8")
    article = pdf.article_of(tmp_path, "chapters/teaching")
    assert article.p.decode_contents() == 'Take along, <a href="#05_b">chapter 5</a>'


@pytest.fixture(scope="module")
def printed(browser, site, tmp_path_factory):
    """The PDF, read once."""
    output = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pdf.write(browser, site, output)  # fails when something is wider than the paper
    return pdf.PdfReader(output)


def flat(text):
    """Without blanks, and with a ligature of the font as the letters that it stands for."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.slow
def test_the_contents_name_the_page_of_every_title(printed, pages, site):
    texts = [flat(page.extract_text()) for page in printed.pages]
    assert len(texts) > 10 * len(toc_files())
    numbers = pdf.page_numbers(printed.stream)
    for file in toc_files():
        title = flat(pdf.article_of(site, file).h1.get_text())
        number = numbers[pdf.anchor(file)]
        assert texts[number - 1].removeprefix(str(number)).startswith(title), file  # the foot of the page may come first
        assert f"{title}{number}" in texts[1], (file, texts[1])


@pytest.mark.slow
def test_every_chapter_has_a_bookmark_and_every_figure_its_description(printed, pages, site):
    bookmarks = {flat(mark.title) for mark in printed.outline if not isinstance(mark, list)}
    missing = [file for file in toc_files() if flat(pdf.article_of(site, file).h1.get_text()) not in bookmarks]
    assert not missing
    printed_alts = [tag["/Alt"] for tag in tags(printed, "/Figure") if "/Alt" in tag]
    articles = [pdf.article_of(site, file) for file in ("intro", *toc_files())]
    wanted = [image["alt"] for article in articles for image in article.select("img")]
    assert len(wanted) == sum(len(page.images) for page in pages.values())
    # What holds a figure to play with has a name as well, and so has a drawing that stands in the page.
    wanted += [one["aria-label"] for article in articles for one in article.select("figure[aria-label], svg[aria-label]")]
    assert wanted and sorted(map(flat, printed_alts)) == sorted(map(flat, wanted))


@pytest.mark.slow
def test_the_pdfs_links_lead_inside_or_to_the_web(printed):
    links = [mark.get_object().get("/A", {}).get("/URI") for page in printed.pages for mark in page.get("/Annots", [])]
    outside = set(filter(None, links))
    assert len(links) > len(outside) > 0
    assert all(link.startswith("https://") for link in outside), outside


def tags(printed, kind):
    """Every tag of a kind in the PDF, which has them for screen readers."""
    found, waiting = [], [printed.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        tag = waiting.pop().get_object()
        if hasattr(tag, "get"):
            found += [tag] if tag.get("/S") == kind else []
            children = tag.get("/K", [])
            waiting += [
                child for child in (children if isinstance(children, list) else [children]) if hasattr(child, "get_object")
            ]
    return found


@pytest.mark.slow
def test_what_is_wider_than_the_paper_is_found(browser, site):
    with pdf.sheet(browser) as page:
        page.goto((site / "intro.html").as_uri())
        assert page.evaluate(pdf.TOO_WIDE) == []
        page.evaluate(
            "document.querySelector('.bd-article p').outerHTML = `<table style='min-width: 900px'><tr><td>wide</td></tr></table>`"
        )
        assert len(page.evaluate(pdf.TOO_WIDE)) == 1
