"""A mark for the chapters that were read: in the browser only, taken back as easily as made, absent without scripts."""

import pytest
from site_tools import screen_reader_problems, tab

CHAPTER = "chapters/05_the_resnext_block.html"
KEPT = "JSON.parse(localStorage.getItem('resnext-book-read'))"


def signs(page):
    return page.locator(".read-sign").count()


def test_18_a_mark_is_made_seen_everywhere_and_taken_back(browser, site):
    with tab(browser, "light", 1280) as page:
        page.goto((site / CHAPTER).as_uri())
        button = page.get_by_role("button", name="Mark this chapter as read")
        assert button.get_attribute("aria-pressed") == "false" and signs(page) == 0
        button.focus()
        page.keyboard.press("Enter")
        assert page.evaluate(KEPT) == ["chapters/05_the_resnext_block"]
        assert page.locator("nav.bd-links a", has_text="The ResNeXt block").first.inner_text().endswith("read")
        page.goto((site / "intro.html").as_uri())
        assert page.locator(".chapter-map .read-sign").count() == 1
        assert "1 chapter marked as read, in this browser only" in page.locator(".read-marks").inner_text()
        assert not page.complaints and not screen_reader_problems(page)
        page.emulate_media(media="print")
        assert not page.locator(".read-marks").is_visible() and not page.locator(".chapter-map .read-sign").is_visible()
        page.emulate_media(media="screen")
        page.goto((site / CHAPTER).as_uri())
        page.get_by_role("button", name="Take the mark away", pressed=True).click()
        assert page.evaluate(KEPT) == [] and signs(page) == 0


def test_18_all_marks_are_taken_away_at_once(browser, site):
    with tab(browser, "dark", 390) as page:
        page.goto((site / "intro.html").as_uri())
        assert not page.locator(".read-marks").is_visible(), "nothing is said before there is a mark"
        marks = '["chapters/01_what_a_convolution_costs", "chapters/02_inception"]'
        page.evaluate("marks => localStorage.setItem('resnext-book-read', marks)", marks)
        page.reload()
        assert "2 chapters" in page.locator(".read-marks").inner_text()
        page.get_by_role("button", name="Take all marks away").click()
        assert page.evaluate(KEPT) == [] and signs(page) == 0
        assert not page.locator(".read-marks").is_visible()


def test_18_pages_that_are_no_chapters_have_no_button(browser, site):
    with tab(browser, "light", 1280) as page:
        for name in ("intro", "chapters/glossary", "chapters/twenty_minutes", "search"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.locator(".read-mark").count() == 0, name


NO_STORAGE = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } })"
)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kept", [None, "no JSON", "7"])
def test_18_where_the_browser_keeps_nothing_or_something_else_the_page_is_whole(browser, site, kept):
    """Without storage the page still follows the reader's system, which an error in its first script would end."""
    with tab(browser, "dark", 1280) as page:
        page.add_init_script(NO_STORAGE if kept is None else f"localStorage.setItem('resnext-book-read', '{kept}')")
        # Of the theme's own script, which asks the storage as well, only ours is looked at.
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto((site / CHAPTER).as_uri())
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.locator(".read-mark").count() == 0 and signs(page) == 0
        assert page.locator(".definition").count() == 1, "what comes behind it still runs"


def test_18_without_scripts_there_is_no_button(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / CHAPTER).as_uri())
    assert page.locator(".read-mark, .read-marks, .read-sign").count() == 0
    context.close()
