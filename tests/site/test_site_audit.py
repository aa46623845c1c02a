"""The whole audit of the site, page by page, at every size, in both themes and in a reader's own colours: make check-all."""

import pytest
from site_speed import arrival
from site_tools import audit, is_remote, open_page, tab
from test_site import light_pages

pytestmark = pytest.mark.slow

# 320 px is the width at which nothing may need a second way of scrolling, 640 px a window of 1280 at a zoom of 200 %.
LOOKS = [(theme, width) for theme in ("light", "dark", "forced") for width in (320, 390, 1280)] + [("light", 640)]
FIRST_PAINT = 1.2  # seconds at 150 ms and 1.6 Mbit/s


@pytest.mark.parametrize("theme, width", LOOKS)
def test_every_page_passes_the_audit(browser, pages, site, server, theme, width):
    colours = {"forced_colors": "active"} if theme == "forced" else {}
    with tab(browser, "dark" if theme == "dark" else "light", width, **colours) as page:
        problems = audit(page, [f"{server}/{path.relative_to(site).as_posix()}" for path in pages])
    assert not problems, "\n".join(problems)


def test_every_page_paints_early_and_keeps_still(browser, pages, site, server):
    """The best of five loads: a busy machine makes a page late, never early. Measured alone, all pages take 0.6 to 0.9 s."""
    for path in pages:
        address = f"{server}/{path.relative_to(site).as_posix()}"
        loads = []
        while len(loads) < 5 and (not loads or min(load["paint"] for load in loads) > FIRST_PAINT):
            loads.append(arrival(browser, address, viewport={"width": 390, "height": 800}))
        assert min(load["paint"] for load in loads) <= FIRST_PAINT, (path.name, [load["paint"] for load in loads])
        assert max(load["shift"] for load in loads) <= 0.01, path.name


class Everything:
    """As if every page used every word."""

    def __contains__(self, word):
        return True


def picture_of(page, path):
    """The whole page's picture, the same from two loads: under load Chromium now and then paints an edge differently."""
    pictures = [None]
    while len(pictures) < 3 or pictures[-1] != pictures[-2]:
        assert len(pictures) < 9, f"{path.name} is painted differently every time"
        open_page(page, path.as_uri())
        page.evaluate("document.fonts.ready")
        pictures.append(page.screenshot(full_page=True, animations="disabled", caret="hide"))
    return pictures[-1]


def test_rules_that_were_left_out_change_no_page(browser, pages, site):
    """Every page looks the same, to the pixel, with all of the theme's rules."""
    whole = light_pages.join_style_sheets(site / "_static", Everything())
    assert len(whole) > 3 * (site / "_static/site.css").stat().st_size
    sheets = [(site / "_static/site.css").read_text(encoding="utf-8"), whole]

    def look(page, path, sheet):
        page.route("**/_static/site.css", lambda route: route.fulfill(body=sheet, content_type="text/css"))
        picture = picture_of(page, path)
        page.unroute("**/_static/site.css")
        return picture

    different = []
    for theme, width in [("light", 1280), ("dark", 390)]:
        with tab(browser, theme, width) as page:
            for path in pages:
                if look(page, path, sheets[0]) != look(page, path, sheets[1]):
                    different.append(f"{path.name} {theme} {width}")
    assert not different


def test_links_to_other_places_are_safe(pages):
    links = {link for page in pages.values() for link in page.links if is_remote(link)}
    assert links and all(link.startswith("https://") for link in links), links
