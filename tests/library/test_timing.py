"""The timer takes turns and reckons right, with a clock of the test's own."""

import json
import random
from dataclasses import dataclass, field

import pytest
import torch

from resnext_lib import timing
from resnext_lib.timing import compare, peak_memory


@dataclass
class Fake:
    """A clock that moves only when an arm runs: the arm called for the n-th time takes ``seconds[name][n]``."""

    seconds: dict
    now: float = 100.0
    calls: list = field(default_factory=list)

    def __call__(self):
        return self.now

    def arms(self):
        def arm(name):
            def call():
                self.now += self.seconds[name][sum(called == name for called in self.calls)]
                self.calls.append(name)

            return call

        return {name: arm(name) for name in self.seconds}


def timed(seconds, **options):
    clock = Fake(seconds)
    return compare(clock.arms(), clock=clock, **options), clock.calls


def rounds(names, pairs, **options):
    """The order of the arms in each round, without the warm-up."""
    _, calls = timed({name: [1] * (pairs + 1) for name in names}, pairs=pairs, warm_up=1, **options)
    assert "".join(calls[: len(names)]) == names  # the warm-up goes in order
    return ["".join(calls[i : i + len(names)]) for i in range(len(names), len(calls), len(names))]


def test_fault_10_each_round_has_an_order_of_its_own():
    """Every arm once a round, and in the rounds' beginnings and behind every other arm: no neighbours for life."""
    orders = rounds("abcd", 40)
    assert len(orders) == 40 and all(sorted(order) == list("abcd") for order in orders)
    assert {order[0] for order in orders} == set("abcd")
    behind = {(order[i], order[i + 1]) for order in orders for i in range(3)}
    assert behind == {(a, b) for a in "abcd" for b in "abcd" if a != b}


def test_fault_10_the_order_is_the_seeds():
    """Said again, the seed gives the same order; the caller's random numbers stay as they were."""
    state = random.getstate()
    assert rounds("abcd", 10) == rounds("abcd", 10, seed=0)
    assert rounds("abcd", 10) != rounds("abcd", 10, seed=1)
    assert random.getstate() == state


def test_a_rest_before_each_call_is_not_counted(monkeypatch):
    rests = []
    monkeypatch.setattr(timing.time, "sleep", rests.append)
    (a, _), _ = timed({"a": [1] * 3, "b": [1] * 3}, pairs=2, warm_up=1, pause=0.01)
    assert rests == [0.01] * 4 and a.median == 1


def test_median_spread_and_ratio():
    """Warm-up is not counted; an outlier moves neither the median nor the ratio."""
    (a, b), _ = timed({"a": [99, 1, 2, 3, 4, 1000], "b": [99, 6, 6, 6, 6, 6]}, pairs=5, warm_up=1)
    assert (a.name, a.median, a.ratio) == ("a", 3, 1)
    assert (b.name, b.median, b.ratio, b.spread) == ("b", 6, 2, 0)
    assert a.spread == 502 - 1.5  # quartiles of 1, 2, 3, 4, 1000


def test_circumstances_and_memory():
    (a,), calls = timed({"a": [1] * 4}, pairs=2, warm_up=1)
    assert a.threads == torch.get_num_threads() and a.device
    assert a.peak_memory is None and len(calls) == 3
    one = 4 * 1000 * 1000
    measured = compare({"one": lambda: torch.ones(1000, 1000)}, pairs=2, memory=True)[0]
    assert measured.peak_memory == one


def test_peak_memory_is_the_most_at_once_not_the_sum():
    def one_after_the_other():
        for _ in range(5):
            torch.ones(1000, 1000)

    def at_once():
        kept = [torch.ones(1000, 1000) for _ in range(5)]
        return len(kept)

    assert peak_memory(one_after_the_other) == 4_000_000
    assert peak_memory(at_once) == 20_000_000
    assert peak_memory(lambda: None) == 0


@pytest.mark.parametrize(
    ("arms", "options", "error", "words"),
    [
        ({}, {}, TypeError, "arms must be"),
        ([int], {}, TypeError, r"arms must be \{name: function without arguments\}: \[<class 'int'>\] will not do"),
        ({"a": int}, {"seed": 0.5}, TypeError, "seed must be a whole number such as 0, not 0.5"),
        ({"a": 3}, {}, TypeError, r"\['a'\] will not do"),
        ({"a": int}, {"pairs": 1}, ValueError, "pairs must be 2 or more, not 1"),
        ({"a": int}, {"pairs": 2.5}, TypeError, "pairs must be a whole number"),
        ({"a": int}, {"warm_up": 0}, ValueError, "warm_up must be 1 or more"),
    ],
)
def test_bad_arguments_are_named(arms, options, error, words):
    with pytest.raises(error, match=words):
        compare(arms, **options)


def test_memory_reads_the_profilers_own_events(monkeypatch):
    """Events come unordered; the running sum is by time."""
    events = [{"name": "[memory]", "ts": ts, "args": {"Bytes": size}} for ts, size in ((3, -5), (1, 5), (4, 1), (2, 1))]
    text = json.dumps({"traceEvents": [*events, {"name": "conv", "ts": 0}]})
    monkeypatch.setattr(timing.Path, "read_text", lambda *args, **options: text)
    assert peak_memory(lambda: None) == 6
