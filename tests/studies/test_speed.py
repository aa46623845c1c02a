"""The timings' program: it reads oneDNN's log, compares outputs, resumes, and writes no row that contradicts itself."""

import csv
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from resnext_lib import complexity, networks
from resnext_lib.published import evidence
from studies import arms, int8, kernels, machine, rows, speed
from studies.kernels import Spec

ROOT = Path(__file__).resolve().parents[2]
HERE = {"pairs": "2", "seed": "0", "clock": "wall", "load": "0.00", "processor": "P", "instructions": "I", "versions": "V"}

# ------------------------------------------------------------------ the log

HEADER = (
    "onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation,prop_kind,memory_descriptors,"
    "attributes,auxiliary,problem_desc,exec_time"
)
LINES = {  # as oneDNN 3.12 wrote them on a processor with AVX2
    "reorder": "onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:abcd::f0 "
    "dst:f32::blocked:aBcd8b::f0,attr-scratchpad:user,,8x128x56x56,17.7061",
    "direct": "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,forward_training,src:f32:a:blocked:aBcd8b::f0 "
    "wei:f32:a:blocked:ABcd8b8a::f0 bia:undef::undef::: dst:f32:a:blocked:aBcd8b::f0,attr-scratchpad:user,"
    "alg:convolution_direct,mb8_ic128oc128_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1,208.752",
    "products": "onednn_verbose,v1,primitive,exec,cpu,convolution,x64:gemm:jit,forward_training,src:f32:a:blocked:abcd::f0 "
    "wei:f32:a:blocked:abcde::f0 bia:undef::undef::: dst:f32:a:blocked:abcd::f0,attr-scratchpad:user,"
    "alg:convolution_direct,g32mb8_ic128oc128_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1,104.805",
}
NOISE = [
    "onednn_verbose,v1,info,cpu,isa:Intel AVX2",
    "another program's line",
    "onednn_verbose,v1,graph,info,template:operation,engine,partition_id,exec_time",
]
DENSE = Spec(128, 128, 3, 1, 1, 1, 8, 56)


def log(*lines, header=HEADER):
    return "\n".join([header, *lines]) + "\n"


def test_the_log_is_read_call_by_call():
    first, second, third = kernels.parse(log(*NOISE, LINES["reorder"], LINES["direct"], LINES["products"]))
    assert (first.primitive, first.sizes, first.milliseconds) == ("reorder", {}, 17.7061)
    assert (second.implementation, second.kind, second.milliseconds) == ("jit:avx2", "direct", 208.752)
    assert {key: second.sizes[key] for key in ("g", "mb", "ic", "oc", "ih", "kh")} == {
        "g": 1,
        "mb": 8,
        "ic": 128,
        "oc": 128,
        "ih": 56,
        "kh": 3,
    }
    assert (third.kind, third.sizes["g"]) == ("matrix products", 32)


def test_the_logs_columns_go_by_their_header_not_by_their_place():
    """Another version of oneDNN has other columns."""
    names = HEADER.partition("template:")[2].split(",")
    values = LINES["direct"].partition(",primitive,")[2].split(",")
    header = f"{HEADER.partition('template:')[0]}template:{','.join(reversed(names))}"
    line = f"onednn_verbose,v2,primitive,{','.join(reversed(values))}".replace("primitive,", "primitive,exec,", 1)
    line = line.removesuffix(",exec")
    header = header.replace("template:", "template:operation,").removesuffix(",operation")
    assert kernels.parse(log(line, header=header)) == kernels.parse(log(LINES["direct"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LINES["direct"], "a call before the header"),
        (log(LINES["direct"] + ",more"), "11 values for the 10 columns"),
    ],
)
def test_a_log_that_cannot_be_read_is_not_guessed_at(text, words):
    with pytest.raises(ValueError, match=words):
        kernels.parse(text)


@pytest.mark.parametrize(
    ("implementation", "kind"),
    [
        ("jit:avx2", "direct"),
        ("jit:avx512_core", "direct"),
        ("jit_1x1:avx2", "direct 1x1"),
        ("x64:gemm:jit", "matrix products"),
        ("brg_conv_fwd:avx2", "blocked matrix products"),
        ("brgconv:avx512_core", "blocked matrix products"),
        ("brgconv_1x1:avx512_core", "blocked matrix products"),
        ("jit_dw:avx2", "depthwise"),
        ("brdgmm_dw:avx2", "depthwise"),
        ("ref:any", "plain loops"),
        ("acl:any", "acl:any"),
    ],
)
def test_routines_have_a_kind_and_an_unknown_one_its_own_name(implementation, kind):
    assert kernels.Call("convolution", implementation, {}, 1.0).kind == kind


def test_a_layers_routine_and_rearrangements():
    found = kernels.by_layer(log(f"layer a b\n{LINES['reorder']}", LINES["direct"], LINES["reorder"], "layer c"))
    assert list(found) == ["a b", "c"]
    assert kernels._verdict("a b", DENSE, found["a b"]) == ("jit:avx2", "direct", 2)
    assert kernels._verdict("c", DENSE, found["c"]) == ("not oneDNN", "not oneDNN", 0)


@pytest.mark.parametrize("lines", [["products"], ["direct", "direct"]])
def test_a_log_of_another_layer_is_refused(lines):
    with pytest.raises(ValueError, match="x: oneDNN's log tells of"):
        kernels._verdict("x", DENSE, kernels.parse(log(*(LINES[line] for line in lines))))


@pytest.mark.slow
@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN, so there is no log")
def test_a_child_process_keeps_the_log_of_this_machine():
    """Every layer is answered, in order, and the depthwise one has a routine of its own."""
    specs = {f"groups={g}": Spec(32, 32, 3, 1, 1, g, 2, 14) for g in (1, 32)}
    found = kernels.kernels(specs, threads=1)
    assert list(found) == list(specs) and all(implementation for implementation, _, _ in found.values())
    assert found["groups=1"][1] != found["groups=32"][1]
    with pytest.raises(RuntimeError, match="the child process that keeps oneDNN's log failed"):
        kernels.kernels({"impossible": Spec(3, 4, 3, 1, 1, 2, 1, 9)}, threads=1)


# ------------------------------------------------------------------ rows that contradict themselves


def row(arm, median, ratio, **others):
    return {
        "section": "s",
        "threads": "2",
        "batch": "8",
        "arm": arm,
        "median": median,
        "spread": "0.01",
        "ratio": ratio,
        "difference": "",
        "bound": "",
    } | others


def test_rows_that_hold_have_nothing_against_them():
    assert not speed.contradictions(
        [
            row("a", "0.5000", "1.0000"),
            row("b", "0.4350", "0.8700"),
            row("c", "0.3333", "0.6666", difference="1e-7", bound="0.0001"),
            row("a", "2.000", "1.0000", threads="1"),
            row("b", "1.000", "0.5000", threads="1"),
        ]
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (row("b", "0.4350", "0.8720"), "ratio 0.8720, but the medians give 0.8700"),
        (row("b", "0.4350", "1.1494"), "ratio 1.1494"),  # turned round
        (row("b", "0.4530", "0.8700"), "ratio 0.8700"),  # two digits of the median exchanged
        (row("b", "0", "0.8700"), "a median must be above 0"),
        (row("b", "0.4350", "0.8700", spread="-0.1"), "a spread not below"),
        (row("b", "0.4350", "0.8700", difference="0.01", bound="0.0001"), "outputs differ by 0.01"),
        (row("b", "0.4350", "0.8700", difference="nan", bound="0.0001"), "outputs differ by nan"),
        (row("b", "0.4350", "nan"), "ratio nan"),
    ],
)
def test_fault_11c_a_row_that_contradicts_itself_is_caught(wrong, words):
    (complaint,) = speed.contradictions([row("a", "0.5000", "1.0000"), wrong])
    assert words in complaint


def test_fault_11c_the_first_arms_ratio_is_one():
    assert "ratio 1.0001" in speed.contradictions([row("a", "0.5000", "1.0001")])[0]


@pytest.mark.parametrize("path", sorted(speed.EVIDENCE.glob("speed*.csv")), ids=lambda path: path.stem)
def test_fault_11c_no_timing_of_the_book_contradicts_itself(path):
    """And each of them would be caught if one of its ratios were off by a fiftieth."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    if path.stem == "speed_profile":
        assert all(0 < float(one["share"]) < 1 for one in found)
        return
    section = "group" if path.stem == "speed" else "section"
    assert speed.contradictions(found, section) == []
    for number, one in enumerate(found):
        changed = [*found[:number], one | {"ratio": f"{1.02 * float(one['ratio']) + 2e-4:.4f}"}, *found[number + 1 :]]
        assert len(speed.contradictions(changed, section)) == 1, one["arm"]


def test_a_file_of_timings_is_whole_and_from_one_machine():
    """Each file that is there: all its sections, one processor, one set of versions, today's counts."""
    for path in sorted(speed.EVIDENCE.glob("speed_*.csv")):
        group = path.stem.removeprefix("speed_")
        assert complaints_about(group, rows.read(path, speed.columns(group)), arms.FULL) == [], path.name


def complaints_about(group, found, size):
    """What a file of timings lacks, mixes, or counts otherwise than today's library."""
    complaints = [
        f"{len(values)} values of {name}"
        for name in ("processor", "instructions", "versions", "clock")
        if len(values := {one[name] for one in found}) != 1
    ]
    if group == "profile":
        return complaints
    planned, there = (
        [section.name for section in speed.GROUPS[group].sections],
        list(dict.fromkeys(one["section"] for one in found)),
    )
    complaints += [] if there == planned else [f"sections {there}, planned {planned}"]
    return complaints + [complaint for one in found for complaint in recount(one, group, size)]


def recount(one, group, size):
    """What the counts of a row say against today's library."""
    if group == "networks":
        path = {"ResNet-50": (1, 64), "ResNeXt-50": (32, 4)}[one["arm"]]
        network, image = networks.ResNeXt(size.blocks, *path), (3, size.side, size.side)
        counts = {
            "parameters": complexity.count_parameters(network),
            "macs": complexity.count_macs(network, image),
            "written": complexity.count_activations(network, image),
        }
    elif group == "groups":
        maps = size.sweep_channels * size.sweep_side**2
        counts = {"macs": 9 * size.sweep_channels * maps // int(one["groups"]), "written": maps}
    else:
        return []
    return [f"{one['arm']}: {name} {one[name]}, today {count}" for name, count in counts.items() if one[name] != str(count)]


# ------------------------------------------------------------------ the arms


@pytest.fixture(scope="module")
def rungs():
    """The ladder in small sizes; without the compiled rung, which takes as long as all others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arms.shutil, "which", lambda name: None)
        return arms.ladder(arms.DRY, threads=1, batch=2)


@pytest.mark.slow
def test_the_rungs_of_the_ladder_compute_the_same(rungs):
    assert list(rungs)[:3] == ["torchvision", "timm", "ours"] and list(rungs)[-2:] == ["ONNX Runtime", "OpenVINO"]
    first = rungs["torchvision"].output
    assert first.shape == (2, 1000) and first.std() > 0
    for name, arm in rungs.items():
        assert speed.difference(arm.output, first) <= arm.bound == (5e-2 if "bfloat16" in name else 1e-4), name
        timed = arm.call()  # what is timed is what was compared; OpenVINO gives its outputs by number
        timed = timed if torch.is_tensor(timed) else torch.as_tensor(timed[0])
        assert speed.difference(timed, first) <= arm.bound, name


@pytest.mark.slow
def test_the_rungs_are_not_equal_by_chance(rungs):
    """Other weights, and a batch norm folded wrongly, are far outside the bound."""
    x, network = arms.images(2, arms.DRY.side), arms.three_networks(arms.DRY)["ours"].eval()
    network.layer3[0].bn2.running_mean += 0.1
    assert speed.difference(arms.eager(network, x).output, rungs["torchvision"].output) > 10 * arms.SAME


COMPILED = """
from studies import arms, speed

x, network = arms.images(2, arms.DRY.side), arms.three_networks(arms.DRY)["ours"].eval()
arm = arms.compiled(network, x)
assert speed.difference(arm.output, arms.eager(network, x).output) <= arm.bound == arms.SAME
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_the_compiled_rung_computes_the_same():
    """In a process of its own: torch's compiler asks for setuptools' distutils, which is not to be had beside pip."""
    done = subprocess.run([sys.executable, "-c", COMPILED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_a_step_of_training_has_the_same_gradient_in_all_arms():
    made = arms.training(arms.DRY, threads=1, batch=4)
    first = made["torchvision"].output
    assert {"torchvision", "ours", "channels-last"} <= set(made) and first.abs().max() > 0
    assert all(speed.difference(arm.output, first) <= arm.bound for arm in made.values() if arm.bound)
    assert torch.equal(made["ours"].output, first)
    other = arms.step(arms.three_networks(arms.DRY, cardinality=1, bottleneck_width=128)["ours"], arms.images(4, 32))
    assert speed.difference(other.output, first) > 10 * arms.SAME_GRADIENT  # the bound does not let another network pass


@pytest.mark.slow
def test_the_int8_network_is_one_and_keeps_its_accuracy():
    """In eight bits the outputs differ and the answers nearly all stay; no test picture sets a range."""
    size = arms.Size(pictures=200)
    made = int8.int8_arms(size, threads=1, batch=50)
    exact, coarse = (made[name] for name in ("ONNX Runtime", "ONNX Runtime, int8"))
    assert made["folded"].facts == exact.facts == made["eager"].facts
    assert 1e-3 < speed.difference(coarse.output, exact.output) < 0.2
    assert coarse.facts["changed_answers"] <= 6 and abs(coarse.facts["correct"] - exact.facts["correct"]) <= 4
    assert exact.facts["correct"] > 160


# ------------------------------------------------------------------ the program


@pytest.mark.slow
def test_a_rehearsal_writes_files_like_the_measurements(tmp_path, capsys):
    """In small sizes, with every column filled and counts that the library confirms."""
    speed.main(["networks", "groups", "profile", "--dry", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [
        f"speed_{group}.csv" for group in ("groups", "networks", "profile")
    ]
    for group in ("networks", "groups"):
        found = rows.read(tmp_path / f"speed_{group}.csv", speed.columns(group))
        assert speed.contradictions(found) == [] == complaints_about(group, found, arms.DRY)
        changed = [found[0] | {"macs": "1"}, *found[1:-1], found[-1] | {"versions": "others", "section": "another"}]
        assert len(complaints_about(group, changed, arms.DRY)) == 3
        empty = {name for one in found for name, value in one.items() if value == ""}
        assert empty == {"difference", "bound"}  # these arms compute different things
    shares = rows.read(tmp_path / "speed_profile.csv", speed.PROFILE)
    assert {one["network"] for one in shares} == {"torchvision", "folded"}
    assert "batch_norm" not in "".join(one["operation"] for one in shares if one["network"] == "folded")


def counting(monkeypatch, fail_at=None, output=1.0):
    """Two sections whose arms do nothing; returns the list of those that were made."""
    made = []

    def make(size, threads, batch):
        if batch == fail_at:
            raise KeyboardInterrupt
        made.append(batch)
        value = torch.ones(3)
        return {"a": arms.Arm(lambda: sum(range(1000)), value, 1e-4), "b": arms.Arm(lambda: 1, output * value, 1e-4)}

    monkeypatch.setitem(speed.GROUPS, "ladder", speed.Group(speed.sections(make, (1, 8, 3), (1, 1, 3)), ()))
    return made


def test_a_stopped_run_goes_on_behind_the_last_section(tmp_path, monkeypatch, capsys):
    made, path = counting(monkeypatch, fail_at=1), tmp_path / "speed_ladder.csv"
    with pytest.raises(KeyboardInterrupt):
        speed.run("ladder", tmp_path)
    assert made == [8] and len(rows.read(path, speed.columns("ladder"))) == 2
    before, made = path.read_text(encoding="utf-8"), counting(monkeypatch)
    speed.run("ladder", tmp_path)
    after = path.read_text(encoding="utf-8")
    assert made == [1] and after.startswith(before) and len(after.splitlines()) == 5
    speed.run("ladder", tmp_path)
    assert made == [1] and path.read_text(encoding="utf-8") == after
    speed.run("ladder", tmp_path, again=True)
    assert made == [1, 8, 1] and len(path.read_text(encoding="utf-8").splitlines()) == 5


def test_an_arm_that_computes_something_else_is_not_written(tmp_path, monkeypatch, capsys):
    for output in (1.01, math.nan):
        counting(monkeypatch, output=output)
        with pytest.raises(ValueError, match=r"nothing was written: 1 thread, batch 8, b: outputs differ by (0\.01|nan)"):
            speed.run("ladder", tmp_path)
        assert not list(tmp_path.glob("*.csv"))


def test_rows_of_two_machines_do_not_meet(tmp_path, monkeypatch, capsys):
    counting(monkeypatch)
    speed.run("ladder", tmp_path)
    before = (tmp_path / "speed_ladder.csv").read_text(encoding="utf-8")
    monkeypatch.setattr(machine, "processor", lambda: "another processor")
    with pytest.raises(ValueError, match=r"measured elsewhere: processor .* \(now 'another processor'\).*--again"):
        speed.run("ladder", tmp_path)
    assert (tmp_path / "speed_ladder.csv").read_text(encoding="utf-8") == before
    with pytest.raises(SystemExit):
        speed.main(["ladder", "--dry", str(tmp_path)])
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["leader"], "no group is called leader; there are ladder, training"),
        (["--dry", "/no/such/folder"], "there is no such folder"),
    ],
)
def test_a_wrong_command_is_answered_in_our_words(arguments, words, capsys):
    with pytest.raises(SystemExit):
        speed.main(arguments)
    assert words in capsys.readouterr().err


def test_without_the_runtimes_the_command_names_the_extra(monkeypatch, capsys):
    monkeypatch.setattr(speed, "find_spec", lambda name: None if name == "openvino" else name)
    with pytest.raises(SystemExit):
        speed.main([])
    assert 'the ladder needs openvino: pip install "resnext-book[onnx]"' in capsys.readouterr().err


CPU_INFO = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu avx2 avx512f avx512_bf16\n\nprocessor\t: 1\n"


def test_the_processor_is_named_so_that_it_can_be_told_from_others():
    info = machine.cpu_info(CPU_INFO)
    assert machine.processor(info) == "AMD EPYC (family 25, model 17)"
    assert machine.instructions(info).endswith(": avx2 avx512f avx512_bf16") and machine.has_bfloat16(info)
    assert not machine.has_bfloat16(machine.cpu_info(CPU_INFO.replace("avx512_bf16", "")))
    assert machine.processor({}) and machine.instructions({}).endswith("unknown")


# ------------------------------------------------------------------ chapter 10 says what was measured

CHAPTER = nbformat.read(ROOT / "chapters" / "10_flops_are_not_seconds.ipynb", as_version=4)
TEXT = " ".join(cell.source for cell in CHAPTER.cells if cell.cell_type == "markdown")
FOUR = ("2 threads, batch 8", "2 threads, batch 1", "1 thread, batch 8", "1 thread, batch 1")
TWO = FOUR[0]


def measured(group):
    return {(row["section"], row["arm"]): row for row in evidence(f"speed_{group}")}


@pytest.fixture(scope="module")
def times():
    """(group, section, arm) -> time against the section's first arm."""
    return {(group, *key): float(row["ratio"]) for group in speed.GROUPS for key, row in measured(group).items()}


def share_of_convolutions(network):
    return next(
        float(row["share"])
        for row in evidence("speed_profile")
        if row["network"] == network and row["operation"] == "mkldnn_convolution"
    )


LAYERS = {arm: row for (_, arm), row in measured("layers").items() if row["groups"]}
NARROW = [name for name, row in LAYERS.items() if row["groups"] == "32"]
ROOF = {name: measured("layers")[TWO, name] for name in ("peak", "bandwidth")}


def macs_of(layer):
    return int(LAYERS[layer]["batch"]) * int(LAYERS[layer]["macs"])


def share_of_the_peak(f, layer):
    """The layer's speed against that of the matrix product, whose ratio is 1."""
    return macs_of(layer) / int(ROOF["peak"]["macs"]) / f["layers", TWO, layer]


def allowed_by_the_roof(f, layer):
    """Against the peak: bytes a unit of time of the long copy, times the layer's operations a byte."""
    copied = int(ROOF["bandwidth"]["bytes"]) / f["layers", TWO, "bandwidth"]
    return macs_of(layer) / int(LAYERS[layer]["bytes"]) * copied / int(ROOF["peak"]["macs"])


def parts(f):
    """The grouped layers' share of the convolutions' operations, and of their time."""
    times_in = {name: int(row["times_in_network"]) for name, row in LAYERS.items()}
    shares = []
    for amount in (macs_of, lambda name: f["layers", TWO, name]):
        amounts = {name: times_in[name] * amount(name) for name in LAYERS}
        shares.append(sum(amounts[name] for name in NARROW) / sum(amounts.values()))
    return shares


def tenth_off(f):
    """What the network would save if its grouped layers ran at the others' speed."""
    operations, time = parts(f)
    return share_of_convolutions("torchvision") * (time - operations / (1 - operations) * (1 - time))


def written(group, section, first, second):
    rows_ = measured(group)
    return int(rows_[section, second]["written"]) / int(rows_[section, first]["written"])


def groups(f, number):
    return f["groups", TWO, f"groups={number}"]


def routines(*numbers):
    return {measured("groups")[TWO, f"groups={number}"]["kernel"] for number in numbers}


def answers(column):
    return int(measured("int8")[TWO, "ONNX Runtime, int8"][column])


CLAIMS = {  # a sentence of the chapter, and what must hold for it to be true
    "it takes 12 % longer": lambda f: round(100 * f["networks", TWO, "ResNeXt-50"]) == 112,
    "needs more than a quarter of the time": lambda f: 0.25 < groups(f, 32) < 0.3,
    "came out up to 5 % off": lambda f: (
        0.045 < max(abs(f["ladder", section, "ours again"] / f["ladder", section, "ours"] - 1) for section in FOUR) < 0.055
    ),
    "reads and writes as much as the dense one": lambda f: written("groups", TWO, "groups=1", "groups=128") == 1,
    "up to 16 groups the direct routine": lambda f: routines(1, 2, 4, 8, 16) == {"direct"},
    "falls back on many small matrix products": lambda f: routines(32, 64) == {"matrix products"},
    "32 groups take longer than 16 although they do half the work": lambda f: groups(f, 32) > groups(f, 16),
    "Depthwise layers have a routine of their own and are quick": lambda f: (
        routines(128) == {"depthwise"} and groups(f, 128) < groups(f, 16) / 2
    ),
    "Paths 4 wide reach 11 % of the peak and paths 32 wide 58 %": lambda f: (
        [round(100 * share_of_the_peak(f, name)) for name in ("layer1.0.conv2", "layer4.1.conv2")] == [11, 58]
    ),
    "has the same paths as those after it, reads four times as much, and reaches 23 % instead of 32": lambda f: (
        [round(100 * share_of_the_peak(f, name)) for name in ("layer2.0.conv2", "layer2.1.conv2")] == [23, 32]
    ),
    "groups of 8, 16 and 32 channels run at 36, 63 and 87 % of the dense layer's speed": lambda f: (
        [round(100 / number / groups(f, number)) for number in (16, 8, 4)] == [36, 63, 87]
    ),
    "of its 0.84 they take 0.77": lambda f: (
        [round(f["ladder", TWO, "folded"] * part, 2) for part in (1, share_of_convolutions("folded"))] == [0.84, 0.77]
    ),
    "as much as the dense one, in 6 % of the time": lambda f: round(100 * groups(f, 128)) == 6,
    "32 groups then takes 0.17 instead of 0.28": lambda f: (
        [round(groups(f, number), 2) for number in ("32, channels-last", 32)] == [0.17, 0.28]
    ),
    "it allows every layer of ResNeXt-50 the whole peak": lambda f: min(allowed_by_the_roof(f, n) for n in LAYERS) > 1,
    "5 % of the operations and 16 % of the time": lambda f: [round(100 * part) for part in parts(f)] == [5, 16],
    "the network would take a tenth less time": lambda f: round(100 * tenth_off(f)) == 10,
    "also write 30 % more numbers for an image": lambda f: (
        round(100 * written("networks", TWO, "ResNet-50", "ResNeXt-50")) == 130
    ),
    "more than 16 times as many numbers as C": lambda f: 16 < written("forms", "forward", "form C", "form A") < 17,
    "One function, the same operations, six times the speed": lambda f: 1 / 6.5 < f["forms", "forward", "form C"] < 1 / 5.5,
    "agree within two millionths of the largest": lambda f: (
        max(float(row["difference"]) for (_, arm), row in measured("ladder").items()) <= 2e-6
    ),
    "the convolutions take 87 % of torchvision's time": lambda f: round(share_of_convolutions("torchvision"), 2) == 0.87,
    "The same outputs in six tenths of the time": lambda f: (
        all(round(f["ladder", TWO, arm], 1) == 0.6 for arm in ("ONNX Runtime", "OpenVINO"))
        and all(f["ladder", section, arm] < 0.7 for section in FOUR for arm in ("ONNX Runtime", "OpenVINO"))
    ),
    "changed 11 answers, cost 5 right ones on balance": lambda f: (
        answers("changed_answers") == 11 and answers("correct") == 1799 - 5
    ),
    "took longer than 32 bits in the same runtime": lambda f: all(
        f["int8", section, "ONNX Runtime, int8"] > 1.5 * f["int8", section, "ONNX Runtime"] for section in FOUR[:2]
    ),
    "saved 10 to 16 % of ResNeXt-50's time here": lambda f: (
        [round(100 - 100 * pick(f["ladder", section, "folded"] for section in FOUR)) for pick in (max, min)] == [10, 16]
    ),
    "a step took 11 % less time here": lambda f: round(100 * f["training", TWO, "channels-last"]) == 89,
    "8 groups of 16 were faster than 32 of 4": lambda f: groups(f, 8) < groups(f, 32),
    "no other rung took much less time in any setting": lambda f: all(
        f["ladder", section, "ONNX Runtime"] < 1.05 * f["ladder", section, arm]
        for section in FOUR
        for arm in ("channels-last", "folded", "folded, compiled", "OpenVINO")
    ),
    "in an order drawn anew": lambda f: True,  # tests/library/test_timing.py holds it
}


@pytest.mark.parametrize("sentence", CLAIMS)
def test_chapter_10_says_what_was_measured(sentence, times):
    assert sentence in TEXT, "the chapter was rewritten: say here what its new sentence rests on"
    assert CLAIMS[sentence](times)


def test_chapter_10s_claims_can_fail(times):
    """With the times turned round, a fifth longer or much further apart, no claim about them is left standing."""
    altered = [
        {key: change(value) for key, value in times.items()}
        for change in (lambda value: 1 / value, lambda value: 1.2 * value, lambda value: value**3)
    ]
    not_about_times = {
        "reads and writes as much as the dense one",
        "up to 16 groups the direct routine",
        "falls back on many small matrix products",
        "also write 30 % more numbers for an image",
        "more than 16 times as many numbers as C",
        "agree within two millionths of the largest",
        "the convolutions take 87 % of torchvision's time",
        "changed 11 answers, cost 5 right ones on balance",
        "in an order drawn anew",
    }
    standing = {sentence for sentence, claim in CLAIMS.items() if all(claim(speeds) for speeds in altered)}
    assert standing == not_about_times


def test_every_mention_of_the_program_is_its_command():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "benchmarks.speed" not in text
        for groups in re.findall(r"^python -m studies\.speed(.*)$", text, re.MULTILINE):
            assert set(groups.split()) <= set(speed.ALL)
    assert re.search(r"^python -m studies\.speed$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
