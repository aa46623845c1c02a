"""The Chinese edition cannot drift unseen: one catalogue, every message checked, a changed sentence back in English."""

import copy
import json
import re

import pytest
from mdit_py_plugins.anchors.index import slugify
from py_mini_racer import MiniRacer
from site_tools import ROOT
from translation_for_tests import stand_in, whole_book

from resnext_lib import explorers
from tools import publish
from tools.notebooks import read, text_of
from tools.translation import __main__ as command
from tools.translation import catalogue, edition, glossary, pages, rules, scripts
from tools.translation.markdown import joined, translate_markdown
from tools.translation.markup import translate_html

BOOK = catalogue.read_book()
FINISHED = (ROOT / "locale/finished.txt").read_text(encoding="utf-8").split()
NOTEBOOKS = [page for page in pages.translated_pages() if pages.source_of(page).suffix == ".ipynb"]
EXPLORERS = [name for name in explorers.__all__ if name != "Explorer"]
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@pytest.fixture(scope="module")
def chinese():
    """An edition in which everything is translated."""
    return edition.Chinese(whole_book())


@pytest.fixture(scope="module")
def today():
    """The catalogue as `make translations` would write it: a sentence that is new on a page is in it."""
    return catalogue.current()


def nothing(message, kind="", place=""):
    return None


# ------------------------------------------------------------------ the catalogue as it is


@pytest.mark.parametrize("name", BOOK.files)
def test_issue_20_every_translation_keeps_the_rules(name):
    assert not command.complaints(BOOK, [name])


def test_issue_20_nothing_is_missing_in_what_is_declared_finished(today):
    missing = command.unfinished(today, FINISHED)
    assert missing == {}, (
        f"new sentences without Chinese in {[f'locale/zh_CN/LC_MESSAGES/{name}.po' for name in missing]}: make translations, "
        "and give each its msgstr, or take the page's name out of locale/finished.txt"
    )


def test_issue_20_what_is_missing_or_stale_is_told_of_every_file(today, record_property):
    table = command.table(today)
    record_property("the Chinese edition", table)  # conftest.py prints it behind the run
    heads, *rows = [line.split() for line in table.splitlines()]
    assert heads == ["translated", "stale", "missing"]
    assert sorted(row[0] for row in rows[:-1]) == sorted(BOOK.files) and rows[-1][0] == "all"
    counts = [[int(number.replace(",", "")) for number in row[1:]] for row in rows]
    assert counts[-1] == [sum(column) for column in zip(*counts[:-1], strict=True)]


def test_issue_20_a_missing_entry_and_a_mistyped_file_would_be_told():
    entries = [catalogue.Entry("a", "甲"), catalogue.Entry("b", "", "text"), catalogue.Entry("c", "丙", "text", "before")]
    assert command.unfinished(catalogue.Book({"x": entries}), ["x", "y"]) == {"x": ["b"], "y": []}


def test_issue_20_a_file_holds_no_date_no_path_and_no_line_number():
    for path in catalogue.FOLDER.glob("*.po"):
        text = path.read_text(encoding="utf-8")
        assert "POT-Creation-Date" not in text and "\n#: " not in text and str(ROOT) not in text


def test_issue_20_writing_and_reading_a_catalogue_changes_nothing(tmp_path):
    entries = [
        catalogue.Entry('Say "x" \\ y.', "说 “x”。", "text, c01"),
        catalogue.Entry(
            "New words.",
            "旧词。",
            "a very long place that makes the comment of the message longer than one line of it",
            "Old.",
        ),
        catalogue.Entry("23.9 % of {all}", "", "item"),
    ]
    (tmp_path / "a.po").write_text(catalogue.text_of("a", entries), encoding="utf-8")
    assert catalogue.read_file(tmp_path / "a.po") == entries


# ------------------------------------------------------------------ finding messages loses nothing


@pytest.mark.parametrize("page", pages.translated_pages())
def test_issue_20_a_page_without_translations_is_its_english(page):
    path = pages.source_of(page)
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        assert pages.translate_page(text, nothing) == text
    else:
        notebook = read(path)
        assert pages.translate_notebook(copy.deepcopy(notebook), nothing) == notebook


def test_issue_20_marks_of_markdown_are_no_part_of_a_message():
    source = "## A *head*\n\nOne sentence.\nTwo `code`.\n\n- An item.\n  Its second line.\n1. First.\n\n$$a + bb$$\n\n```\nrun it\n```\n\n| one | $x$ |\n|---|---|"
    found = []
    translate_markdown(source, lambda message, kind: found.append(message))
    assert found == ["A *head*", "One sentence.", "Two `code`.", "An item.", "Its second line.", "First.", "one"]


def test_issue_20_sentences_of_a_paragraph_are_joined_without_a_blank():
    known = {"One.": "一。", "Two.": "二。", "Three.": "三**。**"}
    made = translate_markdown("One.\nTwo.\nThree.\nFour.\n\nOne.", lambda message, kind: known.get(message))
    assert made == "一。二。三**。**Four.\n\n一。"
    assert translate_markdown("Four.\nOne.", lambda message, kind: known.get(message)) == "Four.\n一。"
    assert joined([("- ", "一。"), ("  ", "二")]) == "- 一。二"


def test_issue_20_a_figures_caption_number_and_alternative_text_are_translated():
    source = '<figure id="fig-5-1"><img alt="A &quot;path&quot;." src="data:x"><figcaption><b>Figure 5.1.</b> It is 1 &lt; 2.</figcaption></figure>'
    known = {'A "path".': '一条"路径"。', "It is 1 < 2.": "1 < 2。", "Figure 5.1.": pages.figure_number("Figure 5.1.")}
    made = translate_html(source, lambda message, kind: known.get(message))
    assert made == (
        '<figure id="fig-5-1"><img alt="一条&quot;路径&quot;。" src="data:x"><figcaption><b>图 5.1：</b>1 &lt; 2。</figcaption></figure>'
    )


# ------------------------------------------------------------------ the glossary

GLOSSARY = pages.source_of(glossary.GLOSSARY).read_text(encoding="utf-8")


def test_issue_20_no_catalogue_repeats_the_names_of_terms():
    """They stand in the source in both languages; what a term means is a message."""
    messages = pages.messages_of(glossary.GLOSSARY)
    assert "The number C of paths whose outputs a block adds up." in messages
    assert not [m for m in messages if m.startswith("**") or re.fullmatch(r"[^|]*[\u4e00-\u9fff]+（[^，]*", m)]


def test_issue_20_a_chinese_entry_has_its_chinese_name_in_front_and_the_english_one_behind():
    made = glossary.chinese_first(GLOSSARY)
    assert made.partition("\n**")[0] == GLOSSARY.partition("\n**")[0]
    entries = re.findall(r"^\*\*(.+)\*\*(.*)\n: (.+)\n: ((?:.+\n)+)", made, re.MULTILINE)
    english = glossary.ENTRY.findall(GLOSSARY)
    assert sorted((name, other, means) for name, _, other, means in entries) == sorted(
        (glossary.chinese_names(names)[0], term, means) for term, _, names, means in english
    )
    assert "**基数**（`cardinality`）\n: Cardinality\n: " in made
    assert "**压缩与激励**（SE 模块，`SqueezeExcitation`）\n: Squeeze and excitation\n: " in made
    assert "**深度卷积**（逐通道卷积）\n: Depthwise convolution\n: " in made


def test_issue_20_chinese_entries_are_in_the_order_of_pinyin():
    names = re.findall(r"^\*\*(.+?)\*\*", glossary.chinese_first(GLOSSARY), re.MULTILINE)
    some = ["GELU 激活函数", "logits", "残差", "池化", "分支", "基数", "卷积", "瓶颈结构", "特征图", "转换", "组宽度"]
    assert [name for name in names if name in some] == some
    # Of the other characters of this encoding the order is that of their strokes.
    common = [name.encode("gb18030")[:2] for name in names if not name[0].isascii()]
    assert all(b"\xb0\xa1" <= character <= b"\xd7\xf9" for character in common)
    # Characters with two readings stand in the encoding where one of them belongs: these are in their right place.
    assert {name for name in names if name[0] in "重长行调数乐都藏曾"} <= {"数据并行"}


# ------------------------------------------------------------------ rules


GOOD = [
    ("about 70 thousand weights, see [chapter 5](05.ipynb#a).", "约 7 万个权重，见[第 5 章](05.ipynb#a)。"),
    ("ResNeXt-50 has 25.0 million parameters and $C$ is **32**.", "ResNeXt-50 有 2500 万个参数，$C$ 是 **32**。"),
    ("Use `groups` (23.9 %): why?", "使用 `groups`（23.9%）：为什么？"),
    ("(a) Yes, form (b).", "(a) 是的，形式 (b)。"),
    ("ResNeXt-50 (32x4d) errs in 22.2 % (Table 3).", "ResNeXt-50 (32x4d) 的错误率是 22.2%（表 3）。"),
    ("See [Figure 5.1](#fig-5-1), *twice*.", "见[图 5.1](#fig-5-1)，看*两次*。"),
    ('${n.c} path${n.c > 1 ? "s" : ""} of width ${n.d}', "${n.c} 条宽度为 ${n.d} 的路径"),
]
BAD = {
    "numbers": ("It has 32 paths.", "它有 23 条路径。"),
    "code spans": ("It is `x`.", "它是 `y`。"),
    "links": ("See [a](b.ipynb).", "见[甲](c.ipynb)。"),
    "formulas": ("It is $C$.", "它是 $D$。"),
    "HTML tags": ("It is <b>so</b>.", "如此。"),
    "emphasis": ("It is **so** here.", "这里是**“如此”**的。"),
    "half-width": ("It, here, is.", "它,在这里。"),
    "no space": ("It has `x`.", "它有`x`。"),
    "a space beside": ("Two, three.", "两个， 三个。"),
    "two Chinese": ("Two three.", "两个 三个。"),
    "full-width letter": ("It has 32.", "它有 ３２ 32。"),
    "ends with": ("Is it?", "是。"),
    "not Chinese": ("It works here with words.", "It works here with words."),
    "placeholders": ("${found.length} sections found.", "找到若干节。"),
    "mark of Markdown": ("So it is.", "- 如此。"),
    "line break": ("So it is.", "如\n此。"),
}


@pytest.mark.parametrize("message, translation", GOOD)
def test_issue_20_a_good_translation_passes(message, translation):
    assert rules.problems(message, translation, "${" in message) == []


@pytest.mark.parametrize("rule", BAD)
def test_issue_20_a_translation_that_breaks_a_rule_is_told(rule):
    message, translation = BAD[rule]
    assert any(rule in problem for problem in rules.problems(message, translation, "${" in message))


# ------------------------------------------------------------------ a changed sentence


@pytest.fixture
def small_book(tmp_path):
    """A book of one page, translated."""
    (tmp_path / "_toc.yml").write_text("root: intro\nparts: []\n", encoding="utf-8")
    (tmp_path / "_config.yml").write_text(
        "title: T\nauthor: A\nsphinx: {config: {nb_code_prompt_show: Show it, nb_code_prompt_hide: Hide it}}\n",
        encoding="utf-8",
    )
    (tmp_path / "site/search").mkdir(parents=True)
    (tmp_path / "site/search/search.js").write_text("", encoding="utf-8")
    (tmp_path / "intro.md").write_text("# A page\n\nIt has 32 paths.\nThey are added.\n", encoding="utf-8")
    folder = tmp_path / "po"
    catalogue.update(tmp_path, folder)
    known = {"A page": "一页", "It has 32 paths.": "它有 32 条路径。", "They are added.": "它们相加。"}
    entries = catalogue.read_file(folder / "intro.po")
    for entry in entries:
        entry.translation = known[entry.message]
    (folder / "intro.po").write_text(catalogue.text_of("intro", entries), encoding="utf-8")
    return tmp_path


def chinese_of(root):
    return edition.Chinese(catalogue.update(root, root / "po"), root)


def test_issue_20_a_changed_sentence_is_english_on_the_page_and_counted_as_stale(small_book):
    assert chinese_of(small_book).page("intro") == "# 一页\n\n它有 32 条路径。它们相加。\n"
    path = small_book / "intro.md"
    path.write_text(path.read_text(encoding="utf-8").replace("32 paths", "64 paths"), encoding="utf-8")
    # The sentence that stands in the file falls back even before anybody has run the command.
    before = edition.Chinese(catalogue.read_book(small_book / "po"), small_book)
    assert before.page("intro") == "# 一页\n\nIt has 64 paths.\n它们相加。\n"
    book = chinese_of(small_book).book
    assert ("intro", 2, 1, 0) in command.counts(book)
    (stale,) = [entry for entry in book.files["intro"] if entry.stale]
    assert (stale.previous, stale.translation) == ("It has 32 paths.", "它有 32 条路径。"), "the translator starts from it"
    assert chinese_of(small_book).page("intro") == before.page("intro")


def test_issue_20_what_a_long_sentence_said_before_is_read_back_as_it_was(tmp_path):
    """Babel breaks such a line at 76 characters unless it is told a width, and then nothing can be read back."""
    long = "A sentence of more than seventy-six characters, which is the width at which comments are broken otherwise."
    path = tmp_path / "intro.po"
    path.write_text(catalogue.text_of("intro", [catalogue.Entry("New.", "新。", "text", long)]), encoding="utf-8")
    assert [entry.previous for entry in catalogue.read_file(path)] == [long]


def test_issue_20_updating_twice_changes_nothing_and_a_moved_sentence_keeps_its_translation(small_book):
    catalogue.update(small_book, small_book / "po")
    before = {path.name: path.read_bytes() for path in (small_book / "po").iterdir()}
    catalogue.update(small_book, small_book / "po")
    assert {path.name: path.read_bytes() for path in (small_book / "po").iterdir()} == before
    (small_book / "intro.md").write_text("# A page\n\nThey are added.\nIt has 32 paths.\n", encoding="utf-8")
    assert chinese_of(small_book).page("intro") == "# 一页\n\n它们相加。它有 32 条路径。\n"


# ------------------------------------------------------------------ notebooks


@pytest.mark.sampled(5)
@pytest.mark.parametrize("page", NOTEBOOKS)
def test_issue_20_a_chinese_notebook_differs_in_its_markdown_alone(chinese, page):
    english, made = read(pages.source_of(page)), chinese.notebook(page)
    assert [cell.id for cell in made.cells] == [cell.id for cell in english.cells]
    for before, after in zip(english.cells, made.cells, strict=True):
        assert after.cell_type == before.cell_type
        if before.cell_type == "code":
            assert (after.source, after.outputs) == (before.source, before.outputs)
            assert after.metadata.get("tags") == before.metadata.get("tags")
    assert "译文" in text_of(made)


def test_issue_20_a_link_in_a_chinese_notebook_leads_to_a_chinese_heading(chinese):
    """Or to a term of the glossary, whose address is the English one in both editions."""
    terms = {slugify(term) for term, *_ in glossary.ENTRY.findall(chinese.page_in_english("chapters/glossary"))}
    for page in NOTEBOOKS:
        for file, anchor in edition.PLACE.findall(text_of(chinese.notebook(page))):
            target = f"chapters/{file.rpartition('.')[0]}" if file else page
            if target == "chapters/glossary" and anchor in terms:
                continue
            if target in chinese.pages and not anchor.startswith("fig-"):
                assert anchor in chinese.addresses(target).values(), f"{page}: {file}#{anchor}"


def test_issue_20_a_link_names_a_heading_by_its_chinese_words():
    book = whole_book()
    for entry in book.files["04_grouped_convolution"]:
        if entry.message == "Each output reads one group of inputs":
            entry.translation = "每个输出只读一组 `x` 输入（A）"
    made = edition.Chinese(book)
    place = made.place(
        "chapters/05_the_resnext_block", "04_grouped_convolution.ipynb", "each-output-reads-one-group-of-inputs"
    )
    assert place == "](04_grouped_convolution.ipynb#每个输出只读一组-x-输入a)"
    assert made.place("chapters/04_grouped_convolution", "", "fig-4-1") == "](#fig-4-1)", "a figure has its own address"
    assert made.place("chapters/05_the_resnext_block", "library.md", "blocks") == "](library.md#blocks)", "it stays English"


@pytest.mark.parametrize("page", pages.translated_pages())
def test_issue_20_every_heading_has_its_english_counterpart(chinese, page):
    assert len(edition.headings(chinese.page(page))) == len(edition.headings(chinese.page_in_english(page)))


def test_issue_20_the_edition_for_classes_has_starters_and_chinese(chinese, tmp_path):
    edition.write(tmp_path, chinese)
    student = json.loads((tmp_path / "student/05_the_resnext_block.ipynb").read_text(encoding="utf-8"))
    whole = json.loads((tmp_path / "chapters/05_the_resnext_block.ipynb").read_text(encoding="utf-8"))
    sources = [["".join(cell["source"]) for cell in book["cells"]] for book in (student, whole)]
    solved = [i for i, cell in enumerate(whole["cells"]) if "exercise" in cell["metadata"]]
    assert solved and all(sources[0][i] != sources[1][i] for i in solved)
    assert "译文" in sources[0][0]
    assert len(list((tmp_path / "chapters").iterdir())) == len(NOTEBOOKS)


# ------------------------------------------------------------------ explorers


def explorer_scripts():
    notebook = read(pages.source_of(pages.EXPLORERS))
    outputs = [output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])]
    return [script for text in outputs for script in SCRIPT.findall("".join(text))]


@pytest.mark.parametrize("number", range(len(EXPLORERS)))
def test_issue_20_an_explorers_script_is_still_one_and_says_chinese(chinese, number):
    script = explorer_scripts()[number]
    made = scripts.translate_script(script, chinese.translator(pages.EXPLORERS))
    assert made.count("译文") > 10
    with MiniRacer() as engine:
        engine.eval(f"new Function({json.dumps(made)})")  # raises where the syntax is broken
    assert scripts.translate_script(script, nothing) == script
    # No class, key or event is taken for language: everything that is not read stands as it did.
    code, own = (scripts.DATA.sub("", text) for text in (script, made))
    kept = [code[a:b] for a, b in scripts.literals(code) if '"' == code[a] and "译文" not in stand_in(code[a + 1 : b - 1])]
    assert all(literal in own for literal in kept)


@pytest.mark.parametrize("number", range(len(EXPLORERS)))
def test_issue_20_no_program_looks_at_a_word_that_is_translated(number):
    """What decides or names a thing in a script stays English: the reader's word for it may be any."""
    made = scripts.translate_script(explorer_scripts()[number], lambda message, kind: "译文")
    looked_at = re.findall(r'[^;\n]{0,40}(?:[=!]==? *["`]译文|译文["`] *[=!]==?|\w\[["`]译文["`]\]|译文["`]:).*', made)
    assert not looked_at


def test_issue_20_every_place_of_a_single_word_is_there():
    everything = "\n".join(explorer_scripts())
    for place in scripts.SINGLE.pattern.split("|const")[0].split("|"):
        assert re.search(place.removesuffix("$"), everything), place


def test_issue_20_no_explorer_is_missing():
    assert len(explorer_scripts()) == len(EXPLORERS)


# ------------------------------------------------------------------ the command


def test_issue_20_the_command_names_the_rule_and_the_entry(small_book, monkeypatch, capsys):
    po = small_book / "po/intro.po"
    po.write_text(po.read_text(encoding="utf-8").replace("它有 32 条", "它有 23 条"), encoding="utf-8")
    monkeypatch.setitem(command.COMMANDS, "check", lambda: catalogue.Book({"intro": catalogue.read_file(po)}))
    assert command.main(["check", "intro"]) == 1
    assert "It has 32 paths." in (said := capsys.readouterr().out) and "numbers" in said
    with pytest.raises(SystemExit, match="there is no catalogue 'other'; there are intro"):
        command.main(["check", "other"])
    with pytest.raises(SystemExit, match="name one folder"):
        command.main(["notebooks"])


def test_issue_20_a_theme_word_or_template_word_is_a_message():
    words = catalogue.site_words()
    assert {"Color mode", "Download this notebook", "Part I: The idea", "Back to", "The ResNeXt Book"} <= set(words)


@pytest.mark.slow
def test_issue_20_the_published_branch_has_the_chinese_notebooks(tmp_path):
    publish.lay_out(tmp_path)
    names = {path.relative_to(tmp_path / "zh").as_posix() for path in (tmp_path / "zh").rglob("*.ipynb")}
    assert names == {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*.ipynb")}
