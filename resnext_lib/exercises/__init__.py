"""The checks of the exercises: each looks at an answer and says what is wrong, not only that it is.

A check returns a :class:`Verdict`, which prints as one line and is true when the answer is correct.
An answer that still is ``...`` gets a hint instead of a crash. No check changes the reader's objects.
``exercises.NAME.graded(answer, seed)`` is the same check with other inputs, drawn for grading.
"""

from resnext_lib.exercises.block import all_grouped, budget_width, path_reach, resnext_block, stage_widths
from resnext_lib.exercises.convolution import convolution_cost, miscounts, output_size, pointwise, receptive_field
from resnext_lib.exercises.descendants import frozen_network, se_parameters, steps_to_convnext, x_block
from resnext_lib.exercises.grouped import block_diagonal, groups_from_count, side_by_side, valid_groups
from resnext_lib.exercises.inception import common_factor, inception_3a, inception_channels, reduction_limit
from resnext_lib.exercises.network import first_difference, small_change, stage_parameters, write_a_test, wrong_networks
from resnext_lib.exercises.residual import bottleneck, count_depth, gradient_growth, projection_needed, sum_of_maps
from resnext_lib.exercises.speed import fold, times_as_fast, whole_speedup, why_slow
from resnext_lib.exercises.studies import all_positive, differences, no_paths, what_follows
from resnext_lib.exercises.three_forms import b_to_c_map, form_a, form_c_shapes, merge_last_layers
from resnext_lib.exercises.training import channel_moments, class_accuracy, only_path, paired_loss
from resnext_lib.exercises.verdicts import Verdict

__all__ = [
    "Verdict",
    "all_grouped",
    "all_positive",
    "b_to_c_map",
    "block_diagonal",
    "bottleneck",
    "budget_width",
    "channel_moments",
    "class_accuracy",
    "common_factor",
    "convolution_cost",
    "count_depth",
    "differences",
    "first_difference",
    "fold",
    "form_a",
    "form_c_shapes",
    "frozen_network",
    "gradient_growth",
    "groups_from_count",
    "inception_3a",
    "inception_channels",
    "merge_last_layers",
    "miscounts",
    "no_paths",
    "only_path",
    "output_size",
    "paired_loss",
    "path_reach",
    "pointwise",
    "projection_needed",
    "receptive_field",
    "reduction_limit",
    "resnext_block",
    "se_parameters",
    "side_by_side",
    "small_change",
    "stage_parameters",
    "stage_widths",
    "steps_to_convnext",
    "sum_of_maps",
    "times_as_fast",
    "valid_groups",
    "what_follows",
    "whole_speedup",
    "why_slow",
    "write_a_test",
    "wrong_networks",
    "x_block",
]
