"""``@pytest.mark.sampled(8)``: of this test's cases ``pytest --sample`` runs 8; without it all are run."""


def places(count, length):
    """``count`` of ``length`` places, evenly over them; all where there are fewer."""
    return {round((place + 0.5) * length / count - 0.5) for place in range(count)}


def beyond_the_sample(items):
    """The cases that a sample leaves out. Those marked slow are no part of one: they would be left out in any case."""
    cases = {}
    for item in items:
        marked = item.get_closest_marker("sampled")
        if marked and not item.get_closest_marker("slow"):
            cases.setdefault((item.parent.nodeid, item.originalname, *marked.args), []).append(item)
    return [
        item
        for (*_, count), listed in cases.items()
        for place, item in enumerate(listed)
        if place not in places(count, len(listed))
    ]
