"""What holds for every size, on sizes that nobody chose: blocks and forms, networks, counts, the budget.

``make test`` draws 100 examples of each, ``make check-all`` 1,000 (the variable EXAMPLES). The draws are the same each time.
For invalid input: our words, which name the argument, raised by our code, and no layer was built before.
"""

import os
import traceback
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from randomness import random_tensor, randomise, without_data
from torch import nn
from torch.testing import assert_close

from resnext_lib import blocks, complexity, forms, networks

LIBRARY = Path(blocks.__file__).parent
EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
# No deadline: how long an example takes says nothing on a busy machine. No database: nothing is kept between runs.
drawn = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

SIZE = st.integers(1, 12)
# What is no positive whole number, of every kind that somebody passes by mistake.
WRONG = st.one_of(
    st.integers(max_value=0),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.lists(st.integers(1, 9), max_size=2),
    st.complex_numbers(),
    st.builds(torch.rand, st.integers(1, 3)),
)


@contextmanager
def nothing_built():
    """Fails when the block makes a layer that has weights."""
    made = []

    def note(kind):
        real = kind.__init__

        def noted(self, *arguments, **options):
            made.append(kind.__name__)
            real(self, *arguments, **options)

        return patch.object(kind, "__init__", noted)

    with note(nn.Conv2d), note(nn.Linear), note(nn.BatchNorm2d):
        yield
    assert made == []


def refuses(call, arguments, wrong, *words):
    """``call(**arguments)`` raises our error, with the argument's name in it and ``words``, and builds nothing."""
    with nothing_built(), pytest.raises((TypeError, ValueError)) as caught:
        call(**arguments)
    raised_in = Path(traceback.extract_tb(caught.value.__traceback__)[-1].filename)
    assert LIBRARY in raised_in.parents, f"{raised_in} raised {caught.value!r}"
    for word in (wrong, *words):
        assert word in str(caught.value)


# ------------------------------------------------------------------ blocks and forms


@st.composite
def block_sizes(draw):
    """The arguments of a block: unequal channels, any stride, with and without a projection."""
    cardinality = draw(st.integers(1, 6))
    in_channels = draw(SIZE)
    return dict(
        in_channels=in_channels,
        width=cardinality * draw(st.integers(1, 5)),
        out_channels=draw(st.one_of(st.just(in_channels), SIZE)),
        cardinality=cardinality,
        stride=draw(st.integers(1, 3)),
    )


@drawn
@given(sizes=block_sizes(), height=st.integers(1, 7), width=st.integers(1, 7), seed=st.integers(0, 99))
def test_the_three_forms_of_any_size_are_one_function(sizes, height, width, seed):
    form_a = randomise(forms.FormA(**sizes).double().eval(), seed)
    form_b, form_c = (made(**sizes).double().eval() for made in (forms.FormB, forms.FormC))
    form_b.load_state_dict(forms.a_to_b(form_a.state_dict()), strict=True)
    form_c.load_state_dict(forms.b_to_c(form_b.state_dict()), strict=True)
    x = random_tensor(2, sizes["in_channels"], height, width, seed=seed + 1)
    wanted = form_a(x)
    stride = sizes["stride"]
    assert wanted.shape == (2, sizes["out_channels"], -(-height // stride), -(-width // stride))
    for other in (form_b, form_c):
        assert_close(other(x), wanted, rtol=1e-10, atol=1e-10)
    back = forms.c_to_a(form_c.state_dict())
    assert list(back) == list(form_a.state_dict())
    for key, value in form_a.state_dict().items():
        assert torch.equal(back[key], value), key


@drawn
@given(sizes=block_sizes())
def test_every_form_has_the_weights_that_the_paper_counts(sizes):
    """C (in d + 9 d d + d out) in the convolutions, whatever the form; form B and C have the same batch norms."""
    c, d = sizes["cardinality"], sizes["width"] // sizes["cardinality"]
    wanted = c * (sizes["in_channels"] * d + 9 * d * d + d * sizes["out_channels"])
    for made in (forms.FormA, forms.FormB, forms.FormC):
        block = without_data(made, **sizes)
        shortcut = block.downsample[0].weight.numel() if block.downsample is not None else 0
        assert sum(m.weight.numel() for m in block.modules() if isinstance(m, nn.Conv2d)) == wanted + shortcut
        fits = sizes["stride"] == 1 and sizes["in_channels"] == sizes["out_channels"]
        assert (block.downsample is None) == fits


@drawn
@given(
    made=st.sampled_from((forms.FormA, forms.FormB, forms.FormC)),
    sizes=block_sizes(),
    name=st.sampled_from(("in_channels", "width", "out_channels", "cardinality", "stride")),
    wrong=WRONG,
)
def test_a_block_refuses_what_is_no_size(made, sizes, name, wrong):
    refuses(made, sizes | {name: wrong}, name)


@drawn
@given(made=st.sampled_from((forms.FormA, forms.FormB, forms.FormC)), sizes=block_sizes(), cardinality=st.integers(2, 40))
def test_a_block_refuses_unequal_paths(made, sizes, cardinality):
    assume(sizes["width"] % cardinality)
    refuses(made, sizes | {"cardinality": cardinality}, f"cardinality={cardinality}", f"width={sizes['width']}")


# ------------------------------------------------------------------ networks


@st.composite
def network_sizes(draw):
    return dict(
        blocks_per_stage=draw(st.tuples(*[st.integers(1, 2)] * 4)),
        cardinality=draw(st.integers(1, 6)),
        bottleneck_width=draw(st.integers(1, 8)),
        num_classes=draw(SIZE),
        image_channels=draw(st.integers(1, 4)),
    )


def stage_parameters(in_channels, width, out_channels, cardinality, count):
    """Of a stage whose first block has a projection, batch norms included."""
    total = 0
    for number in range(count):
        inside = in_channels if number == 0 else out_channels
        total += inside * width + 9 * width * width // cardinality + width * out_channels
        total += 2 * (2 * width + out_channels)
        total += inside * out_channels + 2 * out_channels if number == 0 else 0
    return total


@settings(drawn, max_examples=EXAMPLES // 4)  # a network takes as long to build as twenty blocks
@given(sizes=network_sizes(), height=st.integers(1, 70), width=st.integers(1, 70))
def test_a_resnext_of_any_size_has_what_its_five_numbers_say(sizes, height, width):
    network = without_data(networks.ResNeXt, **sizes).eval()
    c, classes, channels = sizes["cardinality"], sizes["num_classes"], sizes["image_channels"]
    wanted, into = channels * 64 * 49 + 2 * 64, 64
    for number, count in enumerate(sizes["blocks_per_stage"]):
        out = 256 * 2**number
        path = sizes["bottleneck_width"] * 2**number
        stage = getattr(network, f"layer{number + 1}")
        assert len(stage) == count and {block.conv2.groups for block in stage} == {c}
        assert {block.width for block in stage} == {c * path}
        wanted += stage_parameters(into, c * path, out, c, count)
        into = out
    assert complexity.count_parameters(network) == wanted + (2048 + 1) * classes
    costs = complexity.layer_costs(network, (channels, height, width))
    assert costs[-2].output_shape == (2048, 1, 1) and costs[-1].output_shape == (classes,)
    last = [cost for cost in costs if cost.name.endswith("conv3")][-1].output_shape
    assert last == (2048, network.last_map(height), network.last_map(width))


@drawn
@given(
    sizes=network_sizes(),
    name=st.sampled_from(("cardinality", "bottleneck_width", "num_classes", "image_channels", "blocks_per_stage")),
    wrong=WRONG,
)
def test_a_network_refuses_what_is_no_size(sizes, name, wrong):
    """Four blocks a stage in a list would do; WRONG has lists of at most two, and tensors of at most three."""
    refuses(networks.ResNeXt, sizes | {name: wrong}, name)


@drawn
@given(
    bottleneck_width=st.integers(1, 80),
    widths=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    round_down=st.booleans(),
)
def test_the_width_of_a_path_is_its_share_or_is_refused(bottleneck_width, widths, round_down):
    exact = [bottleneck_width * width / 64 for width in widths]
    if min(exact) < 1 or (not round_down and any(width % 1 for width in exact)):
        with pytest.raises(ValueError, match=f"bottleneck_width={bottleneck_width} "):
            networks.group_widths(bottleneck_width, widths, round_down)
    else:
        assert networks.group_widths(bottleneck_width, widths, round_down) == [int(width) for width in exact]


@drawn
@given(
    depth=st.integers(-3, 40),
    cardinality=st.integers(1, 4),
    bottleneck_width=st.integers(1, 40),
    stage_widths=st.lists(st.integers(1, 40), max_size=4),
    round_down=st.booleans(),
)
def test_a_cifar_network_is_built_whole_or_refused(depth, cardinality, bottleneck_width, stage_widths, round_down):
    sizes = dict(depth=depth, cardinality=cardinality, bottleneck_width=bottleneck_width)
    sizes |= dict(stage_widths=stage_widths, round_down=round_down)
    shares = [bottleneck_width * width / 64 for width in stage_widths]
    if depth < 11 or (depth - 2) % 9:
        refuses(networks.CifarResNeXt, sizes, "depth", str(depth))
    elif len(stage_widths) != 3:
        refuses(networks.CifarResNeXt, sizes, "stage_widths")
    elif min(shares) < 1 or (not round_down and any(share % 1 for share in shares)):
        refuses(networks.CifarResNeXt, sizes, f"bottleneck_width={bottleneck_width}")
    else:
        network = without_data(networks.CifarResNeXt, **sizes)
        stages = [network.layer1, network.layer2, network.layer3]
        assert [len(stage) for stage in stages] == [(depth - 2) // 9] * 3
        assert [stage[0].width for stage in stages] == [cardinality * int(share) for share in shares]


# ------------------------------------------------------------------ counts, and the budget


@drawn
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    groups=st.integers(1, 4),
    per_group=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    bias=st.booleans(),
    size=st.tuples(st.integers(5, 11), st.integers(5, 11)),
)
def test_the_cost_of_any_convolution(kernel, stride, groups, per_group, bias, size):
    """Counted by what is computed: a convolution of ones over ones adds up as many products as it has MACs."""
    into, out = per_group
    layer = nn.Conv2d(groups * into, groups * out, kernel, stride, groups=groups, bias=bias)
    parameters, macs = complexity.count_parameters(layer), complexity.count_macs(layer, (groups * into, *size))
    with torch.no_grad():
        layer.weight.fill_(1)
        if bias:
            layer.bias.zero_()
        made = layer(torch.ones(1, groups * into, *size))
    assert macs == made.sum().item() and complexity.count_activations(layer, (groups * into, *size)) == made.numel()
    assert parameters == groups * out * (into * kernel * kernel + bias)


@drawn
@given(sizes=block_sizes(), size=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_costs_add_up_and_leave_the_block_alone(sizes, size):
    block = forms.FormC(**sizes)
    before = {key: value.clone() for key, value in block.state_dict().items()}
    costs = complexity.layer_costs(block, (sizes["in_channels"], *size))
    assert sum(cost.parameters for cost in costs) == complexity.count_parameters(block)
    assert sum(cost.macs for cost in costs) == complexity.count_macs(block, (sizes["in_channels"], *size))
    stages = complexity.stage_costs(block, (sizes["in_channels"], *size))
    assert sum(stage.macs for stage in stages.values()) == sum(cost.macs for cost in costs)
    assert block.training and all(torch.equal(before[key], value) for key, value in block.state_dict().items())


@drawn
@given(cardinality=st.integers(1, 300), budget=st.integers(1, 200_000), channels=st.integers(1, 600))
def test_no_width_comes_nearer_to_the_budget(cardinality, budget, channels):
    def miss(width):
        return abs(complexity.bottleneck_weights(cardinality, width, channels) - budget) if width else budget

    try:
        found = complexity.width_for_budget(cardinality, budget, channels)
    except ValueError as error:
        assert miss(0) < miss(1)
        most = int(str(error).rpartition(" is ")[2])
        assert f"cardinality={cardinality} cannot keep budget={budget}" in str(error) and most < cardinality
        assert most == 0 or complexity.width_for_budget(most, budget, channels) == 1
        with pytest.raises(ValueError, match="cannot keep"):
            complexity.width_for_budget(most + 1, budget, channels)
    else:
        assert found >= 1 and miss(found) <= min(miss(max(found - 1, 1)), miss(found + 1))
        assert cardinality * found <= complexity.width_limit(budget, channels) + cardinality


@drawn
@given(
    call=st.sampled_from((complexity.width_for_budget, complexity.bottleneck_weights, complexity.width_limit)),
    which=st.integers(0, 2),
    wrong=WRONG,
)
def test_the_budget_refuses_what_is_no_size(call, which, wrong):
    names = {
        complexity.width_for_budget: ("cardinality", "budget", "channels"),
        complexity.bottleneck_weights: ("cardinality", "group_width", "channels"),
        complexity.width_limit: ("budget", "channels", "budget"),
    }[call]
    refuses(call, dict.fromkeys(names, 4) | {names[which]: wrong}, names[which])


@drawn
@given(
    shape=st.one_of(WRONG, st.lists(st.one_of(st.integers(-2, 9), WRONG), max_size=4)),
    count=st.sampled_from((complexity.count_macs, complexity.layer_costs, complexity.stage_costs)),
)
@example(shape=[torch.zeros(2), 0, 0], count=complexity.count_macs)  # a tensor has no one answer to "is it 4?"
def test_a_count_refuses_what_is_no_shape(shape, count):
    """A shape that fits, three sizes with four channels, is none of these."""
    assume(not (isinstance(shape, list) and len(shape) == 3 and isinstance(shape[0], int) and shape[0] == 4))
    block = forms.FormC(4, 4, 4)
    with pytest.raises((TypeError, ValueError), match="input_shape"):
        count(block, shape)
