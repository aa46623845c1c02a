"""Pictures drawn from live modules, so that a picture cannot disagree with the code.

All figures are 360 points wide and lettered at 12 points, which stays 12 px on a phone. Colours:
blue is the 3x3 and whatever is followed, orange a sum or a shortcut, grey every other weight.
Lettering is stored as outlines, so it looks the same without the font.
"""

from matplotlib.patches import Circle, Rectangle

from resnext_lib.figures.blocks import (
    Diagram,
    Node,
    block_diagram,
    box_size,
    diagram,
    diagram_height,
    draw_diagram,
    draw_node,
    draw_sum,
    drawn_layers,
    lane_rows,
    node_of,
)
from resnext_lib.figures.complete import complete_block
from resnext_lib.figures.costs import cost_bars, share_bars, two_costs
from resnext_lib.figures.drawing import LETTERING, ROW, WIDTH, canvas, draw_grid, line, panels, plot, text_width, write
from resnext_lib.figures.every_path import every_path
from resnext_lib.figures.family import cut_bars, numbers_to_choose, run_dots
from resnext_lib.figures.folding import folding
from resnext_lib.figures.forms import lanes, middle_masks
from resnext_lib.figures.matrices import (
    kernel_blocks,
    mask_blocks,
    mask_matrices,
    number_grids,
    opened_kernel,
    weight_matrix,
)
from resnext_lib.figures.networks import group_line, network_diagram, place_of, stage_trade, verdict_grid
from resnext_lib.figures.palette import INK, LINE, PALE, PAPER, PATH, SUM, WASH, WEIGHT
from resnext_lib.figures.paths import kept_and_estimated, likeness_by_block, losses_by_block, removed_path
from resnext_lib.figures.pictures import picture_grid
from resnext_lib.figures.reaching import reach, receptive_field, receptive_field_figure
from resnext_lib.figures.showing import figure, image, show, svg_text
from resnext_lib.figures.studies import difference_panels
from resnext_lib.figures.sums import norm_and_sum, sum_of_products
from resnext_lib.figures.training import channel_histograms, residual_stream
from resnext_lib.figures.wiring import connections, followed, wiring
