"""Every notebook that a test runs, the chapters first of all, runs without a network, with one thread beside others, and
with nobody's settings.

Where CI is set, nothing may be skipped.
"""

import gc
import os
import tempfile

from tools.kernels import apart_from_home
from tools.no_network import quiet_profile
from tools.sampling import beyond_the_sample

# Two workers whose kernels have two threads each wait for one another on two cores, up to 7 times as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

apart_from_home()
FOLDER = tempfile.TemporaryDirectory(prefix="ipython-")
os.environ["IPYTHONDIR"] = quiet_profile(FOLDER.name)


def pytest_addoption(parser):
    parser.addoption("--sample", action="store_true", help="of a test marked sampled(8) only 8 cases, evenly over its list")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--sample"):
        left_out = beyond_the_sample(items)
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def skipped_under_ci(config):
    """The tests that were skipped although CI is set, each with its reason. Workers of a parallel run say nothing."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(config, "workerinput"):
        return []
    return [f"{report.nodeid}: {report.longrepr[2]}" for report in reporter.stats.get("skipped", [])]


def pytest_sessionfinish(session):
    if skipped_under_ci(session.config) and session.exitstatus == 0:
        session.exitstatus = 1


def tell(reporter):
    """Print behind the run what tests recorded with ``record_property``. It blocks nothing."""
    reports = [report for found in reporter.stats.values() for report in found if getattr(report, "when", "") == "call"]
    for report in reports:
        for title, text in report.user_properties:
            reporter.section(title, sep="=")
            reporter.write(f"{text}\n")


def pytest_terminal_summary(terminalreporter, config):
    if not hasattr(config, "workerinput"):
        tell(terminalreporter)
    skipped = skipped_under_ci(config)
    if skipped:
        terminalreporter.section("CI is set, and there nothing may be skipped", sep="=", red=True)
        terminalreporter.write("".join(f"{line}\n" for line in skipped))


def pytest_unconfigure():
    FOLDER.cleanup()
    # After thousands of tests it takes a second to look for objects that only refer to one another. Once is enough: what
    # is left goes with the process, and pytest and Python, which would look again, find nothing to look at.
    gc.collect()
    gc.freeze()
