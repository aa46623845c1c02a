"""Where the time goes: what was counted and what was measured of one 3×3 in more and more groups."""

from resnext_lib import figures
from resnext_lib.explorers.explorer import Explorer
from resnext_lib.figures.palette import INK, PATH
from resnext_lib.published import evidence

CAPTION = (
    "Multiply-adds as they are counted and seconds as they were measured, for the same 3×3 in 1 to 128 groups, "
    "with the routine that ran."
)
LAYOUTS = ("channels-first", "channels-last")


def measured() -> dict:
    """``{threads: {layout: rows}}`` of the evidence, a row a number of groups, time as a share of the time with 1 group."""
    found = {}
    for row in evidence("speed_groups"):
        rows = found.setdefault(row["threads"], {layout: [] for layout in LAYOUTS})[row["layout"]]
        seconds = float(row["median"])
        rows.append(
            dict(
                groups=int(row["groups"]),
                macs=int(row["macs"]),
                written=int(row["written"]),
                kernel=row["kernel"],
                time=seconds,
            )
        )
    for layouts in found.values():
        for rows in layouts.values():
            dense = next(row["time"] for row in rows if row["groups"] == 1)
            for row in rows:
                row["time"] = round(row["time"] / dense, 4)
    return found


def _still(rows):
    """Time against groups, both on logarithmic scales, with the promise of the counts."""
    fig, axes = figures.plot(height=240, left=70, right=20)
    groups = [row["groups"] for row in rows]
    axes.loglog(groups, [1 / g for g in groups], "--", color=INK, linewidth=1.2)
    axes.loglog(groups, [row["time"] for row in rows], "o-", color=PATH, linewidth=2)
    axes.set_xticks(groups, [str(g) for g in groups])
    shares = [1, 0.1, 0.01]
    axes.set_yticks(shares, ["1", "1/10", "1/100"])
    axes.minorticks_off()
    axes.set_xlabel("groups (dashed: multiply-adds, solid: time)")
    axes.set_ylabel("share")
    return fig


def where_the_time_goes() -> Explorer:
    """One 3x3 in 1 to 128 groups: measured time beside the counts, and the routine that the library ran."""
    found = measured()
    threads = max(found, key=int)
    first, last = (found[threads][layout] for layout in LAYOUTS)
    rows = [["groups", "MACs", "numbers written", "time", "routine", "channels-last: time", "routine"]]
    for one, other in zip(first, last, strict=True):
        shown = [
            cell
            for row in (one, other)
            for cell in (
                f"{100 * row['time']:.0f} %" if row["time"] >= 0.095 else f"{100 * row['time']:.1f} %",
                row["kernel"],
            )
        ]
        rows.append([one["groups"], one["macs"], one["written"], *shown])
    alt = (
        "Time and multiply-adds against the number of groups, both on logarithmic scales. The dashed line of the "
        "multiply-adds falls evenly to a 128th. The measured line follows it at first and then stays far above it."
    )
    setup = evidence("speed_groups")[0]
    heading = (
        f"One 3×3 of 128 channels on 56×56, counts for an image; {threads} threads, batches of {setup['batch']}, "
        f"{setup['processor']}"
    )
    data = dict(measured=found, layouts=LAYOUTS, batch=int(setup["batch"]), processor=setup["processor"])
    return Explorer("where_the_time_goes", _still(first), alt, CAPTION, heading, rows, data)
