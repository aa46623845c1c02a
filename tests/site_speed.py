"""Serve the site as a web host does, and measure how a page arrives over a slow line."""

import gzip
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

# The budget of a page: what its first load may bring, unpacked, and in how many requests.
PAGE_BYTES, PAGE_REQUESTS = 1_500_000, 25

# A slow 4G line: a round trip takes 150 ms, a second brings 1.6 Mbit.
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
PACKED = {".html", ".css", ".js", ".svg", ".json", ".txt", ".ipynb"}

ARRIVAL = """() => new Promise(resolve => {
  let shift = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) shift += entry.value; })
    .observe({type: 'layout-shift', buffered: true});
  setTimeout(() => {
    const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter(entry => !entry.name.startsWith('data:'));
    resolve({
      requests: entries.length,
      bytes: entries.reduce((sum, entry) => sum + entry.decodedBodySize, 0),
      packed: entries.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
      paint: performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000,
      shift: shift,
      names: entries.map(entry => [entry.name, entry.decodedBodySize]),
    });
  }, 300);
})"""


@cache
def packed(path):
    """The bytes of a file and how they are encoded."""
    body = Path(path).read_bytes()
    return (gzip.compress(body, 6), "gzip") if Path(path).suffix in PACKED else (body, None)


class Handler(SimpleHTTPRequestHandler):
    """Static files, text packed with gzip; what is missing gets the site's own 404 page."""

    protocol_version = "HTTP/1.1"  # one connection carries many files, as on any host

    def do_GET(self):
        path, status = Path(self.translate_path(self.path)), 200
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            path, status = Path(self.directory, "404.html"), 404
        body, encoding = packed(path)
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def serve(folder):
    """The address of a web server that shows ``folder``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def arrival(browser, address, slow=True, **context):
    """First load of ``address`` with an empty cache: requests, bytes, seconds to the first paint, layout shift."""
    context = browser.new_context(**context)
    page = context.new_page()
    if slow:
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", SLOW_LINE)
    try:
        page.goto(address, wait_until="load")
        return page.evaluate(ARRIVAL)
    finally:
        context.close()
