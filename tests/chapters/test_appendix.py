"""The appendix is complete and true: the library's page is fresh, links hold, sources are named, terms in order."""

import inspect
import re
from functools import cache
from importlib import import_module

import pytest
import torch
from nbformat.v4 import new_markdown_cell, new_notebook

from resnext_lib import networks
from resnext_lib.complexity import RESNET_BUDGET, count_activations, count_macs, count_parameters, stage_costs
from tools import reference
from tools.contract import one_sentence_a_line, portable_markdown
from tools.facts import published_numbers
from tools.notebooks import read
from tools.reading import code_cells, headings, markdown_cells, numbers_in
from tools.reference import ROOT, slug

CHAPTERS = ROOT / "chapters"
PAGES = [CHAPTERS / f"{name}.md" for name in ("glossary", "references", "library")]
LIBRARY = CHAPTERS / "library.md"  # its text is made from the docstrings
WORDS = ["cardinality", "bottleneck_width", "stage_width", "group_width", "width", "shortcut"]
ARXIV = r"\b\d{4}\.\d{4,5}\b"


@cache  # the library's page is made of all docstrings, and every test asks for it
def text_of(path):
    """What a reader of a page or of a chapter's text sees, as source."""
    if path == LIBRARY:
        return path.read_text(encoding="utf-8") + reference.page()
    if path.suffix == ".ipynb":
        return "\n\n".join(cell.source for cell in markdown_cells(read(path)))
    return path.read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@cache  # a notebook is large, and many links lead into each
def anchors(path):
    """Anchors of the headings that the site gives one, levels 1 to 3, of numbered figures, and of the glossary's terms."""
    figures = []
    if path.suffix == ".ipynb":
        found = headings(read(path))
        outputs = [output for cell in code_cells(read(path)) for output in cell.outputs]
        figures = [a for o in outputs for a in re.findall(r'<figure id="([\w-]+)"', o.get("data", {}).get("text/html", ""))]
    else:
        found = [(len(m), title) for m, title in re.findall(r"^(#+) (.+)$", without_code(text_of(path)), re.MULTILINE)]
    of_terms = [slug(term) for term, *_ in terms()] if path.name == "glossary.md" else []
    return [slug(title) for level, title in found if level <= 3] + figures + of_terms


def broken_links(page, text):
    """Links to files that do not exist, or to headings that are not there."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def terms():
    """(term, its name in code or "", Chinese term, explanation) for every entry of the glossary."""
    text = text_of(CHAPTERS / "glossary.md").split("\n## Terms\n")[1]
    return re.findall(r"^\*\*(.+?)\*\*(?: \(`(\w+)`\))?\n: (.+)\n: (.+\n(?:  .+\n)*)", text, re.MULTILINE)


def public_names(module):
    """What a module defines by itself, asked from the running module and not from its source."""
    loaded = import_module(f"resnext_lib.{module}")
    return {
        name: thing
        for name, thing in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and f"{thing.__module__}.".startswith(f"{loaded.__name__}.")
    }


# ------------------------------------------------------------------ the library reference


def test_every_module_has_its_section():
    modules = {path.stem for path in (ROOT / "resnext_lib").glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in (ROOT / "resnext_lib").glob("*/__init__.py") if public_names(path.parent.name)}
    assert set(reference.MODULES) == modules


@pytest.mark.parametrize("module", reference.MODULES)
def test_every_public_name_is_on_the_page_and_has_a_docstring_of_its_own(module):
    page = text_of(LIBRARY).split(f"Module `resnext_lib.{module}`.")[1].split("\n## ")[0]
    names = public_names(module)
    assert names
    for name, thing in names.items():
        entry, row = f"\n### `{name}`\n", f"\n- `{name}`: "
        assert entry in page or (row in page and hasattr(thing, "hint")), name
        made = thing.__doc__ and thing.__doc__.startswith(f"{name}(")  # a dataclass without a docstring gets this
        assert thing.__doc__ and not made and len(thing.__doc__.split()) >= 3, f"{name} says too little"
    for name, _, _ in reference.constants(module):
        assert f"\n- `{name}`" in page, name


def test_no_docstring_was_pasted_from_a_sibling():
    said = [inspect.getdoc(thing) for module in reference.MODULES for thing in public_names(module).values()]
    assert len(said) == len(set(said))


def test_the_page_is_plain_markdown():
    text = without_code(text_of(LIBRARY))
    assert not re.search(r":\w+:`|``", text), "reST is left over"
    assert not re.search(r"\d\*\d", text), "a star would make text italic"


def test_every_exercise_is_listed_with_its_hint():
    page = text_of(LIBRARY)
    checks = {name: thing for name, thing in public_names("exercises").items() if hasattr(thing, "hint")}
    used = {
        cell.metadata["exercise"]
        for path in CHAPTERS.glob("*.ipynb")
        for cell in read(path).cells
        if "exercise" in cell.metadata
    }
    assert used and used <= set(checks)
    for name, thing in checks.items():
        hint = re.search(rf"^- `{name}`: .+\n  \*Hint:\* (.+)$", page, re.MULTILINE)[1]
        assert hint.replace("\\*", "*").rstrip(".") == thing.hint.rstrip("."), name


@pytest.mark.parametrize(
    "source, expected",
    [
        ('def f(x, n=3, *rest, key="a", **more): pass', "f(x, n=3, *rest, key='a', **more)"),
        ("def f(self, *, key): pass", "f(*, key)"),
        ("class C:\n    a: int\n    b: list = field(default_factory=list)", "C(a, b=list())"),
        ("class C:\n    def __init__(self, a=(1, 2)): pass", "C(a=(1, 2))"),
        (
            "def f(with_a_long_argument, and_another_long_one): pass",
            "f(\n    with_a_long_argument,\n    and_another_long_one,\n)",
        ),
    ],
)
def test_a_call_is_shown_as_it_is_written(source, expected):
    assert reference.signature(reference.ast.parse(source).body[0]) == expected


@pytest.mark.parametrize(
    "docstring, expected",
    [
        ("As :class:`~a.b.Name`, or ``x * 2``.", "As `Name`, or `x * 2`."),
        ("One. Two, Fig. A of ``T. Next``. Raises ``E``.", "One.\nTwo, Fig. A of `T. Next`.\n\n- Raises `E`."),
        (
            "C * d.\n\nSource: arXiv 1611.05431.",
            "C \\* d.\n\n- Source: [arXiv 1611.05431](https://arxiv.org/abs/1611.05431).",
        ),
    ],
)
def test_a_docstring_becomes_markdown(docstring, expected):
    assert reference.markdown(docstring) == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_keeps_the_chapters_rules_for_markdown(page):
    """One sentence a line, nothing that only the site could show, one H1."""
    cell = new_markdown_cell(without_code(text_of(page)))
    assert not one_sentence_a_line(new_notebook(cells=[cell])) + portable_markdown(new_notebook(cells=[cell]))
    assert [level for level, _ in headings(new_notebook(cells=[cell]))].count(1) == 1


# ------------------------------------------------------------------ links


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_to_a_file_and_a_heading(page):
    assert not broken_links(page, text_of(page))


@pytest.mark.parametrize("link", ["nowhere.md", "glossary.md#nowhere", "#nowhere", "02_inception.ipynb#nowhere"])
def test_a_broken_link_is_found(link):
    assert broken_links(LIBRARY, f"[here]({link})") == [link]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_no_heading_that_a_link_may_mean_stands_twice(page):
    found = anchors(page)
    twice = {anchor for anchor in found if found.count(anchor) > 1}  # such as GoogLeNet and googlenet()
    linked = {link.partition("#")[2] for path in PAGES for link in re.findall(r"\]\(([^)\s]+)\)", text_of(path))}
    assert not twice & linked


# ------------------------------------------------------------------ the glossary


def test_the_glossary_has_all_its_entries():
    text = text_of(CHAPTERS / "glossary.md")
    assert len(terms()) == len(re.findall(r"^\*\*", text.split("\n## Terms\n")[1], re.MULTILINE)) >= 45


def test_terms_are_in_alphabetical_order_and_unique():
    names = [term.lower() for term, _, _, _ in terms()]
    assert names == sorted(set(names))


def test_every_entry_has_chinese_one_or_more_sentences_and_a_link():
    for term, _, chinese, text in terms():
        assert re.search(r"[\u4e00-\u9fff]", chinese) or "logits" in chinese, term
        *said, see = [line.strip() for line in text.strip().split("\n")]
        assert 1 <= len(said) <= 3 and all(line.endswith(".") for line in said), term
        place, file = re.fullmatch(r"See \[([^\]]+)\]\((\w+\.ipynb)#[^)]+\)\.", see).groups()
        chapter = f"chapter {int(file[:2])}" if file[:2].isdigit() else headings(read(CHAPTERS / file))[0][1].lower()
        assert place == chapter, term


@pytest.mark.parametrize("word", WORDS)
def test_the_books_words_are_in_the_glossary_and_in_the_notation(word):
    assert word in [code for _, code, _, _ in terms()]
    notation = text_of(CHAPTERS / "glossary.md").split("\n## Notation\n")[1].split("\n## ")[0]
    assert re.search(rf"^\|[^|]*\| `{word}(\(x\))?` \|", notation, re.MULTILINE)


def test_the_names_in_code_exist():
    modules = [import_module(f"resnext_lib.{module}") for module in reference.MODULES]
    arguments = {
        name
        for module in reference.MODULES
        for node in reference.definitions(module)
        for name in re.findall(r"\w+", reference.signature(node))
    }
    attributes = {"paths", "downsample", "shortcut", "state_dict", "groups"}
    for term, code, _, _ in terms():
        assert not code or code in arguments | attributes or any(hasattr(m, code) for m in modules), term


def test_the_values_in_the_notation_are_those_of_the_network():
    with torch.device("meta"):
        network = networks.resnext50_32x4d()
    stages = [network.layer1, network.layer2, network.layer3, network.layer4]
    blocks = [block for stage in stages for block in stage]
    costs = stage_costs(network, (3, 224, 224))
    projections = sum(block.downsample is not None for block in blocks)
    right = {
        "cardinality, $C$": f"{network.cardinality} in every stage",
        "bottleneck width, $d$ of conv2": f"{network.bottleneck_width}",
        "$d$ of each stage": ", ".join(str(s[0].width // s[0].cardinality) for s in stages),
        "$C \\cdot d$": ", ".join(str(s[0].width) for s in stages),
        "stage width": ", ".join(str(s[0].out_channels // networks.EXPANSION) for s in stages),
        "output of the block": ", ".join(str(s[0].out_channels) for s in stages),
        "expansion": f"{networks.EXPANSION}",
        "$\\mathcal{T}_i$ in conv2": "256 → 4 → 4 → 256",
        "side of the map": ", ".join(str(costs[f"layer{i}"].output_shape[1]) for i in (1, 2, 3, 4)),
        "blocks": ", ".join(str(len(s)) for s in stages),
        "shortcuts": f"{len(blocks) - projections} identities, {projections} projections",
        "depth": f"{3 * len(blocks) + 2}",
        "parameters": f"{count_parameters(network):,}",
        "MACs at 224×224": f"{count_macs(network, (3, 224, 224)):,}",
    }
    table = text_of(CHAPTERS / "glossary.md").split("\n### Values")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE))
    assert rows == {"quantity": "value", **right}


# ------------------------------------------------------------------ the references


def test_every_paper_that_the_book_names_is_in_the_references():
    sources = [*CHAPTERS.glob("*.ipynb"), *CHAPTERS.glob("*.md"), ROOT / "intro.md"]
    sources += [*(ROOT / "resnext_lib").glob("*.py"), ROOT / "resnext_lib" / "published.toml"]
    listed = set(re.findall(rf"\]\(https://arxiv\.org/abs/({ARXIV})\)", text_of(CHAPTERS / "references.md")))
    named = {path.name: set(re.findall(rf"(?i)arxiv(?:\.org/abs/|[ :]*)({ARXIV})", text_of(path))) for path in sources}
    assert set.union(*named.values()) >= {"1611.05431", "1512.03385", "1409.4842"}
    assert not {name: missing for name, found in named.items() if (missing := found - listed)}


def test_every_source_of_a_published_number_is_in_the_references():
    text = text_of(CHAPTERS / "references.md")
    sources = set(re.findall(r'source = "([^"]+)"', text_of(ROOT / "resnext_lib" / "published.toml")))
    assert sources
    for source in sources:
        wanted = source.replace("facebookresearch/ResNeXt, ", "").replace("arXiv ", "[arXiv ")
        assert wanted in text, source


def test_every_thread_that_the_book_names_is_in_the_references():
    listed = set(re.findall(r"github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", text_of(CHAPTERS / "references.md")))
    named = set()
    for path in [*CHAPTERS.glob("*.ipynb"), *CHAPTERS.glob("*.md"), *(ROOT / "resnext_lib").glob("*.*")]:
        text = text_of(path)
        named |= set(re.findall(r"([\w.-]+/[\w.-]+?)(?:#|,? issue )(\d+)", text))
        named |= set(re.findall(r"github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", text))
    assert ("pytorch/vision", "906") in named
    assert named <= listed, named - listed


def test_a_link_to_a_thread_or_paper_says_where_it_goes():
    text = text_of(CHAPTERS / "references.md")
    for label, number in re.findall(r"\[([^\]]*#\d+)\]\(\S+/(?:issues|pull)/(\d+)\)", text):
        assert label.endswith(f"#{number}"), label
    for label, number in re.findall(r"\[arXiv ([\d.]+)\]\(https://arxiv\.org/abs/([\d.]+)\)", text):
        assert label == number


def test_the_licence_of_the_pretrained_models_is_stated():
    assert "CC BY-NC 4.0" in text_of(CHAPTERS / "references.md")


# ------------------------------------------------------------------ numbers


@pytest.fixture(scope="session")
def recomputed():
    """Counts of every constructor, and the widths and budgets that the pages may print."""
    found = {f"{RESNET_BUDGET}"}
    for name, build in inspect.getmembers(networks, inspect.isfunction):
        if build.__module__ == networks.__name__ and re.search(r"net|next", name):
            image = (3, 32, 32) if "29" in name else (1, 28, 28) if "small" in name else (3, 224, 224)
            with torch.device("meta"):
                network = build()
            found |= {
                f"{count_parameters(network)}",
                f"{count_macs(network, image)}",
                f"{count_activations(network, image)}",
            }
    with torch.device("meta"):
        found.add(f"{count_parameters(networks.torchvision_googlenet(auxiliary_heads=True))}")
    found.add(f"{count_parameters(networks.small_resnext(1, 64))}")
    widths = [networks.group_width(4, 64 * 2**stage) for stage in range(4)]
    return found | {f"{32 * d}" for d in widths} | {f"{256 * 2**stage}" for stage in range(4)}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_long_number_was_published_or_is_recomputed(page, recomputed):
    text = re.sub(rf"\]\([^)]*\)|#\d+|{ARXIV}", " ", without_code(text_of(page)))
    harmless = {"1000"}  # ImageNet's classes, "about 1000 filters"
    assert not numbers_in(text) - recomputed - published_numbers() - harmless
