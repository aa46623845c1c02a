"""What is said outside the chapters is true: counts in docstrings, commands in READMEs, the order of the contents, links."""

import argparse
import inspect
import re
import runpy
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml
from randomness import without_data
from test_appendix import terms
from test_questions import sections
from torchvision import models

from resnext_lib import descendants, inference, networks, weights
from resnext_lib.complexity import count_macs, count_parameters
from tools import facts, reading
from tools.notebooks import read
from tools.reference import slug

ROOT = facts.ROOT
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = dict(re.findall(r"^([a-z-]+):.*## (.+)$", MAKEFILE, re.MULTILINE))
GUIDES = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "locale/README.md",
        "intro.md",
        "chapters/teaching.md",
        "tools/grading/README.md",
        "resnext_lib/checkpoints/README.md",
    )
]

# ------------------------------------------------------------------ counts in docstrings

COUNT = re.compile(r"\d{1,3}(?:,\d{3})+")
BUILDERS = {
    name: thing
    for module in (networks, descendants)
    for name, thing in inspect.getmembers(module, inspect.isfunction)
    if thing.__module__ == module.__name__ and COUNT.search(thing.__doc__ or "")
}


def wrong_counts(build, said):
    """The counts in a constructor's docstring that are not what it builds, each with what it builds.

    A count is of parameters unless "MACs" follows; "16x8d has" names the arguments, "side heads" an option.
    """
    wrong, arguments = [], ()
    for part in re.split(r"(?<=[:;,]) ", re.sub(r"\(a [^)]*\)", "", said)):
        options = {"auxiliary_heads": True} if "side heads" in part else {}
        if named := re.search(r"\b(\d+)x(\d+)d\b(?! ?\))", part):
            arguments = tuple(map(int, named.groups()))
        for count in COUNT.findall(part):
            network = without_data(
                build, *(arguments if "cardinality" in inspect.signature(build).parameters else ()), **options
            )
            side = re.search(r"MACs at (\d+)x", part)
            right = count_macs(network, (3, int(side[1]), int(side[1]))) if side else count_parameters(network)
            wrong += [] if count == f"{right:,}" else [(count, f"{right:,}")]
    return wrong


@pytest.mark.parametrize("name", BUILDERS)
def test_fault_11c_a_constructors_documented_count_is_what_it_builds(name):
    assert wrong_counts(BUILDERS[name], inspect.getdoc(BUILDERS[name])) == []


@pytest.mark.parametrize(
    "name, said",
    [
        ("resnet50", "ResNet-50: 25,028,904 parameters, 4,089,184,256 MACs at 224x224."),  # two networks' counts exchanged
        ("resnet50", "ResNet-50: 25,557,032 parameters, 4,089,184,265 MACs at 224x224."),
        ("small_resnext", "For 28x28 grey images: 16x8d has 220,234 parameters, 1x64d (a ResNet) 224,330."),
        ("torchvision_googlenet", "torchvision's GoogLeNet: 13,004,888 parameters, 6,624,904 with side heads."),
    ],
)
def test_fault_11c_another_count_would_be_found(name, said):
    assert wrong_counts(BUILDERS[name], said)


# ------------------------------------------------------------------ commands in READMEs


def commands_in(text):
    """Every command of the fenced blocks and of the text, without its comment."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks = [block for language, block in fenced if language in ("", "bash", "shell")]
    lines = [line.split("  #")[0].split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    spans = re.findall(
        r"`((?:make|python|\.venv/bin/python) [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )
    return [
        line.removeprefix(".venv/bin/")
        for line in lines + spans
        if re.match(r"(\.venv/bin/)?(make|python|jupyter-book|pip) ", line)
    ]


# Each command once, with the first guide that has it.
COMMANDS = sorted(
    {
        command: path.relative_to(ROOT).as_posix()
        for path in reversed(GUIDES)
        for command in commands_in(path.read_text(encoding="utf-8"))
    }.items()
)


class Parsed(Exception):
    """Raised once argparse has accepted a command's arguments: the program must not run."""


def complaint_about_make(words):
    targets = [word for word in words if "=" not in word]
    given = [word.split("=")[0] for word in words if "=" in word]
    unknown = [target for target in targets if target not in {*TARGETS, "..."}]
    unused = [name for name in given if not re.search(rf"\$[$({{]?\{{?{name}\b|\$\(if \$\({name}\)", MAKEFILE)]
    return f"no such target or variable: {unknown + unused}" if unknown + unused else None


def complaint_about_python(words, monkeypatch):
    """What is wrong with ``python -m MODULE ARGUMENTS`` or ``python FILE``; argparse itself judges the arguments."""
    if words[0] != "-m":
        return None if words[0].startswith("-") or (ROOT / words[0]).is_file() else f"there is no {words[0]}"
    name, arguments = words[1], words[2:]
    module = find_spec(name)
    if module is None:
        return f"there is no module {name}"
    if module.submodule_search_locations:
        module = find_spec(f"{name}.__main__")
    if not module.origin.startswith(str(ROOT)) or "argparse" not in Path(module.origin).read_text(encoding="utf-8"):
        return None  # not ours, or a program without arguments
    parse = argparse.ArgumentParser.parse_args

    def only_parse(self, given=None, namespace=None):
        parse(self, given, namespace)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=False)
    except Parsed:
        return None
    except SystemExit as refused:
        return f"{name} refuses {arguments}: {refused}"
    return f"{name} looked at no arguments"


def complaint(command, monkeypatch):
    program, *words = shlex.split(command)
    if program == "make":
        return complaint_about_make(words)
    if program == "python":
        return complaint_about_python(words, monkeypatch)
    if program == "jupyter-book":
        return None if f"\t$(BIN)/{command}\n" in MAKEFILE else "not the command of `make book`"
    return None if all((ROOT / word).is_file() for word in words if word.endswith(".txt")) else "no such file"


@pytest.mark.parametrize("command, place", COMMANDS, ids=[f"{place}: {command}" for command, place in COMMANDS])
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # the tests have imported the program
def test_fault_11c_a_documented_command_would_be_accepted(command, place, monkeypatch):
    assert complaint(command, monkeypatch) is None


@pytest.mark.parametrize(
    "command",
    [
        "make boook",
        "make grade NAMES=week3",
        "python -m tools.notebook chapters",
        "python -m tools.notebooks --frsh chapters",
        "python -m studies.experiments cardinalities",
        "python tools/none.py",
        "jupyter-book build . -W",
        "pip install -r none.txt",
    ],
)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_fault_11c_a_command_that_does_not_work_would_be_found(command, monkeypatch, capsys):
    assert complaint(command, monkeypatch)


def test_fault_11c_the_readme_names_every_task_and_no_other():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"lists the other tasks: (.+?), and the teacher's", readme)[1]
    named = set(re.findall(r"`([a-z-]+)`", listed)) | {
        command.split()[1] for command, _ in COMMANDS if command.startswith("make ")
    }
    assert set(TARGETS) == named - {"..."}


def test_fault_11c_the_readmes_python_runs(monkeypatch):
    """The blocks in their order, the download and the export apart: torchvision is asked for weights of that name, and the
    arguments must be those of export_onnx."""
    parameters, exported = inspect.signature(inference.export_onnx), []
    monkeypatch.setattr(
        inference, "export_onnx", lambda *given, **named: exported.append(parameters.bind(*given, **named).args)
    )
    monkeypatch.setattr(weights, "pretrained", lambda name, version: models.get_model_weights(name)[version])
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    found = {}
    for block in blocks:
        with torch.device("meta"):
            exec(block, found)
    assert found["network"].fc.out_features == 10 and found["network"].conv1.in_channels == 1
    assert found["trained"] is models.ResNeXt50_32X4D_Weights.IMAGENET1K_V1
    assert exported == [(found["trained"], "resnext50.onnx")]


# ------------------------------------------------------------------ the contents

CONTENTS = [
    ("In a hurry", "twenty_minutes"),
    ("Part I: The idea", "01 02 03 04 05 06"),
    ("Part II: The network", "07"),
    ("Part III: In practice", "08 09 10 11"),
    ("Appendix", "explorers more_than_one_machine questions glossary references library teaching"),
]


def contents(toc):
    return [
        (part["caption"], [chapter["file"].removeprefix("chapters/") for chapter in part["chapters"]])
        for part in toc["parts"]
    ]


def test_fault_11c_parts_have_their_captions_and_pages_their_order():
    found = contents(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    assert [(caption, " ".join(re.sub(r"(\d\d)_.*", r"\1", page) for page in pages)) for caption, pages in found] == CONTENTS


def test_fault_11c_the_landing_page_lists_the_same_order():
    toc = contents(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    before, after = (ROOT / "intro.md").read_text(encoding="utf-8").split("## The chapters")
    hurried = re.findall(r"\*\*Twenty minutes\.\*\* \[[^\]]+\]\(chapters/(\w+)\.ipynb\)", before)
    listed = hurried + re.findall(r"\]\(chapters/(\w+)\.(?:ipynb|md)\)", after)
    assert listed == [page for _, pages in toc for page in pages if page != "teaching"]


# ------------------------------------------------------------------ links to headings


def places(path):
    """(words, file, anchor) of the links to sections in a page's text."""
    text = (
        "\n".join(cell.source for cell in reading.markdown_cells(read(path)))
        if path.suffix == ".ipynb"
        else path.read_text(encoding="utf-8")
    )
    return re.findall(r"\[([^\]]+)\]\((?:chapters/)?([\w-]+\.(?:ipynb|md))(?:#([^)]+))?\)", text)


PAGES = sorted(
    [
        *(ROOT / "chapters").glob("*.ipynb"),
        *(ROOT / "chapters").glob("*.md"),
        ROOT / "intro.md",
        ROOT / "teaching/answers.md",
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_fault_11c_a_link_that_names_a_chapter_leads_to_it(path):
    wrong = [
        (words, file)
        for words, file, _ in places(path)
        if (named := re.match(r"(?i)chapter (\d+)\b", words)) and int(named[1]) != int(re.match(r"\d*", file)[0] or 0)
    ]
    assert not wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_fault_11c_a_link_that_names_a_section_leads_to_it(path):
    """[chapter 5, The block in code](...#the-block-in-code): what follows the comma is the heading."""
    wrong = [
        (words, anchor)
        for words, _, anchor in places(path)
        if anchor and (title := re.match(r"(?i)chapter \d+, (.+)", words)) and slug(title[1]) != anchor
    ]
    assert not wrong


# What a section calls the thing, where it does not say the term itself.
SAID_AS = {
    "Degradation": "worse",
    "Depth": "layers",
    "Downsampling": "stride",
    "Expansion": "four times",
    "Fine-tuning": "frozen",
    "Running statistics": "averages of mean",
}


def strayed(entries):
    """The terms whose entry leads to a section that does not speak of them."""
    titles = {(file, slug(title)): text for (file, title), text in sections().items()}
    wrong = []
    for term, code, _, text in entries:
        file, anchor = re.search(r"\]\((\w+\.ipynb)#([^)]+)\)\.\s*$", text).groups()
        stems = [word[:5].lower() for word in re.findall(r"[\w-]+", term) if len(word) > 2] + [code.lower()] * bool(code)
        stems += filter(None, [SAID_AS.get(term)])
        if not any(stem in titles[file, anchor] for stem in stems):
            wrong.append((term, anchor))
    return wrong


def test_fault_11c_the_section_that_a_term_is_sent_to_speaks_of_it():
    assert strayed(terms()) == []


def test_fault_11c_a_term_sent_to_another_section_would_be_found():
    found = dict((term, (term, code, chinese, text)) for term, code, chinese, text in terms())
    term, code, chinese, text = found["Seed"]
    other = re.sub(r"\(\w+\.ipynb#[^)]+\)", "(02_inception.ipynb#no-rule-gives-the-next-number)", text)
    assert strayed([(term, code, chinese, other)]) == [("Seed", "no-rule-gives-the-next-number")]
