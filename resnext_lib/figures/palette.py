"""The colours, chosen here. Site, explorers, slides, logo and handout hold copies, which a test compares with these.

Each token means one thing: ``path`` is the path that is followed, or the 3x3; ``sum`` a sum or a shortcut; ``weight``
every other weight; ``ink`` lettering, arrows and outlines; ``line`` the lines of a grid; ``paper`` the ground and what
is written on ``path``; ``pale`` a 1x1's box; ``wash`` the ground under a marked window. Every token has a shade for
light pages and one for dark pages; figures are drawn in the light ones and carry both.
"""

LIGHT = {
    "ink": "#16191D",
    "path": "#00427F",
    "sum": "#A8500A",
    "weight": "#878D95",
    "line": "#C9CED5",
    "paper": "#FFFFFF",
    "pale": "#D5D9DE",
    "wash": "#D6E4F2",
}
DARK = {
    "ink": "#ECEEF1",
    "path": "#5FA8E8",
    "sum": "#FFC777",
    "weight": "#757C85",
    "line": "#3C434B",
    "paper": "#14181E",
    "pale": "#343B43",
    "wash": "#1E3348",
}

INK, PATH, SUM, WEIGHT, LINE, PAPER, PALE, WASH = LIGHT.values()
