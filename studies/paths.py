"""What the paths of a trained network carry: ``python -m studies.paths``. The plan is paths.md, beside this file.

Writes resnext_lib/evidence/path_removal.csv (a row for every path, pair and control) and path_likeness.csv (a row for
every block of every network). Resumes where it stopped: a block that is in the file is not measured again.

    python -m studies.paths --data /usr/share/datasets/fashion-mnist      the four files of Fashion-MNIST
    python -m studies.paths --print                                       the analysis of what is there
"""

import copy
from statistics import median

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnext_lib import data
from resnext_lib.networks import small_resnext
from resnext_lib.statistics import interval
from resnext_lib.weights import load_weights
from studies import checkpoint
from studies.batch_norm import average_statistics
from studies.tables import Table, command

SEEDS, UNTRAINED, PAIRS = (0, 1), (0, 1, 2, 3, 4), 8
BATCH = 500
REMOVAL = (
    "seed",
    "block",
    "removed",
    "statistics",
    "pictures",
    "correct",
    "lost",
    "gained",
    "points_lost",
    "points_error",
    "loss",
    "loss_increase",
    "loss_error",
)
LIKENESS = (
    "network",
    "seed",
    "block",
    "mean_correlation",
    "mean_absolute_correlation",
    "largest_correlation",
    "effective_paths",
    "effective_rank",
    "reinforcement",
)


# ------------------------------------------------------------------ networks, pictures, layers


def trained(seed):
    """The network that ``studies.checkpoint`` trained with ``seed``, in eval mode."""
    return load_weights(small_resnext(), checkpoint.weights(seed)).eval()


def untrained(seed, images):
    """A network after initialisation, its batch norms with the statistics of ``images``."""
    torch.manual_seed(seed)
    return average_statistics(small_resnext(), images)


def names_of_blocks(network):
    return [name for name, module in network.named_modules() if hasattr(module, "conv3")]


def middle(block, x):
    """What the last 1x1 of a block reads: ``(N, width, H, W)``, path after path."""
    x = torch.relu(block.bn1(block.conv1(x)))
    return torch.relu(block.bn2(block.conv2(x)))


def folded(network):
    """A copy that computes the same with every batch norm folded into its convolution: half the time."""
    network = copy.deepcopy(network)
    for module in [network, *(network.get_submodule(name) for name in names_of_blocks(network))]:
        for number in "123":
            if hasattr(module, f"bn{number}"):
                convolution, norm = getattr(module, f"conv{number}"), getattr(module, f"bn{number}")
                setattr(module, f"conv{number}", fuse_conv_bn_eval(convolution, norm))
                setattr(module, f"bn{number}", nn.Identity())
        if getattr(module, "downsample", None) is not None:
            module.downsample = nn.Sequential(fuse_conv_bn_eval(*module.downsample))
    return network.to(memory_format=torch.channels_last)


def before(network, name, x):
    """The input of the block ``name``."""
    x = torch.relu(network.bn1(network.conv1(x)))
    for other in names_of_blocks(network):
        if other == name:
            return x
        x = network.get_submodule(other)(x)
    raise ValueError(f"no block is called {name}")


def after(network, name, x):
    """The logits, from the output of the block ``name``."""
    names = names_of_blocks(network)
    for other in names[names.index(name) + 1 :]:
        x = network.get_submodule(other)(x)
    return network.fc(network.avgpool(x).flatten(1))


# ------------------------------------------------------------------ statistics of the sum


@torch.inference_mode()
def moments_of_middles(network, images):
    """Mean ``(width,)`` and covariance ``(width, width)`` of what each block's last 1x1 reads, over pictures and places.

    From them follow mean and variance of the sum without any of its paths, without another pass.
    """
    fast = folded(network)
    names = names_of_blocks(fast)
    counts, totals, products = ({name: 0 for name in names} for _ in range(3))
    for batch in images.split(BATCH):
        x = before(fast, names[0], batch.contiguous(memory_format=torch.channels_last))
        for name in names:
            block = fast.get_submodule(name)
            h = middle(block, x)
            rows = h.movedim(1, -1).flatten(0, -2).double()
            counts[name] += len(rows)
            totals[name] = totals[name] + rows.sum(dim=0)
            products[name] = products[name] + rows.T @ rows
            x = torch.relu(block.conv3(h) + block.shortcut(x))
    means = {name: totals[name] / counts[name] for name in names}
    return {
        name: (means[name], (products[name] - counts[name] * torch.outer(means[name], means[name])) / (counts[name] - 1))
        for name in names
    }


def last_weight(block, removed):
    """The last 1x1 as a matrix ``(out, width)`` in float64, with the columns of the paths ``removed`` at 0."""
    weight = block.conv3.weight[:, :, 0, 0].detach().double().clone()
    width = block.width // block.cardinality
    for path in removed:
        weight[:, path * width : (path + 1) * width] = 0
    return weight


def last_layer(block, removed, moments=None):
    """The last 1x1 and its batch norm as one matrix and bias; with ``moments`` of the middle, statistics anew."""
    weight, norm = last_weight(block, removed), block.bn3
    if moments is None:
        mean, variance = norm.running_mean.double(), norm.running_var.double()
    else:
        mean, variance = weight @ moments[0], torch.einsum("ow,wv,ov->o", weight, moments[1], weight)
    scale = norm.weight.detach().double() / (variance + norm.eps).sqrt()
    return (weight * scale[:, None]).float()[:, :, None, None], (norm.bias.detach() - mean * scale).float()


# ------------------------------------------------------------------ removal


def variants(seed, block_number, cardinality):
    """The removals of a block as (paths, re-estimated): control, each path both ways, and pairs for the first seed."""
    generator = torch.Generator().manual_seed(0)
    pairs = [draw_pairs(cardinality, generator) for _ in range(block_number + 1)][-1] if seed == 0 else []
    single = [((path,), again) for path in range(cardinality) for again in (False, True)]
    return [((), True), *single, *((pair, True) for pair in pairs)]


def draw_pairs(cardinality, generator):
    """``PAIRS`` different pairs of different paths."""
    pairs = []
    while len(pairs) < PAIRS:
        pair = tuple(sorted(torch.randperm(cardinality, generator=generator)[:2].tolist()))
        if pair not in pairs:
            pairs.append(pair)
    return pairs


@torch.inference_mode()
def answers(network, name, layers, images, labels):
    """For each of ``layers``, put in the place of the block's last: which answers are right, and the losses.

    Returns two tensors ``(1 + len(layers), N)``; row 0 is the untouched network.
    """
    fast, block = folded(network), network.get_submodule(name)
    layers = [last_layer(block, ()), *layers]
    right, losses = [], []
    for x, wanted in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        x = before(fast, name, x.contiguous(memory_format=torch.channels_last))
        h, shortcut = middle(fast.get_submodule(name), x), fast.get_submodule(name).shortcut(x)
        logits = [after(fast, name, torch.relu(functional.conv2d(h, weight, bias) + shortcut)) for weight, bias in layers]
        right.append(torch.stack([row.argmax(dim=1) == wanted for row in logits]))
        losses.append(torch.stack([functional.cross_entropy(row, wanted, reduction="none") for row in logits]))
    return torch.cat(right, dim=1), torch.cat(losses, dim=1)


def scores(before_, after_, loss_before, loss_after):
    """Counts, points and losses of one removal against the untouched network, standard errors paired over pictures."""
    count = len(before_)
    lost, gained = (before_ & ~after_).sum().item(), (~before_ & after_).sum().item()
    change, increase = before_.double() - after_.double(), (loss_after - loss_before).double()
    return {
        "pictures": count,
        "correct": after_.sum().item(),
        "lost": lost,
        "gained": gained,
        "points_lost": round(100 * change.mean().item(), 3),
        "points_error": round(100 * change.std().item() / count**0.5, 3),
        "loss": round(loss_after.double().mean().item(), 5),
        "loss_increase": round(increase.mean().item(), 5),
        "loss_error": round(increase.std().item() / count**0.5, 5),
    }


def remove_in(network, seed, name, moments, test_images, labels):
    """The rows of one block; ``moments`` are those of its middle on the training pictures."""
    block = network.get_submodule(name)
    wanted = variants(seed, names_of_blocks(network).index(name), block.cardinality)
    layers = [last_layer(block, removed, moments if again else None) for removed, again in wanted]
    right, losses = answers(network, name, layers, test_images, labels)
    return [
        {
            "seed": seed,
            "block": name,
            "removed": "+".join(map(str, removed)) or "none",
            "statistics": "re-estimated" if again else "kept",
            **scores(right[0], right[n], losses[0], losses[n]),
        }
        for n, (removed, again) in enumerate(wanted, 1)
    ]


# ------------------------------------------------------------------ likeness


def likeness(block, covariance):
    """How alike the paths' contributions are, from the covariance of what the last 1x1 reads."""
    weight, width = last_weight(block, ()), block.width // block.cardinality
    cut = weight.unflatten(1, (block.cardinality, width))  # (out, C, d)
    blocks = covariance.unflatten(0, (-1, width)).unflatten(2, (-1, width))  # (C, d, C, d)
    products = torch.einsum("opi,piqj,oqj->pq", cut, blocks, cut)  # inner products of contributions
    sizes = products.diag().sqrt()
    correlation = products / torch.outer(sizes, sizes)
    others = correlation[~torch.eye(block.cardinality, dtype=bool)]
    channels = weight @ covariance @ weight.T
    return {
        "mean_correlation": round(others.mean().item(), 4),
        "mean_absolute_correlation": round(others.abs().mean().item(), 4),
        "largest_correlation": round(others.abs().max().item(), 4),
        "effective_paths": round(effective_number(correlation), 3),
        "effective_rank": round(effective_number(channels), 3),
        "reinforcement": round((products.sum() / products.diag().sum()).item(), 4),
    }


def effective_number(matrix):
    """The exponential of the entropy of the eigenvalues' shares: n for n equal ones, 1 for one alone."""
    shares = torch.linalg.eigvalsh(matrix).clamp(min=0)
    shares = shares / shares.sum()
    return torch.special.entr(shares).sum().exp().item()


# ------------------------------------------------------------------ the command


def measure(folder):
    train = data.fashion_subset("train")
    moments = data.mean_and_spread(train)
    test = data.fashion_mnist("test", folder)
    train_images, test_images = data.normalise(train.pixels, *moments), data.normalise(test.pixels, *moments)
    alike = Table("path_likeness", LIKENESS, "paths.md")
    removal = Table("path_removal", REMOVAL, "paths.md")
    networks = [("trained", seed, trained(seed)) for seed in SEEDS]
    for kind, seed, network in [*networks, *(("untrained", s, None) for s in UNTRAINED)]:
        if not alike.has(network=kind, seed=seed):
            network = network or untrained(seed, train_images)
            found = moments_of_middles(network, train_images)
            alike.add(
                [
                    {"network": kind, "seed": seed, "block": name, **likeness(network.get_submodule(name), covariance)}
                    for name, (_, covariance) in found.items()
                ]
            )
    for _, seed, network in networks:
        missing = [name for name in names_of_blocks(network) if not removal.has(seed=seed, block=name)]
        found = moments_of_middles(network, train_images) if missing else {}
        for name in missing:
            removal.add(remove_in(network, seed, name, found[name], test_images, test.labels))
            print("removed in", seed, name, flush=True)


def losses(rows, statistics):
    """The points lost of each single path, as ``{(block, path): (points, standard error, loss increase)}``."""
    columns = ("points_lost", "points_error", "loss_increase")
    return {
        (row["block"], int(row["removed"])): tuple(float(row[name]) for name in columns)
        for row in rows
        if row["statistics"] == statistics and row["removed"].isdigit()
    }


def report_removal(rows):
    """Questions 1 and 2: the numbers that the plan names, for each seed and both kinds of statistics."""
    for seed in sorted({row["seed"] for row in rows}):
        own = [row for row in rows if row["seed"] == seed]
        controls = {row["block"]: float(row["points_lost"]) for row in own if row["removed"] == "none"}
        print(f"seed {seed}: nothing removed, re-estimated: {controls}")
        for statistics in ("kept", "re-estimated"):
            found = losses(own, statistics)
            points = [value[0] for value in found.values()]
            worst = max(found, key=lambda key: found[key][0])
            small = sum(value[0] < 2 * value[1] for value in found.values())
            middles = {b: round(median(v[0] for k, v in found.items() if k[0] == b), 2) for b in controls}
            print(
                f"  {statistics}: {len(points)} paths, median {median(points):.2f}, largest {max(points):.2f} {worst}, "
                f"1 point or more: {sum(p >= 1 for p in points)}, 2 or more: {sum(p >= 2 for p in points)}, "
                f"below 2 standard errors: {small}; medians by block {middles}"
            )
        kept, again = losses(own, "kept"), losses(own, "re-estimated")
        large = [key for key in kept if kept[key][0] >= 1]
        halved = sum(again[key][0] < kept[key][0] / 2 for key in large)
        print(f"  of {len(large)} paths with 1 point or more, {halved} lose less than half of it once re-estimated")


def report_pairs(rows):
    """Question 3: the loss without both minus the two losses, in points and in test loss."""
    excess = []
    for row in rows:
        if "+" in row["removed"]:
            singles = losses([r for r in rows if r["seed"] == row["seed"]], "re-estimated")
            one, two = (singles[row["block"], int(path)] for path in row["removed"].split("+"))
            excess.append((float(row["points_lost"]) - one[0] - two[0], float(row["loss_increase"]) - one[2] - two[2]))
    for number, unit in enumerate(("points", "test loss")):
        if len(excess) > 1:
            middle_, half = interval([pair[number] for pair in excess])
            print(
                f"{len(excess)} pairs, both minus the sum of the two, {unit}: {middle_:.4f} +- {half:.4f}, above 0 in "
                f"{sum(pair[number] > 0 for pair in excess)}"
            )


def report_likeness(rows):
    """Question 4: for each block the range over trained and over untrained networks."""
    for block in dict.fromkeys(row["block"] for row in rows):
        for measure_ in LIKENESS[3:]:
            ranges = {
                kind: [float(r[measure_]) for r in rows if (r["network"], r["block"]) == (kind, block)]
                for kind in ("trained", "untrained")
            }
            print(f"{block} {measure_:26}", "  ".join(f"{k} {min(v):.3f} to {max(v):.3f}" for k, v in ranges.items() if v))


def report():
    removal, alike = (
        Table(name, columns, "paths.md").rows for name, columns in (("path_removal", REMOVAL), ("path_likeness", LIKENESS))
    )
    report_removal(removal)
    report_pairs(removal)
    report_likeness(alike)


def main(argv=None):
    command("studies.paths", __doc__, measure, report, argv)


if __name__ == "__main__":
    main()
