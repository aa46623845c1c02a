"""The site carries the student edition of every chapter with exercises, and each page offers it under its title.

The teaching guide offers the handout in the same place, and its plans lead to the slides of each lesson. They are
English like the guide, so that they stand once, in the English site, and the Chinese one's guide leads there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from tools import handout  # noqa: E402
from tools.classroom import plans, slides, student  # noqa: E402
from tools.notebooks import read, text_of  # noqa: E402

FOLDER = "student"
GUIDE = "chapters/teaching"


def chapter_of(app, pagename):
    """The notebook that a page was made from if it has exercises, else None."""
    path = Path(app.srcdir, f"{pagename}.ipynb")
    notebook = read(path) if path.is_file() else None
    return notebook if notebook and any("exercise" in cell.metadata for cell in notebook.cells) else None


def offer(app, pagename, templatename, context, doctree):
    """Tell site/templates/facts.html where this page's student edition is."""
    if chapter_of(app, pagename):
        context["student"] = context["pathto"](f"{FOLDER}/{Path(pagename).name}.ipynb", 1)
    if pagename == GUIDE:
        english = "../" if app.chinese else ""
        context["handout"] = context["pathto"](f"{english}handout.html", 1)
        context["body"] = context["body"].replace('href="../lessons/', f'href="{english}../lessons/')


def write(app, exception):
    """Generate what the pages offer into the built site."""
    if exception is None and app.builder.format == "html":
        write_notebooks(app)
        if not app.chinese:
            write_lessons(app)


def write_notebooks(app):
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(exist_ok=True)
    for pagename in sorted(app.env.found_docs):
        if notebook := chapter_of(app, pagename):
            made = student(notebook)
            made = app.chinese.notebook(pagename, made) if app.chinese else made
            (folder / f"{Path(pagename).name}.ipynb").write_text(text_of(made), encoding="utf-8")


def write_lessons(app):
    lessons = Path(app.outdir, "lessons")
    lessons.mkdir(exist_ok=True)
    for plan in plans.plans().values():  # neither notes nor answers of the teacher's key
        page = slides.page(plans.lesson(plan, with_answers=False), f"Lesson {plan.name}", with_notes=False)
        (lessons / f"{plan.name}.html").write_text(page, encoding="utf-8")
    Path(app.outdir, "handout.html").write_text(handout.html(guide=f"{GUIDE}.html"), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", offer, priority=400)  # before page_facts, which renders the line
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
