"""``@pytest.mark.sampled(8)``: of this test's cases `make test` runs 8, and `make check-all` all of them."""

import pytest


def places(count, length):
    """``count`` of ``length`` places, evenly over them; all where there are fewer."""
    return {round((place + 0.5) * length / count - 0.5) for place in range(count)}


def leave_the_rest_to_check_all(items):
    """Mark as slow what the samples leave out. Cases that are slow anyway are no part of a sample."""
    cases = {}
    for item in items:
        marked = item.get_closest_marker("sampled")
        if marked and not item.get_closest_marker("slow"):
            cases.setdefault((item.parent.nodeid, item.originalname, *marked.args), []).append(item)
    for (*_, count), listed in cases.items():
        kept = places(count, len(listed))
        for place, item in enumerate(listed):
            if place not in kept:
                item.add_marker(pytest.mark.slow)
