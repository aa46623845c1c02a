"""Every notebook that a test runs, the chapters first of all, runs without a network, and with one thread beside others."""

import os
import tempfile

from tools.no_network import quiet_profile

# Two workers whose kernels have two threads each wait for one another on two cores, up to 7 times as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

FOLDER = tempfile.TemporaryDirectory(prefix="ipython-")
os.environ["IPYTHONDIR"] = quiet_profile(FOLDER.name)


def pytest_unconfigure():
    FOLDER.cleanup()
