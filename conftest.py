"""Every notebook that a test runs, the chapters first of all, runs without a network."""

import os
import tempfile

from tools.no_network import quiet_profile

FOLDER = tempfile.TemporaryDirectory(prefix="ipython-")
os.environ["IPYTHONDIR"] = quiet_profile(FOLDER.name)


def pytest_unconfigure():
    FOLDER.cleanup()
