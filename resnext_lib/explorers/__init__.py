"""Figures to play with. They need no kernel: a static picture and a table, and a script that brings them to life.

Where the script does not run (print, no JavaScript, an untrusted notebook), picture and table stay.
Every number is computed by the library, from live modules, or in the script's ``model(state)``, which the tests compare
with the library over all settings.
"""

from resnext_lib.explorers.budget import spend_a_budget
from resnext_lib.explorers.explorer import Explorer
from resnext_lib.explorers.groups import drag_the_groups
from resnext_lib.explorers.live import look_inside
from resnext_lib.explorers.seconds import where_the_time_goes
from resnext_lib.explorers.split import what_is_split
from resnext_lib.explorers.steps import inception_to_resnext
from resnext_lib.explorers.walk import walk_the_network
from resnext_lib.explorers.widths import numbers_to_choose

__all__ = [
    "Explorer",
    "drag_the_groups",
    "inception_to_resnext",
    "look_inside",
    "numbers_to_choose",
    "spend_a_budget",
    "walk_the_network",
    "what_is_split",
    "where_the_time_goes",
]
