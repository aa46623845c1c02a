"""Every chapter keeps the notebook contract, and every rule of it is proven by notebooks that break it."""

import copy
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from nbformat.v4 import new_output
from notebooks_for_tests import CHAPTERS, NOTEBOOKS, chapter_id, code, notebook, save, text
from site_speed import PAGE_BYTES

from tools import contract, facts
from tools.contract import RULES
from tools.notebooks import read
from tools.setup_cell import setup_source

FOLDED = dict(tags=["hide-input"], cellView="form", jupyter={"source_hidden": True})
LIVE = dict(tags=["nbval-ignore-output"])
CHECKED = dict(tags=["hide-cell"])
QUESTION = """**{number}. Which?**

- (a) This.
- (b) That.
- (c) Neither.

<details><summary>Answer</summary>

(b) is right, (a) is not, and (c) is neither.

</details>
"""


# ------------------------------------------------------------------ a small notebook that keeps every rule


def good_notebook():
    """The smallest chapter: cells 0 to 17. The mutations below refer to them by these names."""
    quiz = "\n".join(QUESTION.format(number=number) for number in (1, 2, 3, 4))
    return notebook(
        text("# A small chapter\n\nIt has one idea."),
        code(setup_source(facts.address())),
        text("## What you will be able to do\n\nYou need nothing."),
        code("from resnext_lib import exercises, figures"),
        text("## The story\n\nA block has 69,632 weights, see Fig. 1 of arXiv 1611.05431."),
        code("print(f'{69632:,}')", printed="69,632\n"),
        code("figures.show(fig, alt='A single blue rectangle.')", figure="A single blue rectangle."),
        code("def path_layers(x):\n    return x", mirrors="path_layers"),
        code("measure()", printed="took 3.21 seconds\n", **LIVE),
        code("assert ratio > 1"),
        text("## What usually goes wrong\n\nLittle.\n\n## Recap\n\n- One idea.\n\n## Quiz\n\n" + quiz),
        text("## Exercises\n\n**1. Count.**"),
        code("first = 1", exercise="first", **FOLDED),
        code("exercises.first(first)", result="correct: one.", **CHECKED),
        text("**2. Count.**"),
        code("second = 2", exercise="second", **FOLDED),
        code("exercises.second(second)", result="correct: two.", **CHECKED),
        text("**3. Count.**"),
        code("third = 3", exercise="third", **FOLDED),
        code("exercises.third(third)", result="correct: three.", **CHECKED),
    )


TITLE, SETUP, OPENING, STORY, PRINTED, FIGURE, DEFINED, MEASURED, ASSERTED, QUIZ = 0, 1, 2, 4, 5, 6, 7, 8, 9, 10
SOLUTION, CHECK = 12, 13


# ------------------------------------------------------------------ mutations: what is done to it, who must say what


def add(index, more):
    """Append ``more`` to a cell's source."""

    def change(made):
        made.cells[index].source += more

    return change


def say(index, old, new):
    """Replace ``old`` in a cell's source."""

    def change(made):
        assert old in made.cells[index].source
        made.cells[index].source = made.cells[index].source.replace(old, new)

    return change


def show(index, **data):
    """Replace a cell's outputs by one with this data; ``text_plain`` is the type text/plain."""

    def change(made):
        kinds = {kind.replace("_", "/", 1).replace("svg_xml", "svg+xml"): value for kind, value in data.items()}
        made.cells[index].outputs = [new_output("display_data", kinds)]

    return change


def stream(index, printed, name="stdout"):
    def change(made):
        made.cells[index].outputs = [new_output("stream", name=name, text=printed)]

    return change


def put(index, *cells):
    """Insert cells; the counts stay 1..n."""

    def change(made):
        made.cells[index:index] = [copy.deepcopy(cell) for cell in cells]
        made.update(notebook(*made.cells))

    return change


def drop(index):
    def change(made):
        del made.cells[index]
        made.update(notebook(*made.cells))

    return change


def tag(index, *tags):
    def change(made):
        made.cells[index].metadata["tags"] = list(tags)

    return change


def meta(index, key, value=None):
    """Set a cell's metadata, or remove them."""

    def change(made):
        made.cells[index].metadata.pop(key, None)
        if value is not None:
            made.cells[index].metadata[key] = value

    return change


def count(index, number):
    def change(made):
        made.cells[index].execution_count = number

    return change


def error(index):
    def change(made):
        made.cells[index].outputs = [new_output("error", ename="ValueError", evalue="")]

    return change


def of_notebook(key, value):
    def change(made):
        made.metadata[key] = value

    return change


def same_id(made):
    made.cells[3]["id"] = made.cells[5]["id"]


def no_id(made):
    made.cells[3].pop("id")
    made.cells[5].pop("id")


def more_questions(made):
    made.cells[QUIZ].source += QUESTION * 3


def long_cells(made):
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.source += "\nx = 1" * 9


IMAGE = '<img src="data:image/svg+xml,%3Csvg/%3E"'
# what is done, the rule that must complain, words of its complaint
MUTATIONS = [
    (count(PRINTED, None), "executed_in_order", "not 1..n"),
    (count(PRINTED, 7), "executed_in_order", "not 1..n"),
    (stream(PRINTED, "Warning!", "stderr"), "no_standard_error", "stderr"),
    (error(PRINTED), "no_standard_error", "error"),
    (put(ASSERTED + 1, *[code("measure()", **LIVE), code("assert x")] * 3), "few_live_cells", "4 live cells"),
    (drop(ASSERTED), "few_live_cells", "no asserting cell"),
    (say(ASSERTED, "assert ratio > 1", "print(ratio)"), "few_live_cells", "no asserting cell"),
    (say(ASSERTED, "assert ratio > 1", "# we could assert this"), "few_live_cells", "no asserting cell"),
    (say(ASSERTED, "assert ratio > 1", "print('the assert is elsewhere')"), "few_live_cells", "no asserting cell"),
    (tag(ASSERTED, "nbval-ignore-output"), "few_live_cells", "no asserting cell"),
    (tag(PRINTED, "nbval-skip"), "few_live_cells", "hides a cell"),
    (tag(PRINTED, "nbval-raises-exception"), "few_live_cells", "hides a cell"),
    (add(PRINTED, "\n# NBVAL_IGNORE_OUTPUT"), "few_live_cells", "comment marker"),
    (add(PRINTED, "\n# PYTEST_VALIDATE_IGNORE_OUTPUT"), "few_live_cells", "comment marker"),
    (of_notebook("kernelspec", {"name": "my-env"}), "lean_metadata", "kernelspec"),
    (of_notebook("language_info", {"name": "python", "version": "3.11.2"}), "lean_metadata", "language_info"),
    (meta(PRINTED, "execution", {"iopub.status.busy": "2024"}), "lean_metadata", "timing"),
    (same_id, "lean_metadata", "cell ids"),
    (no_id, "lean_metadata", "cell ids"),
    (stream(PRINTED, "<object at 0x7f3a5c0d1e80>"), "exact_outputs", "an address"),
    (stream(PRINTED, "saved to /home/ada/file.pt"), "exact_outputs", "a path"),
    (stream(PRINTED, " 50%|#####     | 5/10"), "exact_outputs", "a progress bar"),
    (stream(PRINTED, "took 3.2 seconds"), "exact_outputs", "a time"),
    (stream(PRINTED, "12 ms a step"), "exact_outputs", "a time"),
    (stream(PRINTED, "took 3.2 s"), "exact_outputs", "a time"),
    (stream(PRINTED, "differ by 2.384e-07"), "exact_outputs", "float difference"),
    (show(PRINTED, text_plain="at 0x7f3a5c0d1e80"), "exact_outputs", "an address"),
    (show(PRINTED, text_html="<p>at 0x7f3a5c0d1e80</p>"), "exact_outputs", "an address"),
    (show(FIGURE, image_png="iVBORw0KGgo=", text_plain="<Figure>"), "figures_by_primitive", "outside figures.show"),
    (show(FIGURE, image_svg_xml="<svg/>", text_plain="<Figure>"), "figures_by_primitive", "outside figures.show"),
    (show(FIGURE, text_html=f"<figure>{IMAGE}></figure>", text_plain="x"), "figures_by_primitive", "alt"),
    (
        show(FIGURE, text_html=f'<figure>{IMAGE} alt="short"></figure>', text_plain="short"),
        "figures_by_primitive",
        "too short",
    ),
    (
        show(FIGURE, text_html=f'<figure>{IMAGE} alt="A single blue rectangle."></figure>', text_plain="another text"),
        "figures_by_primitive",
        "not the plain text",
    ),
    (meta(DEFINED, "mirrors"), "definitions_declared", "path_layers is defined without"),
    (put(DEFINED, code("class Block:\n    pass")), "definitions_declared", "Block is defined without"),
    (add(STORY, "\n\n```{note}\nMind this.\n```"), "portable_markdown", "directive"),
    (add(STORY, "\n\n:::{note}\nMind this.\n:::"), "portable_markdown", "directive"),
    (add(STORY, "\nSee {doc}`other`."), "portable_markdown", "role"),
    (add(STORY, "\n![a block](block.png)"), "portable_markdown", "image"),
    (add(STORY, '\n<img src="https://example.org/x.png">'), "portable_markdown", "image"),
    (say(QUIZ, "</summary>\n\n", "</summary>\n"), "portable_markdown", "blank line"),
    (add(STORY, "\n\\begin{align}\nx\n\\end{align}"), "portable_markdown", "TeX environment"),
    (say(STORY, "69,632", "69,633"), "no_orphan_numbers", "69633"),
    (say(STORY, "69,632", "69{,}633"), "no_orphan_numbers", "69633"),
    (add(STORY, "\nThat is 0.12345 of it."), "no_orphan_numbers", "0.12345"),
    (tag(PRINTED, "nbval-ignore-output"), "no_orphan_numbers", "69632"),
    (add(PRINTED, "\nx = 1" * 30), "short_cells", "31 lines"),
    (long_cells, "small_steps", "median"),
    (add(STORY, "\nOne sentence. Another one."), "one_sentence_a_line", "One sentence"),
    (add(STORY, "\nIs it? It is."), "one_sentence_a_line", "Is it?"),
    (add(STORY, "\n- In a list. Too."), "one_sentence_a_line", "In a list"),
    (say(TITLE, "# A small chapter", "A small chapter"), "fixed_order", "H1"),
    (add(STORY, "\n\n# Another title"), "fixed_order", "H1"),
    (say(OPENING, "## What you will be able to do", "## Aims"), "fixed_order", "sections"),
    (say(QUIZ, "## Recap", "### Recap"), "fixed_order", "sections"),
    (say(QUIZ, "## Recap", "## Summary"), "fixed_order", "sections"),
    (add(CHECK - 2, "\n\n## More"), "fixed_order", "sections"),
    (say(STORY, "## The story", "The story"), "fixed_order", "sections"),
    (add(SETUP, "\n"), "setup_cell", "setup cell"),
    (say(SETUP, 'BOOK = "', 'BOOK = "https://github.com/someone/else@main'), "setup_cell", "setup cell"),
    (put(SETUP, text("First, some words.")), "setup_cell", "setup cell"),
    (drop(SETUP), "setup_cell", "setup cell"),
    (meta(SOLUTION, "cellView"), "exercise_format", "first is not"),
    (meta(SOLUTION, "jupyter"), "exercise_format", "first is not"),
    (meta(SOLUTION, "tags"), "exercise_format", "first is not"),
    (say(CHECK, "exercises.first", "exercises.second"), "exercise_format", "first is not"),
    (drop(CHECK + 1), "exercise_format", "second is not"),
    (show(CHECK, text_plain="not yet: it is one."), "exercise_format", "does not pass"),
    (show(CHECK, text_plain="not yet: the correct answer is another."), "exercise_format", "does not pass"),
    (meta(SOLUTION, "exercise"), "exercise_format", "2 exercises"),
    (say(QUIZ, QUESTION.format(number=4), ""), "quiz_format", "3 questions"),
    (more_questions, "quiz_format", "7 questions"),
    (say(QUIZ, ", and (c) is neither", ""), "quiz_format", "['a', 'b', 'c'] but answers to ['a', 'b']"),
    (say(QUIZ, "- (c) Neither.\n", ""), "quiz_format", "options ['a', 'b']"),
    (say(QUIZ, "(c) is neither", "(c) and (d) are neither"), "quiz_format", "['a', 'b', 'c', 'd']"),
    (tag(PRINTED, "hide-input"), "folds_say_what_they_hide", "folded without words of its own"),
    (meta(CHECK, "tags"), "keys_after_the_answer", "not folded (hide-cell): exercises.first"),
    (tag(CHECK, "hide-input"), "keys_after_the_answer", "not folded (hide-cell): exercises.first"),
    (
        put(QUIZ + 1, code("print('question 3: 69,888')", printed="question 3: 69,888")),
        "keys_after_the_answer",
        "(remove-cell): print",
    ),
    (put(QUIZ + 1, code("key()", result="(128, 4, 3, 3)")), "keys_after_the_answer", "(remove-cell): key()"),
    (
        put(QUIZ + 1, code("key()", figure="The right answer, drawn.", number="1-2")),
        "keys_after_the_answer",
        "(remove-cell): key()",
    ),
    (put(QUIZ + 1, text("The key of question 3, proven:")), "keys_after_the_answer", "announces a key"),
    (
        put(QUIZ, code("print('question 3: 69,888')", printed="question 3: 69,888")),
        "keys_after_the_answer",
        "(remove-cell): print",
    ),
    (stream(PRINTED, "correct: one."), "keys_after_the_answer", "(remove-cell)"),
    (show(FIGURE, text_html=f"<figure>{IMAGE}></figure>", text_plain="x"), "figures_numbered", "without a caption"),
    (put(QUIZ, code("show()", figure="A second rectangle.", number="1-3")), "figures_numbered", "numbered ['1.1', '1.3']"),
    (put(QUIZ, code("show()", figure="A second rectangle.", number="2-2")), "figures_numbered", "numbered ['1.1', '2.2']"),
    (stream(PRINTED, "the same numbers: True"), "no_verdicts_for_readers", "ends in True or False"),
    (say(PRINTED, "print(f'{69632:,}')", "print(f'{69632:,}');"), "clean_code", "ends in ;"),
    (add(PRINTED, "\ny = block.forward(x)"), "clean_code", "forward"),
    (add(PRINTED, "\ny = blocks[0].forward(x)"), "clean_code", "forward"),
    (put(PRINTED, code("")), "clean_code", "an empty cell"),
]


BY_NAME = {rule.__name__: rule for rule in RULES}


RULE_AND_PATH = [
    pytest.param(rule, path, id=f"{rule.__name__}-{path.stem}") for path in NOTEBOOKS for rule in contract.rules_for(path)
]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=chapter_id)
def test_a_notebook_is_light_enough_to_be_shown(path):
    """What a page of the site may weigh holds for its notebook as well."""
    assert path.stat().st_size <= PAGE_BYTES, f"{path.name}: {path.stat().st_size:,} bytes, over PAGE_BYTES of site_speed.py"


@pytest.mark.parametrize(("rule", "path"), RULE_AND_PATH)
def test_chapter_keeps_the_rule(rule, path):
    complaints = rule(read(path))
    assert not complaints, f"{path.name}:\n" + "\n".join(complaints)


def test_there_are_chapters_and_they_keep_every_rule():
    assert CHAPTERS
    assert all(contract.rules_for(path) == RULES for path in CHAPTERS)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("01_a_chapter", []),
        ("explorers", contract.CHAPTERS_ONLY),
        ("more_than_one_machine", contract.CHAPTERS_ONLY),
        ("twenty_minutes", [*contract.CHAPTERS_ONLY, contract.setup_cell, contract.figures_numbered]),
        ("twenty_minutes_more", contract.CHAPTERS_ONLY),
        ("12_twenty_minutes", []),
    ],
)
def test_one_notebook_needs_no_setup_cell_and_is_exempt_by_its_name(name, left_out):
    rules = contract.rules_for(facts.ROOT / "chapters" / f"{name}.ipynb")
    assert rules == [rule for rule in RULES if rule not in left_out]


def test_the_good_notebook_keeps_every_rule():
    assert [complaint for rule in RULES for complaint in rule(good_notebook())] == []


@pytest.mark.parametrize(("change", "rule", "words"), MUTATIONS, ids=[f"{m[1]}-{i}" for i, m in enumerate(MUTATIONS)])
def test_rule_complains_about_the_mutation(change, rule, words):
    made = good_notebook()
    change(made)
    assert words in "\n".join(BY_NAME[rule](made))


@pytest.mark.parametrize(("live", "complains"), [(3, False), (4, True)])
def test_no_chapter_measures_more_than_three_times(live, complains):
    made = good_notebook()
    put(ASSERTED + 1, *[code("measure()", **LIVE), code("assert x")] * (live - 1))(made)
    assert bool(contract.few_live_cells(made)) == complains


def test_every_rule_has_a_mutation():
    assert {rule for _, rule, _ in MUTATIONS} == set(BY_NAME)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(
    "cells", [[], [text("# A beginning")], [code("")]], ids=["no cell", "one text cell", "one empty cell"]
)
def test_rule_answers_for_a_notebook_that_was_just_begun(rule, cells):
    assert isinstance(rule(notebook(*copy.deepcopy(cells))), list)


# ------------------------------------------------------------------ things a rule must not complain about

HARMLESS = [
    (add(STORY, "\nThe paper of 2017 is arXiv 1611.05431, at https://example.org/12345."), "no_orphan_numbers"),
    (add(STORY, "\nWe write e.g. Fig. 3 and Eq. 4 of He et al. in one sentence."), "one_sentence_a_line"),
    (add(STORY, "\n| a | b |\n|---|---|\n| One. Two. | Three. |"), "one_sentence_a_line"),
    (add(PRINTED, "\nprint(super().forward(x))"), "clean_code"),
    (stream(PRINTED, "differ by less than 1e-10: True"), "exact_outputs"),
    (put(STORY + 1, text("### A smaller heading")), "fixed_order"),
    (
        put(QUIZ + 1, code("print('question 3: 69,888')", printed="question 3: 69,888", tags=["remove-cell"])),
        "keys_after_the_answer",
    ),
    (put(QUIZ + 1, code("key = 1")), "keys_after_the_answer"),
    (stream(PRINTED, "not yet: the last ReLU comes before the sum"), "keys_after_the_answer"),
]


@pytest.mark.parametrize(("change", "rule"), HARMLESS, ids=[rule for _, rule in HARMLESS])
def test_rule_lets_the_harmless_pass(change, rule):
    made = good_notebook()
    change(made)
    assert BY_NAME[rule](made) == []


# ------------------------------------------------------------------ strict nbval sees one altered character


def pytest_options():
    options = tomllib.loads((facts.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return shlex.split(options["tool"]["pytest"]["ini_options"]["addopts"])


def test_pytest_runs_the_chapters_with_strict_nbval():
    options = pytest_options()
    assert "--nbval" in options and "--nbval-lax" not in options
    assert not [option for option in options if "sanitize" in option]


@pytest.mark.whole
def test_strict_nbval_sees_one_altered_character(tmp_path):
    """Notebooks that differ in one stored character, run with the project's own options."""
    shown = dict(code("", figure="A single blue rectangle.").outputs[0].data)
    made = notebook(
        code("print(69632)", printed="69632\n"),
        code(f"from IPython.display import display\ndisplay({shown!r}, raw=True)", figure="A single blue rectangle."),
    )
    save(made, tmp_path / "right.ipynb")
    for name, cell, old, new in (
        ("digit", 0, "69632", "69633"),
        ("figure", 1, "3Csvg", "3Csvh"),
        ("alt", 1, "blue", "glue"),
    ):
        altered = copy.deepcopy(made)
        output = altered.cells[cell].outputs[0]
        holder, key = (output, "text") if cell == 0 else (output.data, "text/html")
        assert holder[key].count(old) == 1
        holder[key] = holder[key].replace(old, new)
        save(altered, tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", *pytest_options(), "-p", "no:randomly", "-rA", "--tb=no", "-q", str(tmp_path)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    verdicts = set(re.findall(r"^(PASSED|FAILED) (\w+\.ipynb::Cell \d)", result.stdout, re.MULTILINE))
    failed = {cell for verdict, cell in verdicts if verdict == "FAILED"}
    assert failed == {"digit.ipynb::Cell 0", "figure.ipynb::Cell 1", "alt.ipynb::Cell 1"}, result.stdout + result.stderr
    assert {("PASSED", "right.ipynb::Cell 0"), ("PASSED", "right.ipynb::Cell 1")} <= verdicts


# ------------------------------------------------------------------ enough to look at


def figures_of(made):
    return [
        output
        for cell in made.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if re.match(r'<figure( id="fig-[\d-]+")?>', output.get("data", {}).get("text/html", ""))  # no explorers
    ]


@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_chapter_has_at_least_three_figures(path):
    assert len(figures_of(read(path))) >= 3


def test_figures_are_counted():
    assert len(figures_of(good_notebook())) == 1
