"""The teacher's pack is true: minutes, plans, commands and links; the key answers everything and stays off the site."""

import re
from functools import cache
from importlib.util import find_spec

import pytest
import torch
import torchvision
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebooks_for_tests import read_once
from pypdf import PdfReader
from site_tools import screen_reader_problems, tab
from test_appendix import broken_links
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from resnext_lib import figures, networks
from resnext_lib.complexity import bottleneck_weights, count_parameters, layer_costs, width_for_budget
from tools import handout, minutes, publish, writing
from tools.contract import one_sentence_a_line, portable_markdown
from tools.facts import ROOT
from tools.reading import headings, numbers_in

PAGE = ROOT / "chapters" / "teaching.md"
KEY = ROOT / "teaching" / "answers.md"
GUIDE = PAGE.read_text(encoding="utf-8")
CHAPTERS = {int(path.name[:2]): path for path in minutes.chapters()}


def entries(text):
    """Label of a question or exercise (Q1.1, B1) to all of its lines."""
    found = re.findall(r"^- \*\*([QB][\d.]+)\*\* (.+(?:\n  .+)*)", text, re.MULTILINE)
    assert len(dict(found)) == len(found), "a label stands twice"
    return dict(found)


def answers():
    return entries(KEY.read_text(encoding="utf-8"))


# ------------------------------------------------------------------ minutes


def test_every_chapter_of_the_toc_has_a_row_with_its_minutes():
    rows = re.findall(r"^\| \[(\d+)\. .+?\]\((.+?)\) \| (\d+) min \| (\d+) min \|", minutes.table(), re.MULTILINE)
    assert [(int(number), name) for number, name, *_ in rows] == [(n, path.name) for n, path in CHAPTERS.items()]
    assert all(int(figure) > 0 for _, _, *figures in rows for figure in figures)


def test_code_and_figures_take_a_reader_time():
    """Words alone felt half as long as reading took."""
    words, setup = new_markdown_cell("word " * 360), new_code_cell("setup")
    line, hidden = new_code_cell("x = 1\n" * 20), new_code_cell("x = 1\n" * 20, metadata={"tags": ["hide-input"]})
    figure = new_code_cell("", outputs=[new_output("display_data", {"text/html": "<figure></figure>"})] * 4)
    after = [new_markdown_cell("## Exercises"), new_markdown_cell("word " * 1800)]
    quiz = new_markdown_cell("<details>")

    def took(*cells):
        return minutes.reading_minutes(new_notebook(cells=[words, setup, *cells]))

    assert [took(), took(line), took(hidden), took(figure), took(quiz), took(*after)] == [2, 4, 2, 4, 3, 2]


def test_a_chapter_that_does_not_say_what_it_needs_is_named():
    silent = new_notebook(cells=[new_markdown_cell("# A title\n\nYou need")])
    with pytest.raises(ValueError, match="A title: no line says 'You need ...'"):
        minutes.needs(silent)


@pytest.mark.parametrize("lines, expected", [(1, 5), (3, 5), (4, 10), (8, 10), (9, 20)])
def test_an_exercise_is_estimated_by_its_length(lines, expected):
    assert minutes.exercise_minutes("x\n" * lines) == expected


# ------------------------------------------------------------------ questions and key


@pytest.mark.parametrize("number", CHAPTERS)
def test_every_chapter_says_what_it_gives_and_has_questions(number):
    section = re.search(rf"^### Chapter {number}: (.+?)$(.+?)(?=^##)", GUIDE, re.MULTILINE | re.DOTALL)
    title = headings(read_once(CHAPTERS[number]))[0][1]
    assert title.lower().startswith(section[1].lower()), (title, section[1])
    assert section[2].strip().startswith("It gives ")
    questions = entries(section[2])
    assert len(questions) >= 3 and all(label.startswith(f"Q{number}.") for label in questions)
    assert all(re.match(r"Belief: .+\n  Ask: ", text) for text in questions.values())


def test_the_key_answers_each_question_and_nothing_else():
    assert list(answers()) == list(entries(GUIDE))
    assert len([label for label in answers() if label.startswith("B")]) >= 8


def weights_of(*layers):
    return [layer.weight.numel() for layer in layers]


def conv(*sizes, **options):
    return torch.nn.Conv2d(*sizes, bias=False, **options)


@cache
def board_numbers():
    """What the board exercises come to, by running them."""
    image, kernel = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 1, 1]]), torch.eye(2)
    upper, lower = functional.conv2d(image[None, None], kernel[None, None])[0, 0].int().tolist()
    (layer,) = layer_costs(torch.nn.Sequential(conv(8, 16, 3, padding=1)), (8, 10, 10))
    grouped, dense = weights_of(conv(12, 8, 3, groups=4), conv(12, 8, 3))
    product = torch.tensor([[1, 0], [2, 1]]) @ torch.tensor([1, 3]) + torch.tensor([[0, 2], [1, 1]]) @ torch.tensor([2, 1])
    direct, first, second = weights_of(conv(100, 20, 5), conv(100, 10, 1), conv(10, 20, 5))
    with torch.device("meta"):
        network = networks.resnext101_64x4d()
    stages = [getattr(network, f"layer{i}")[0] for i in (1, 2, 3, 4)]
    d = {c: width_for_budget(c) for c in (2, 8)}
    whole, depthwise, pointwise = weights_of(conv(64, 128, 3), conv(64, 64, 3, groups=64), conv(64, 128, 1))
    return {
        "B1": [f"{upper[0]} {upper[1]} and {lower[0]} {lower[1]}"],
        "B2": [f"{layer.parameters:,} weights", f"{layer.macs:,} MACs"],
        "B3": [f"{direct:,} directly", f"{first + second:,} behind", f"{first:,} + {second:,}"],
        "B4": ["inputs " + ", ".join(map(str, reads(5))), f"{grouped} weights", f"{dense} without"],
        "B5": [
            f"d = {d[2]} and {d[8]}",
            f"{bottleneck_weights(8, d[8] - 1):,}",
            "{:,} and {:,} weights".format(*(bottleneck_weights(c, d[c]) for c in d)),
        ],
        "B6": ["({}, {})".format(*product.tolist())],
        "B7": normalised(),
        "B8": [
            "is 64",
            ", ".join(f"{s.width // s.cardinality}" for s in stages),
            ", ".join(f"{s.width}" for s in stages),
            f"{3 * sum(len(getattr(network, f'layer{i}')) for i in (1, 2, 3, 4)) + 2} layers",
        ],
        "B9": [f"{6 + 8} of 20, {(6 + 8) / 20:.0%}".replace("%", " %"), f"{4 + 8} times", "true 8 times"],
        "B10": ["differ by {}, {} and {},".format(*(b - a for a, b in zip((90, 92, 91), (91, 93, 92), strict=True)))],
        "B11": folded(),
        "B12": [f"{whole:,} dense", f"{depthwise} + {pointwise:,} = {depthwise + pointwise:,}"],
    }


def folded():
    """B11: the one convolution that stands for a convolution and its batch norm, found by its outputs for 0 and 1."""
    layer, norm = conv(1, 1, 1), torch.nn.BatchNorm2d(1, eps=0).eval()
    layer.weight.data.fill_(2)
    for value, number in ((norm.running_mean, 3), (norm.running_var, 4), (norm.weight.data, 6), (norm.bias.data, 1)):
        value.fill_(number)
    bias, one = (norm(layer(torch.full((1, 1, 1, 1), x))).item() for x in (0.0, 1.0))
    return [f"Weight {one - bias:.0f} and bias {bias:.0f}:"]


def reads(output):
    """The inputs that change ``output`` of B4's layer, measured."""
    layer = conv(12, 8, 1, groups=4)
    x = torch.ones(1, 12, 1, 1, requires_grad=True)
    layer(x)[0, output].sum().backward()
    return x.grad.flatten().nonzero().flatten().tolist()


def normalised():
    """B7: the two orders of sum and batch norm."""

    def norm(x):
        return (x - x.mean()) / x.std(correction=0)

    one, two = torch.tensor([0.0, 2]), torch.tensor([6.0, 0])
    after, before = norm(one + two).int().tolist(), (norm(one) + norm(two)).int().tolist()
    return [f"become {after[0]} and {after[1]}.", f"is {before[0]} and {before[1]}."]


@pytest.mark.parametrize("label", [label for label in answers() if label.startswith("B")])
def test_a_board_exercise_comes_out_as_the_key_says(label):
    said = answers()[label]
    assert not [number for number in board_numbers()[label] if number not in said], said


def test_the_long_numbers_in_the_answers_to_the_questions():
    with torch.device("meta"):
        old, new = networks.resnet50(), networks.resnext50_32x4d()
    macs = [sum(cost.macs for cost in layer_costs(network, (3, 224, 224))) for network in (old, new)]
    assert f"{macs[1] / macs[0] - 1:.0%} more".replace("%", " %") in answers()["Q7.1"]
    assert f"{1 - count_parameters(new) / count_parameters(old):.0%} fewer".replace("%", " %") in answers()["Q7.1"]
    direct, behind_one = weights_of(conv(64, 32, 5))[0], sum(weights_of(conv(64, 1, 1), conv(1, 32, 5)))
    first_dearer = next(r for r in range(1, direct) if r * behind_one > direct)
    assert answers()["Q2.3"].startswith(f"At {first_dearer}: directly it has {direct:,} weights")
    assert f"which is {behind_one} · r" in answers()["Q2.3"]
    row = torch.nn.Sequential(*(conv(12, 12, 3, padding=1, groups=3) for _ in range(20)))
    assert answers()["Q4.3"].startswith(f"{int(figures.reach(row, 12)[-1].sum())}, those of its own group")
    grouped, dense = weights_of(conv(8, 8, 3, groups=2), conv(8, 8, 3))
    assert answers()["Q4.2"].startswith(f"{grouped}, half of the dense {dense}")
    assert f"More than half: {width_for_budget(2)}." in answers()["Q5.2"]
    assert answers()["Q5.3"].startswith(f"{new.layer4[0].width // new.layer4[0].cardinality} ")


# ------------------------------------------------------------------ the page


def test_every_command_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", GUIDE, re.MULTILINE))
    assert len(named) >= 10 and named <= targets, named - targets
    modules = set(re.findall(r"python -m ([\w.]+)", GUIDE)) - {"venv"}
    assert modules and all(find_spec(module) for module in modules)
    pins = re.findall(r"(torch\w*==[\d.]+)", GUIDE)
    assert pins and all(f"\n{pin};" in "\n" + (ROOT / "requirements.txt").read_text(encoding="utf-8") for pin in pins)


def test_every_file_that_the_page_names_exists():
    assert not broken_links(PAGE, GUIDE)
    files = re.findall(r"`([\w/.]+\.(?:md|csv|txt))`", GUIDE)
    made_by_commands = {"grades.csv"}
    assert files and all((ROOT / file).is_file() for file in set(files) - made_by_commands)


def test_the_page_keeps_the_chapters_rules_for_markdown():
    text = re.sub(r"```.*?```|<!--.*?-->", "", GUIDE, flags=re.DOTALL)
    page = new_notebook(cells=[new_markdown_cell(text)])
    assert not one_sentence_a_line(page) + portable_markdown(page)


def test_what_colab_opens_holds_no_key(tmp_path):
    publish.lay_out(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".ipynb", ".md", ".py", ".toml")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert len(files) > 20 and not [a for a in answers().values() if len(a) > 40 and any(a in text for text in texts)]


# ------------------------------------------------------------------ the handout


@pytest.fixture(scope="module")
def page():
    return handout.html(answers=True)


@pytest.fixture(scope="module")
def sheet():
    return handout.html()


def plain(page):
    """The text of the handout, without pictures and styles."""
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)


def counted_elsewhere(build):
    """Parameters and MACs of torchvision's network, by PyTorch's own counter."""
    with torch.device("meta"):
        network, image = build(), torch.empty(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(image)
    return {f"{sum(p.numel() for p in network.parameters())}", f"{counter.get_total_flops() // 2}"}


def test_every_long_number_of_the_handout_is_recomputed(page):
    models = torchvision.models
    right = counted_elsewhere(models.resnet50) | counted_elsewhere(models.resnext50_32x4d)
    right |= {f"{c * (256 * d + 9 * d * d + 256 * d)}" for c, d in ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))}
    right |= {"1024"}  # C·d of conv5; 2048, its output, looks like a year
    assert numbers_in(plain(page).replace("1611.05431", "")) == right


def cells(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<td>(.*?)</td>", row) for row in rows]


def test_the_handouts_tables_are_table_1_and_table_2(page):
    for c, d in ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4)):
        assert [f"{c}", f"{d}", f"{c * d}", f"{c * (512 * d + 9 * d * d):,}"] in cells(page)
    for i, blocks in enumerate((3, 4, 6, 3)):
        side = 56 // 2**i
        assert [
            f"conv{i + 2}",
            f"{blocks}",
            f"{side}×{side}",
            "32",
            f"{4 * 2**i}",
            f"{128 * 2**i}",
            f"{256 * 2**i}",
        ] in cells(page)
    assert "1 + 3 · (3 + 4 + 6 + 3) + 1 = 50" in page and f"pass {69_632 // 512}" in page


def test_the_handout_is_one_file_with_described_pictures(page):
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert len(sources) == 3 and all(source.startswith("data:image/svg+xml") for source in sources)
    assert all(len(alt) > 30 for alt in re.findall(r'alt="([^"]*)"', page))


# What the questions of the lesson plans come to, as the handout with answers has it.
ASKED = {
    "B4": "(c<sub>in</sub> / g)",
    "Q5.2": "<td>40</td>",
    "B5": "<td>14</td>",
    "Q5.1": "all 256",
    "Q4.1": "neighbouring",
    "Q6.1": "interleaved",
    "Q6.2": "the same seed",
    "B7": "batch norm at the end",
    "Q7.1": "4,230,479,872",
    "Q7.2": "the stage width 64",
    "Q5.3": "<td>1024</td>",
    "B8": "= 50",
    "limit": "136",
    "32x4d": "70,144",
    "picture": "a thin diagonal",
}


def test_fault_25_the_handout_leaves_blank_what_a_lesson_asks(page, sheet):
    with_answers, without = (re.sub(r'src="[^"]*"|<style>.*?</style>', "", text, flags=re.DOTALL) for text in (page, sheet))
    assert not [label for label, answer in ASKED.items() if answer not in with_answers], "the one with answers has them"
    assert not [label for label, answer in ASKED.items() if answer in without]
    assert numbers_in(plain(sheet).replace("1611.05431", "")) == {"69632"}, "the budget is what is given"
    assert sheet.count('aria-label="to fill in"') >= 40 and 'class="blank' not in re.sub(
        "<style>.*?</style>", "", page, flags=re.DOTALL
    )


@pytest.mark.sampled(1)
@pytest.mark.parametrize("options, name", [([], "handout"), (["--answers"], "handout-with-answers")])
def test_fault_25_the_answers_are_a_file_of_their_own(options, name, tmp_path, monkeypatch, page, sheet):
    monkeypatch.setattr(handout.browser, "find", lambda: None)
    handout.main(["--folder", str(tmp_path), *options])
    assert {path.name for path in tmp_path.iterdir()} - {writing.RECORD} == {f"{name}.html"}
    assert (tmp_path / f"{name}.html").read_text(encoding="utf-8") == (page if options else sheet)


@pytest.fixture(scope="module", params=[False, True], ids=["", "with answers"])
def linked(request):
    """The handout as it stands on the site, with a way back."""
    return handout.html(request.param, guide="chapters/teaching.html")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("theme, width", [("light", 1280), ("dark", 390), ("dark", 320)])
def test_fault_26_the_handout_is_read_on_every_screen(browser, tmp_path, theme, width, linked):
    (tmp_path / "handout.html").write_text(linked, encoding="utf-8")
    with tab(browser, theme, width) as page:
        page.goto((tmp_path / "handout.html").as_uri())
        assert not screen_reader_problems(page) + page.complaints
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("link", name="Back to the teaching guide").get_attribute("href") == "chapters/teaching.html"
        assert page.evaluate("document.documentElement.lang") == "en"
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(20, 24, 30)" if theme == "dark" else "rgb(255, 255, 255)")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("nav").is_hidden()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("answers", [False, True])
def test_fault_26_the_handout_prints_on_two_full_tagged_a4_pages(tmp_path, browser, answers):
    (tmp_path / "handout.html").write_text(handout.html(answers), encoding="utf-8")
    handout.print_pdf(tmp_path / "handout.html", tmp_path / "handout.pdf", browser)
    reader = PdfReader(tmp_path / "handout.pdf")
    catalog, sheets = reader.trailer["/Root"], reader.pages
    assert catalog["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in catalog and catalog["/Lang"].startswith("en")
    assert len(reader.outline) >= 2
    assert len(sheets) == 2
    for sheet, ending in zip(sheets, ("1611.05431", "when this was made"), strict=True):
        width, height = (float(side) / 72 * 25.4 for side in (sheet.mediabox.width, sheet.mediabox.height))
        assert abs(width - 210) < 1 and abs(height - 297) < 1
        assert ending in sheet.extract_text(), "the foot of the page is missing"


def test_without_a_browser_the_command_writes_the_page_and_says_what_to_do(page, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handout, "html", lambda answers: page)
    monkeypatch.setattr(handout.browser, "find", lambda: None)
    handout.main(["--folder", str(tmp_path)])
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.name != writing.RECORD] == [page]
    assert "print it on A4" in capsys.readouterr().out
