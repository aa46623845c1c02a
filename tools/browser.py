"""Chromium, for the PDF and for the tests of the site."""

import shutil

# A machine may have more than one network service that Chromium would call on its own.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# The headless shell first: Chromium itself keeps its windows and menus even where nobody sees them.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find():
    """The path of Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)
