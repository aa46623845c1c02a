"""A wrong argument is refused at construction, by its own name, with its value and what would work."""

from functools import partial

import numpy
import pytest
import torch
from randomness import without_data

from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.complexity import bottleneck_weights, count_parameters, layer_costs, width_for_budget
from resnext_lib.forms import FormA, FormB, FormC
from resnext_lib.networks import CifarResNeXt, GoogLeNet, ResNeXt, resnet50, resnext50_32x4d

resnext = partial(ResNeXt, (3, 4, 6, 3))
module_3a = dict(conv1x1=64, reduce3x3=96, conv3x3=128, reduce5x5=16, conv5x5=32, pool_projection=32)

# What is called, with what, the error, and what its message must name.
REFUSED = [
    (
        Bottleneck,
        (256, 130, 256, 32),
        ValueError,
        ("cardinality=32", "width=130", "cardinality=26", "width=128 or 160"),
    ),
    (Bottleneck, (256, 128, 256, 200), ValueError, ("cardinality=200", "cardinality=128", "width=200")),
    (Bottleneck, (256, 4, 256, 3), ValueError, ("cardinality=3", "cardinality=2", "width=3 or 6")),
    (FormA, (256, 130, 256, 32), ValueError, ("cardinality=32", "width=130", "cardinality=26")),
    (FormB, (256, 130, 256, 32), ValueError, ("cardinality=32", "width=130", "cardinality=26")),
    (FormC, (256, 130, 256, 32), ValueError, ("cardinality=32", "width=130", "cardinality=26")),
    (Bottleneck, (0, 64, 256), ValueError, ("in_channels=0", "1 or more")),
    (Bottleneck, (256, -64, 256), ValueError, ("width=-64", "1 or more")),
    (Bottleneck, (256, 64, 256, 1, 0), ValueError, ("stride=0", "1 or more")),
    (FormA, (256, 64, 256, 0), ValueError, ("cardinality=0", "1 or more")),
    (FormB, (256, 64, 0), ValueError, ("out_channels=0", "1 or more")),
    (Bottleneck, (256, 64, 256, "32"), TypeError, ("cardinality", "'32'", "whole number")),
    (Bottleneck, (256, 64.0, 256), TypeError, ("width", "64.0", "float")),
    (FormA, (256, 64, 256, True), TypeError, ("cardinality", "True", "bool")),
    (FormB, (256, 64, 256, 2.0), TypeError, ("cardinality", "2.0", "float")),
    (Bottleneck, (256, 64, None), TypeError, ("out_channels", "None")),
    (Bottleneck, (256, 64, 256, 1, (2, 2)), TypeError, ("stride", "(2, 2)", "tuple")),
    (Bottleneck, (256, numpy.array(64.0), 256), TypeError, ("width", "array(64.)", "whole number")),
    (Bottleneck, (256, torch.tensor(64.0), 256), TypeError, ("width", "tensor(64.)", "whole number")),
    (resnext, (0,), ValueError, ("cardinality=0", "1 or more")),
    (resnext, (32, 0), ValueError, ("bottleneck_width=0", "1 or more")),
    (resnext, (32, -4), ValueError, ("bottleneck_width=-4", "1 or more")),
    (resnext, ("32x4d",), TypeError, ("cardinality", "'32x4d'", "whole number")),
    (resnext, (32, 4.0), TypeError, ("bottleneck_width", "4.0", "float")),
    (resnext, (True, 4), TypeError, ("cardinality", "True", "bool")),
    (ResNeXt, (50,), TypeError, ("blocks_per_stage", "50", "(3, 4, 6, 3)")),
    (ResNeXt, ("3463",), TypeError, ("blocks_per_stage", "'3463'", "(3, 4, 6, 3)")),
    (ResNeXt, ((3, 4, 6),), ValueError, ("blocks_per_stage", "4 stages", "(3, 4, 6)", "(3, 4, 6, 3)")),
    (ResNeXt, ((3, 4, 0, 3),), ValueError, ("blocks_per_stage[2]=0", "1 or more")),
    (ResNeXt, ((3, 4, 6.0, 3),), TypeError, ("blocks_per_stage[2]", "6.0", "float")),
    (partial(resnet50, num_classes=0), (), ValueError, ("num_classes=0", "1 or more")),
    (partial(resnet50, num_classes="10"), (), TypeError, ("num_classes", "'10'")),
    (partial(resnext50_32x4d, image_channels=0), (), ValueError, ("image_channels=0", "1 or more")),
    (partial(resnext50_32x4d, image_channels=1.0), (), TypeError, ("image_channels", "1.0", "float")),
    (CifarResNeXt, (28,), ValueError, ("depth=28", "20 and 29")),
    (CifarResNeXt, (30,), ValueError, ("depth=30", "29 and 38")),
    (CifarResNeXt, (2,), ValueError, ("depth=2", "11 and 20")),
    (CifarResNeXt, (10,), ValueError, ("depth=10", "11 and 20")),
    (CifarResNeXt, (0,), ValueError, ("depth=0", "1 or more")),
    (CifarResNeXt, (29.0,), TypeError, ("depth", "29.0", "float")),
    (
        partial(CifarResNeXt, bottleneck_width=1, stage_widths=(16, 32, 64)),
        (),
        ValueError,
        ("bottleneck_width=1", "stage_width=16", "the smallest bottleneck_width that works is 4"),
    ),
    (
        partial(CifarResNeXt, bottleneck_width=2, stage_widths=(24, 48, 96)),
        (),
        ValueError,
        ("bottleneck_width=2", "stage_width=24", "the smallest bottleneck_width that works is 8"),
    ),
    (
        partial(CifarResNeXt, stage_widths=(64, 128)),
        (),
        ValueError,
        ("stage_widths", "3 stages", "(64, 128)", "(64, 128, 256)"),
    ),
    (partial(CifarResNeXt, stage_widths=(64, 128, 0)), (), ValueError, ("stage_widths[2]=0", "1 or more")),
    (partial(CifarResNeXt, num_classes=-1), (), ValueError, ("num_classes=-1", "1 or more")),
    (partial(GoogLeNet, num_classes=0), (), ValueError, ("num_classes=0", "1 or more")),
    (partial(GoogLeNet, image_channels="3"), (), TypeError, ("image_channels", "'3'")),
    (partial(GoogLeNet, large_kernel=4), (), ValueError, ("large_kernel", "odd", "4")),
    (partial(Inception, **module_3a), (0,), ValueError, ("in_channels=0", "1 or more")),
    (partial(Inception, **{**module_3a, "reduce5x5": 0}), (192,), ValueError, ("reduce5x5=0", "1 or more")),
    (partial(Inception, **{**module_3a, "conv3x3": 1.5}), (192,), TypeError, ("conv3x3", "1.5", "float")),
    (bottleneck_weights, (0, 4), ValueError, ("cardinality=0", "1 or more")),
    (bottleneck_weights, (32, 4.0), TypeError, ("group_width", "4.0", "float")),
    (width_for_budget, ("32",), TypeError, ("cardinality", "'32'")),
    (partial(layer_costs, torch.nn.Flatten()), ((3, 0, 8),), ValueError, ("input_shape[1]=0", "1 or more")),
    (partial(layer_costs, torch.nn.Flatten()), (224,), TypeError, ("input_shape", "224")),
]


@pytest.mark.parametrize(("call", "arguments", "error", "named"), REFUSED)
def test_a_wrong_argument_is_named_with_its_value_and_what_works(call, arguments, error, named):
    with pytest.raises(error) as caught:
        without_data(call, *arguments)
    missing = [words for words in named if words not in str(caught.value)]
    assert not missing, str(caught.value)


# What the errors recommend must be true: these are the neighbours that the messages above name.
RECOMMENDED = [
    (Bottleneck, (256, 130, 256, 26)),
    (Bottleneck, (256, 128, 256, 32)),
    (Bottleneck, (256, 160, 256, 32)),
    (Bottleneck, (256, 128, 256, 128)),
    (Bottleneck, (256, 200, 256, 200)),
    (Bottleneck, (256, 4, 256, 2)),
    (CifarResNeXt, (11,)),
    (CifarResNeXt, (20,)),
    (CifarResNeXt, (29,)),
    (CifarResNeXt, (38,)),
    (partial(CifarResNeXt, bottleneck_width=4, stage_widths=(16, 32, 64)), (11,)),
    (partial(CifarResNeXt, bottleneck_width=8, stage_widths=(24, 48, 96)), (11,)),
]


@pytest.mark.parametrize(("call", "arguments"), RECOMMENDED)
def test_what_the_errors_recommend_works(call, arguments):
    assert count_parameters(without_data(call, *arguments)) > 0


WRONG_IMAGES = [  # image_channels, shape of the images, what the message must name
    (3, (2, 1, 32, 32), ("image_channels=3", "(2, 1, 32, 32)", "(N, 3, H, W)")),
    (1, (2, 3, 32, 32), ("image_channels=1", "(2, 3, 32, 32)", "(N, 1, H, W)")),
    (3, (3, 32, 32), ("image_channels=3", "(3, 32, 32)", "unsqueeze(0)")),
    (3, (2, 32, 32, 3), ("image_channels=3", "(2, 32, 32, 3)")),
]
NETWORKS = [ResNeXt, CifarResNeXt, GoogLeNet]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("image_channels", "shape", "named"), WRONG_IMAGES)
def test_images_of_another_shape_are_refused_in_our_words(network, image_channels, shape, named):
    first = {ResNeXt: ((1, 1, 1, 1),), CifarResNeXt: (11,), GoogLeNet: ()}[network]
    built = without_data(network, *first, image_channels=image_channels)
    with pytest.raises(ValueError) as caught:
        built(torch.empty(shape, device="meta"))
    missing = [words for words in named if words not in str(caught.value)]
    assert not missing, str(caught.value)


@pytest.mark.parametrize("kind", [numpy.int64, numpy.int32, numpy.uint8, numpy.int8])
def test_numpy_integers_are_whole_numbers(kind):
    network = without_data(ResNeXt, numpy.array([3, 4, 6, 3]), kind(32), kind(4), image_channels=kind(3))
    assert count_parameters(network) == 25_028_904
    assert (type(network.cardinality), type(network.bottleneck_width)) == (int, int)
    assert count_parameters(without_data(CifarResNeXt, kind(29), kind(32), kind(4))) == 4_775_754
    for form in (FormA, FormB, FormC):
        assert count_parameters(without_data(form, kind(64), kind(64), kind(64), kind(32), kind(1))) == 9_728
