"""One torch thread a process: two workers with two threads each wait for one another, 3 times as long.

And the site: built once, read once, and opened in one browser, for every file of tests that looks at it.
"""

import pytest
from filelock import FileLock
from site_speed import serve
from site_tools import BROWSER_FLAGS, ROOT, build, find_browser, read_pages


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch  # not above: the process that only hands out the tests does not need it, and would load it for 4 seconds

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the site, built once: the first worker that needs it builds, the others wait for it."""
    folder = tmp_path_factory.getbasetemp()
    output = (folder if worker_id == "master" else folder.parent) / "site"
    with FileLock(f"{output}.lock"):
        if not (output / "finished").exists():
            result = build(ROOT, output)
            assert result.returncode == 0, result.stderr[-4000:]
            (output / "finished").touch()
    return (output / "_build" / "html").resolve()


@pytest.fixture(scope="session")
def pages(site):
    return read_pages(site)


@pytest.fixture(scope="session")
def server(site):
    """The address under which the site is served."""
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process: Playwright cannot be started twice."""
    executable = find_browser()
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield browser
        browser.close()
