"""The notebook contract as rules: each takes a notebook and returns its complaints, one a line.

``RULES`` lists them; a page of the appendix that runs code keeps all but ``CHAPTERS_ONLY``, and the one notebook
that stands alone has no setup cell either. tests/chapters/test_contract.py applies every rule to every chapter, and
proves every rule with a notebook that breaks it.
"""

import ast
import html
import re
import statistics

from tools import facts
from tools.notebooks import is_live
from tools.reading import (
    code_cells,
    first_line,
    headings,
    lines_of,
    markdown_cells,
    numbers_in,
    outputs_text,
    prose_of,
    shows_on_the_site,
)
from tools.setup_cell import setup_source

SECTIONS = ["What usually goes wrong", "Recap", "Quiz", "Exercises"]
OPENING = "What you will be able to do"
KINDS = ("mirrors", "step-of", "wrong", "exercise")


def matches(patterns, cells, text=lambda cell: cell.source):
    """A complaint for every pattern (what it is: regular expression) found in ``text`` of a cell."""
    return [
        f"{what} in: {first_line(cell)}"
        for cell in cells
        for what, pattern in patterns.items()
        if re.search(pattern, text(cell), re.MULTILINE)
    ]


def executed_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}, not 1..n"]


def no_standard_error(notebook):
    return [
        f"stderr or an error under: {first_line(c)}"
        for c in code_cells(notebook)
        for o in c.outputs
        if o.get("name") == "stderr" or (o.output_type == "error" and "raises-exception" not in c.metadata.get("tags", []))
    ]


def asserts(cell):
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))


LIVE_CELLS = 3  # the most in a chapter: what was measured once is read from the evidence


def few_live_cells(notebook):
    """Live measurements are few, and the next cell asserts what the text claims of them."""
    cells = code_cells(notebook)
    live = [i for i, cell in enumerate(cells) if is_live(cell)]
    complaints = [f"{len(live)} live cells, more than {LIVE_CELLS}"] if len(live) > LIVE_CELLS else []
    complaints += [
        f"no asserting cell follows: {first_line(cells[i])}"
        for i in live
        if i + 1 == len(cells) or is_live(cells[i + 1]) or not asserts(cells[i + 1])
    ]
    complaints += [
        f"nbval's comment marker in: {first_line(c)}" for c in cells if re.search(r"#\s*NBVAL|PYTEST_VALIDATE", c.source)
    ]
    tags = {tag for c in cells for tag in c.metadata.get("tags", []) if tag.startswith("nbval")} - {"nbval-ignore-output"}
    return complaints + [f"tag {tag} hides a cell from the comparison" for tag in sorted(tags)]


def lean_metadata(notebook):
    complaints = [] if notebook.metadata.get("kernelspec", {}).get("name") == "python3" else ["kernelspec is not python3"]
    if notebook.metadata.get("language_info") != {"name": "python"}:
        complaints.append("language_info holds more than its name, or is missing")
    if len({cell.get("id") for cell in notebook.cells}) != len(notebook.cells):
        complaints.append("cell ids are missing or not unique")
    on_slides = [c for c in notebook.cells if {"slide", "slideshow"} & set(c.metadata)]
    complaints += [f"slides are written in teaching/slides/, not in the metadata of: {first_line(c)}" for c in on_slides]
    return complaints + [f"timing metadata in: {first_line(c)}" for c in notebook.cells if "execution" in c.metadata]


VOLATILE = {
    "an address": r"0x[0-9a-fA-F]{6,}",
    "a path": r"(?<![\w.:/])/(home|root|tmp|usr|work|Users|opt|content)/",
    "a progress bar": r"\d+%\|",
    "a time": r"\b\d+(\.\d+)? ?(seconds|secs|ms|µs|ns)\b|\b\d+\.\d+ ?s\b",
    "a raw float difference": r"\b\d\.\d+e-\d\d\b|\d\.\d{9,}",
}


def exact_outputs(notebook):
    """A compared output must be the same on every machine."""
    compared = [cell for cell in code_cells(notebook) if not is_live(cell)]
    return matches(VOLATILE, compared, outputs_text)


def figures_by_primitive(notebook):
    complaints = []
    for cell in code_cells(notebook):
        for data in (output.get("data", {}) for output in cell.outputs):
            if {"image/png", "image/svg+xml", "image/jpeg"} & set(data):
                complaints.append(f"a figure outside figures.show: {first_line(cell)}")
            for image in re.findall(r"<img\b[^>]*", data.get("text/html", "")):
                alt = (re.findall(r' alt="([^"]*)"', image) or [""])[0]
                if ' src="data:' not in image:
                    complaints.append(f"an image that is not in the page itself, in: {first_line(cell)}")
                if len(alt) < 15 or html.unescape(alt) not in data.get("text/plain", ""):
                    complaints.append(f"alt text too short, or not the plain text, in: {first_line(cell)}")
    return complaints


def definitions_declared(notebook):
    """A class or function typed in a cell says what it is: a mirror, a step, a mistake, a solution."""
    complaints = []
    for cell in code_cells(notebook):
        defined = [n.name for n in ast.parse(cell.source).body if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
        if defined and not any(kind in cell.metadata for kind in KINDS):
            complaints.append(f"{defined[0]} is defined without mirrors, step-of, wrong or exercise")
    return complaints


def portable_markdown(notebook):
    patterns = {
        "a MyST directive": r"^\s*(```|:::)\{",
        "a MyST role": r"\{[a-z:-]+\}`",
        "an image by link or path": r"!\[|<img",
        "a summary without a blank line after it": r"</summary>(?!\n\s*\n)",
        "a bare TeX environment": r"^\\begin\{",
    }
    return matches(patterns, markdown_cells(notebook))


def no_orphan_numbers(notebook):
    """A long number in the prose stands in a checked output of the chapter, or was published."""
    shown = set()
    for cell in code_cells(notebook):
        if not is_live(cell):
            shown |= numbers_in(outputs_text(cell).replace("{,}", ","))
    orphans = numbers_in(prose_of(notebook)) - shown - facts.published_numbers()
    return [f"the number {number} is neither in a checked output nor published" for number in sorted(orphans)]


def short_cells(notebook):
    """Cells fit on a screen: few lines, and lines that need no sideways scrolling on a laptop."""
    complaints = [f"{lines} lines in: {first_line(c)}" for c in code_cells(notebook) if (lines := lines_of(c)) > 30]
    return complaints + [
        f"a line of {len(text)} characters: {text.strip()[:50]}"
        for c in code_cells(notebook)
        for text in c.source.split("\n")
        if len(text) > 88 and not text.startswith('BOOK = "')  # an address is as long as it is
    ]


def small_steps(notebook):
    """A chapter teaches in small steps: half of its cells have at most eight lines."""
    median = statistics.median([lines_of(cell) for cell in code_cells(notebook)] or [0])
    return [f"median of {median} lines a cell"] if median > 8 else []


ABBREVIATIONS = r"(?<!Fig)(?<!Eq)(?<!No)(?<!vs)(?<!e\.g)(?<!i\.e)(?<!etc)(?<!al)"


def one_sentence_a_line(notebook):
    complaints = []
    for cell in markdown_cells(notebook):
        for text in cell.source.split("\n"):
            plain = re.sub(r"`[^`]*`|\$[^$]*\$|^\W*\d\.", "x", text)
            if not text.lstrip().startswith("|") and re.search(ABBREVIATIONS + r"[.?!][\"')*]* +[A-Z0-9“\"`$*(]", plain):
                complaints.append(f"two sentences on a line: {text[:70]}")
    return complaints


def fixed_order(notebook):
    found = headings(notebook)
    complaints = [] if [level for level, _ in found].count(1) == 1 and found[0][0] == 1 else ["not exactly one H1, first"]
    titles = [title for level, title in found if level == 2]
    if titles[:1] != [OPENING] or titles[-4:] != SECTIONS or len(titles) < 6:
        complaints.append(f"sections are {titles}, not {OPENING}, the story, then {SECTIONS}")
    return complaints


def setup_cell(notebook):
    """The second cell is the setup cell, the same in every chapter."""
    right = setup_source(facts.address())
    second = notebook.cells[1] if len(notebook.cells) > 1 else None
    return (
        []
        if second and second.cell_type == "code" and second.source == right
        else ["the second cell is not the setup cell of tools/setup_cell.py: `make address` writes it into every chapter"]
    )


def exercise_format(notebook):
    """A question, a folded solution, a check."""
    complaints, names = [], []
    for i, cell in enumerate(notebook.cells):
        if name := cell.metadata.get("exercise"):
            names.append(name)
            folded = (
                "hide-input" in cell.metadata.get("tags", [])
                and cell.metadata.get("cellView") == "form"
                and cell.metadata.get("jupyter", {}).get("source_hidden") is True
            )
            check = notebook.cells[i + 1] if i + 1 < len(notebook.cells) else None
            checked = check is not None and f"exercises.{name}(" in check.source
            if not folded or not checked or notebook.cells[i - 1].cell_type != "markdown":
                complaints.append(f"exercise {name} is not a question, a folded solution and a check exercises.{name}(...)")
            elif not re.match(r"\s*correct:", outputs_text(check)):
                complaints.append(f"the solution of {name} does not pass its own check")
    return complaints + ([] if 3 <= len(names) <= 5 else [f"{len(names)} exercises, not three to five"])


def quiz_format(notebook):
    """Four to six questions with lettered options, and an answer to each of them."""
    text = "\n".join(c.source for c in markdown_cells(notebook))
    quiz = text.partition("## Quiz")[2].split("\n## Exercises")[0]
    parts = re.split(r"<details>", quiz)
    complaints = [] if 4 <= len(parts) - 1 <= 6 else [f"{len(parts) - 1} questions, not four to six"]
    for question, answer in zip(parts, parts[1:], strict=False):
        options = re.findall(r"^- \(([a-e])\)", question.split("</details>")[-1], re.MULTILINE)
        answered = re.findall(r"\(([a-e])\)", answer.split("</details>")[0])
        if len(options) < 3 or set(options) != set(answered):
            complaints.append(f"options {options} but answers to {sorted(set(answered))}: {question.strip()[-40:]!r}")
        if len(re.findall(r"is right", answer.split("</details>")[0])) != 1:
            complaints.append(f"not exactly one option is called right: {question.strip()[-40:]!r}")
    return complaints


KEY = re.compile(r"\bquestion \d|\bthe keys? of\b|^\s*correct:", re.MULTILINE)


def keys_after_the_answer(notebook):
    """No output gives a quiz or an exercise away: from the quiz on all are folded or left out, and no key stands before it.

    A check of an exercise is folded with its result (``hide-cell``); what computes the key of a quiz is not on the site.
    """
    complaints, begun, previous = [], False, None
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            begun |= "## Quiz" in cell.source.split("\n")
            if re.match(KEY, cell.source.lower()) and "remove-cell" not in tags:
                complaints.append(f"announces a key that is not on the site: {first_line(cell)}")
        elif previous is not None and "exercise" in previous.metadata:
            if "hide-cell" not in tags:
                complaints.append(f"the check and its result are not folded (hide-cell): {first_line(cell)}")
        elif shows_on_the_site(cell) and (begun or KEY.search(outputs_text(cell))):
            complaints.append(f"an output that gives a key away (remove-cell): {first_line(cell)}")
        previous = cell
    return complaints


FIGURE = re.compile(r"<figure(?! class)([^>]*)>(.*?)</figure>", re.DOTALL)  # an explorer has a class


def figures_numbered(notebook):
    """Every figure has a caption that states its claim, and its number, counted through the chapter.

    A figure to play with asks first: its caption says what can be done, and it has no number.
    """
    pages = [output.get("data", {}).get("text/html", "") for cell in code_cells(notebook) for output in cell.outputs]
    found = [figure for page in pages for figure in FIGURE.findall(page)]
    numbers = [(re.findall(r'id="fig-(\w+)-(\d+)"', attributes) or [("", "0")])[0] for attributes, _ in found]
    uncaptioned = sum(page.count("<figure") - page.count("<figcaption>") for page in pages)
    complaints = ["a figure without a caption"] * uncaptioned
    if [int(number) for _, number in numbers] != list(range(1, len(found) + 1)) or len({c for c, _ in numbers}) > 1:
        complaints.append(f"figures are numbered {['.'.join(n) for n in numbers]}, not 1 to {len(found)} in one chapter")
    return complaints


def no_verdicts_for_readers(notebook):
    """What a reader sees is a number, a table or a picture, not a line that ends in True or False."""
    seen = [cell for cell in code_cells(notebook) if shows_on_the_site(cell)]
    return matches({"a line that ends in True or False": r"\b(True|False)\s*$"}, seen, outputs_text)


def clean_code(notebook):
    patterns = {
        "an expression that ends in ;": r";\s*$",
        "layer.forward(x)": r"[\w\]]\.forward\(",
        "an empty cell": r"\A\s*\Z",
    }
    return matches(patterns, code_cells(notebook))


def folds_say_what_they_hide(notebook):
    """Folded code has words of its own, "Show the code of this figure"; the site's are "Show the solution"."""
    return [
        f"folded without words of its own (mystnb: code_prompt_show and code_prompt_hide): {first_line(cell)}"
        for cell in notebook.cells
        if "hide-input" in cell.metadata.get("tags", [])
        and "exercise" not in cell.metadata
        and {"code_prompt_show", "code_prompt_hide"} - cell.metadata.get("mystnb", {}).keys()
    ]


RULES = [
    executed_in_order,
    no_standard_error,
    few_live_cells,
    lean_metadata,
    exact_outputs,
    figures_by_primitive,
    definitions_declared,
    portable_markdown,
    no_orphan_numbers,
    short_cells,
    small_steps,
    one_sentence_a_line,
    fixed_order,
    setup_cell,
    exercise_format,
    quiz_format,
    keys_after_the_answer,
    figures_numbered,
    no_verdicts_for_readers,
    folds_say_what_they_hide,
    clean_code,
]
# A page of the appendix, figures to play with or more than one machine, is there to be looked up: it has no objectives,
# no small steps, no exercises and no quiz.
CHAPTERS_ONLY = [small_steps, fixed_order, exercise_format, quiz_format]


def rules_for(path):
    """The rules that the notebook at ``path`` keeps: all of them for a numbered chapter."""
    if path.stem[:2].isdigit():
        return RULES
    exempt = CHAPTERS_ONLY + ([setup_cell, figures_numbered] if facts.stands_alone(path) else [])
    return [rule for rule in RULES if rule not in exempt]
