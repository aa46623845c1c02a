"""The zip for classes without internet opens from any folder, and the PDF holds the whole book."""

import zipfile

import pytest
from site_tools import tab, toc_files

from tools import offline, pdf


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


ADDRESSES = [("#recap", "#05_b--recap"), ("06_c.html", "#06_c"), ("../intro.html", "#intro"), ("06_c.html#x", "#06_c--x"),
             ("https://a.b/c.html", "https://a.b/c.html"), ("../student/05_b.ipynb", "../student/05_b.ipynb")]


@pytest.mark.parametrize("old, new", ADDRESSES)
def test_links_between_pages_become_links_inside_the_pdf(old, new):
    assert pdf.new_address("chapters/05_b", old) == new


@pytest.fixture(scope="module")
def printed(browser, site, tmp_path_factory):
    """The PDF, read once."""
    output = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pdf.write(browser, site, output)   # fails when something is wider than the paper
    return pdf.PdfReader(output)


def flat(text):
    return "".join(text.split())


@pytest.mark.slow
def test_the_contents_name_the_page_of_every_title(printed, pages, site):
    texts = [flat(page.extract_text()) for page in printed.pages]
    assert len(texts) > 10 * len(toc_files())
    numbers = pdf.page_numbers(printed.stream)
    for file in toc_files():
        title = flat(pdf.article_of(site, file).h1.get_text())
        number = numbers[pdf.anchor(file)]
        assert texts[number - 1].removeprefix(str(number)).startswith(title), file   # the foot of the page may come first
        assert f"{title}{number}" in texts[1], (file, texts[1])


@pytest.mark.slow
def test_every_chapter_has_a_bookmark_and_every_figure_its_description(printed, pages, site):
    bookmarks = {flat(mark.title) for mark in printed.outline if not isinstance(mark, list)}
    missing = [file for file in toc_files() if flat(pdf.article_of(site, file).h1.get_text()) not in bookmarks]
    assert not missing
    printed_alts = [tag["/Alt"] for tag in tags(printed, "/Figure") if "/Alt" in tag]
    wanted = [image["alt"] for page in pages.values() for image in page.images]
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
            waiting += [child for child in (children if isinstance(children, list) else [children]) if hasattr(child, "get_object")]
    return found


@pytest.mark.slow
def test_what_is_wider_than_the_paper_is_found(browser, site):
    with pdf.sheet(browser) as page:
        page.goto((site / "intro.html").as_uri())
        assert page.evaluate(pdf.TOO_WIDE) == []
        page.evaluate("document.querySelector('.bd-article p').outerHTML = `<table style='min-width: 900px'><tr><td>wide</td></tr></table>`")
        assert len(page.evaluate(pdf.TOO_WIDE)) == 1
