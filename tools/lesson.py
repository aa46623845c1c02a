"""Everything for one lesson: ``python -m tools.lesson 50`` writes it to _classroom/lesson-50/.

The plan with a link to each slide, one deck in the plan's order with the clock in its notes, the handout to fill in and
the one with answers; and, where Chromium or Chrome is installed, the deck and the speaker's notes as PDF.
The plans are in ``teaching/plans.md``.
"""

import argparse
import sys
import tempfile
from html import escape
from pathlib import Path

from tools import browser, handout, pdf, plain_page
from tools.classroom import plans, slides
from tools.facts import ROOT
from tools.writing import check_folder, replace_made

# reveal.js reads both from the address: what prints, and where the notes go.
PRINTED = {
    "slides.pdf": "?print-pdf",
    "speaker.pdf": "?print-pdf&showNotes=separate-page&pdfSeparateFragments=false",
}


def plan_page(plan):
    """The plan as an HTML page with a link to each slide."""
    drops = "".join(f"<li>{escape(slide.title)}</li>" for slide in plan.dropped_first())
    body = (
        f"<h1>{escape(plan.name)}: {escape(plan.title)}</h1>\n"
        f"{slides.to_html(plan.text)}"
        '<p><a href="slides.html">The slides</a>, <a href="handout.html">the handout</a>, '
        '<a href="handout-with-answers.html">the handout with answers</a>.</p>\n'
        f"{slides.to_html(plans.table(plan, 'slides.html'))}"
        f"<h2>When late, drop in this order</h2><ol>{drops}</ol>"
    )
    return plain_page.page(f"Lesson {plan.name}", body)


def print_pdfs(page, chromium):
    """{file name: PDF} of a deck's HTML: the slides, and each slide with its notes."""
    made, (width, height) = {}, slides.SIZE
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "slides.html")
        file.write_text(page, encoding="utf-8")
        for name, address in PRINTED.items():
            tab = chromium.new_page(viewport={"width": width, "height": height})
            tab.goto(file.as_uri() + address)
            tab.wait_for_selector(".pdf-page")
            made[name] = tab.pdf(width=f"{width}px", height=f"{height}px", print_background=True, tagged=True)
            tab.close()
    return made


def files_of(plan):
    """{file name: content} of a lesson, without PDFs."""
    return {
        "plan.html": plan_page(plan),
        "slides.html": slides.page(plans.lesson(plan), f"Lesson {plan.name}"),
        "handout.html": handout.html(),
        "handout-with-answers.html": handout.html(answers=True),
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", help="a plan of teaching/plans.md, such as 50 or 2x45")
    parser.add_argument("--folder", type=Path, help="where to write; _classroom/lesson-PLAN if left out")
    options = parser.parse_args(arguments)
    plan = plans.plans().get(options.plan)
    if plan is None:
        raise SystemExit(f"there is no plan {options.plan!r}; teaching/plans.md has {', '.join(plans.plans())}")
    folder = options.folder or ROOT / "_classroom" / f"lesson-{plan.name}"
    check_folder(folder)
    files = files_of(plan)
    if browser.find():
        with pdf.launched() as chromium:
            files |= print_pdfs(files["slides.html"], chromium)
    replace_made(folder, files)
    print(f"{folder}: {', '.join(files)}. Begin with plan.html; S in slides.html opens the notes.")
    if "slides.pdf" not in files:
        print("no Chromium or Chrome here: open slides.html?print-pdf in such a browser and print it")


if __name__ == "__main__":
    sys.exit(main())
