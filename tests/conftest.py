"""One torch thread a process: two workers with two threads each wait for one another, 3 times as long."""

import pytest
import torch
from site_tools import BROWSER_FLAGS, find_browser

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process: Playwright cannot be started twice."""
    executable = find_browser()
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield browser
        browser.close()
