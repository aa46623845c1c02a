"""The checks of chapter 10: operations are not seconds."""

from statistics import median

from resnext_lib.exercises.delegation import OWN_WORK, call
from resnext_lib.exercises.values import expect_near, near, number
from resnext_lib.exercises.verdicts import FUNCTION, check, expect


def draw_seconds(dice):
    """Pairs of lists of seconds, each with an interrupted call; of odd and of even length."""

    def arm(count, scale):
        return [scale * dice.randint(100, 140) / 16 for _ in range(count - 1)] + [scale * dice.randint(2000, 3000) / 16]

    return [(arm(n, 4), arm(m, 1)) for n, m in ((5, 5), (7, 7), (6, 6), (4, 5))]


@check(
    "statistics.median of each list, then divide",
    FUNCTION,
    takes="first, second",
    visible=(([8.0, 6.0, 90.0, 5.0, 6.5], [2.0, 1.0, 2.5, 40.0, 1.5]), ([1.0, 4.0, 2.0, 3.0], [1.0, 1.0])),
    hidden=draw_seconds,
    forbidden=OWN_WORK,
)
def times_as_fast(answer, cases):
    """A function from two lists of seconds to how many times as fast the second arm is, by medians."""
    for first, second in cases:
        given = number(call(answer, list(first), list(second)))
        right = median(first) / median(second)
        if near(given, right):
            continue
        if len(first) % 2:
            _name_another_middle(given, first, second)
        else:
            low, high = (sorted(first)[n] / median(second) for n in (len(first) // 2 - 1, len(first) // 2))
            expect(
                not near(given, low) and not near(given, high), "of four numbers the median is the mean of the middle two"
            )
        expect(False, f"for {first} and {second} it is {right:.2f}, not {given:.2f}")
    return "the median forgets the call that was interrupted."


def _name_another_middle(given, first, second):
    """Sentences for a mean, the fastest calls, a list as it came."""
    expect(not near(given, median(second) / median(first)), "the other way round: a faster second arm gives more than 1")
    means = sum(first) / len(first) / (sum(second) / len(second))
    expect(not near(given, means), "these are means; one interrupted call decides them")
    expect(not near(given, min(first) / min(second)), "the fastest calls are the luckiest ones: take the medians")
    ratios = median(a / b for a, b in zip(first, second, strict=False))
    expect(not near(given, ratios), "that is the median of the ratios; asked is the ratio of the medians")
    expect(
        not near(given, first[len(first) // 2] / second[len(second) // 2]),
        "the middle of the list as it came is not the median: sort it, or use median()",
    )


def draw_layers(dice):
    """Channels, kernel, side, groups of convolutions with as many channels out as in."""
    groups = [dice.choice((1, 2, 4, 8, 32)) for _ in range(6)]
    return [(g * dice.randint(2, 12), dice.choice((1, 3, 5, 7)), dice.randint(5, 60), g) for g in groups]


@check(
    "MACs = channels * channels / groups * kernel**2 * side**2; bytes = 4 * (input + weights + output)",
    FUNCTION,
    takes="channels, kernel, side, groups",
    visible=((64, 3, 14, 1), (64, 3, 14, 16), (128, 1, 7, 1)),
    hidden=draw_layers,
    forbidden=OWN_WORK,
)
def macs_a_byte(answer, cases):
    """A function of channels, kernel, side, groups to a convolution's MACs a byte."""
    for channels, kernel, side, groups in cases:
        given = number(call(answer, channels, kernel, side, groups))
        weights, maps = channels * channels // groups * kernel**2, channels * side**2
        macs = weights * side**2
        mistakes = {
            macs / (2 * maps + weights): "that is MACs a number; a number has 4 bytes",
            2 * macs / (4 * (2 * maps + weights)): "one MAC is one multiplication and one addition: count it once",
            macs * groups / (4 * (2 * maps + weights)): "with groups, each output reads only channels / groups inputs",
            macs / (4 * (2 * maps + weights * groups)): "a grouped convolution has fewer weights to fetch as well",
            macs / (4 * (maps + weights)): "the input moves, and so does the output",
            macs / (4 * 2 * maps): "the weights move as well",
        }
        right = macs / (4 * (2 * maps + weights))
        case = f"{channels} channels, {kernel}x{kernel}, side {side}, groups={groups}"
        expect_near(given, right, mistakes, f"{case}: {right:.2f} MACs a byte, not {given:.2f}")
    return "grouping divides the top of this fraction, and of the bottom only the weights."


def draw_roofs(dice):
    """Intensities on both sides of the ridge."""
    found = []
    for _ in range(3):
        peak, bandwidth = float(dice.randint(200, 900)), float(dice.randint(10, 60))
        found += [
            (dice.randint(2, 8) / 10 * peak / bandwidth, peak, bandwidth),
            (dice.randint(15, 80) / 10 * peak / bandwidth, peak, bandwidth),
        ]
    return found


@check(
    "the smaller of two limits: peak, and intensity * bandwidth",
    FUNCTION,
    takes="intensity, peak, bandwidth",
    visible=((0.5, 100.0, 20.0), (40.0, 100.0, 20.0), (5.0, 100.0, 20.0)),
    hidden=draw_roofs,
    forbidden=OWN_WORK,
)
def attainable(answer, cases):
    """A function of intensity, peak and bandwidth to the MACs a second that the roofline allows."""
    given = [number(call(answer, *case)) for case in cases]
    larger = [max(peak, intensity * bandwidth) for intensity, peak, bandwidth in cases]
    expect(not all(map(near, given, larger)), "the smaller limit decides, not the larger")
    for value, (intensity, peak, bandwidth) in zip(given, cases, strict=True):
        slope = intensity * bandwidth
        right = min(peak, slope)
        if near(value, right):
            continue
        expect(not near(value, peak), f"at {intensity} MACs a byte memory delivers less than the peak")
        expect(not near(value, slope), f"at {intensity} MACs a byte this passes the peak")
        expect(False, f"intensity {intensity}, peak {peak}, bandwidth {bandwidth}: {right:g}, not {value:g}")
    return "a slope, then a flat roof."


@check(
    "the rest takes 1 - share, the layer share / factor; the whole becomes 1 over their sum",
    FUNCTION,
    takes="share, factor",
    visible=((0.1, 10.0), (0.5, 2.0), (1.0, 3.0), (0.0, 5.0)),
    hidden=lambda dice: [(dice.randint(1, 19) / 20, dice.randint(3, 40) / 2) for _ in range(8)],
    forbidden=OWN_WORK,
)
def whole_speedup(answer, cases):
    """A function of a layer's share of the time and its speed-up to that of the whole network (Amdahl's law)."""
    for share, factor in cases:
        given = number(call(answer, share, factor))
        right = 1 / (1 - share + share / factor)
        mistakes = {
            1 - share + share / factor: "that is the time that is left; how many times as fast is 1 over it",
            share * factor: "the rest of the network takes its time as well",
            1 + share * (factor - 1): "add times, not speeds",
            factor: "only the layer became faster; the rest takes 1 - share as before",
        }
        expect_near(given, right, mistakes, f"share {share}, factor {factor}: {right:.3f}, not {given:.3f}")
    return "a tenth of the time, made infinitely fast, gives 1.11."
