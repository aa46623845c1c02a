"""Write an exam and its key to _classroom/: ``python -m tools.exam 7`` draws the numbers by the seed 7.

``--chapters "4 5"`` takes the questions of these chapters only, ``--questions "fold who-meets"`` these and no others.
The same seed gives the same exam; another one gives other numbers. The questions are in ``teaching/exam.md``.
"""

import argparse
import re
import sys
from pathlib import Path

from tools import plain_page
from tools.classroom.slides import to_html
from tools.exam.bank import BankError, questions, title_of
from tools.facts import ROOT
from tools.writing import check_folder, replace_made


def checked_seed(text):
    """``text`` as a seed. Raises ``SystemExit``."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise SystemExit(f"the seed is a whole number from 0 to 999999999, as in make exam SEED=7, not {text!r}")
    return int(text)


def chosen(all_questions, chapters, names):
    """The questions that were asked for, in the bank's order. Raises ``SystemExit`` for a chapter or name without one."""
    known = {question.name for question in all_questions} | {str(question.chapter) for question in all_questions}
    wanted = set(chapters.split()) | set(names.split())
    if strange := sorted(wanted - known):
        listed = ", ".join(question.name for question in all_questions)
        raise SystemExit(f"the bank has no question of chapter or name {', '.join(strange)}; it has: {listed}")
    return [one for one in all_questions if not wanted or wanted & {one.name, str(one.chapter)}]


def sheet(filled, seed):
    """The exam as Markdown. ``filled`` are the questions, each with its text and its key."""
    points = sum(question.points for question, _, _ in filled)
    lines = [f"# Exam {seed}", f"{len(filled)} questions, {points} points. Reasons count: a bare number earns half."]
    lines += ["Name: ________________________________"]
    for number, (question, text, _) in enumerate(filled, 1):
        lines += [f"## {number}. ({question.points} points)", text]
    return "\n\n".join(lines) + "\n"


def key(filled, seed):
    """The key as Markdown, with what each question is for."""
    points = sum(question.points for question, _, _ in filled)
    lines = [f"# Key of exam {seed}", f"{points} points. Every number below was computed from those of the exam."]
    for number, (question, _, answer) in enumerate(filled, 1):
        lines += [
            f"## {number}. {question.name} ({question.points} points, {question.level})",
            f"Chapter {question.chapter}, {title_of(question.chapter)}: {question.objective}",
            answer,
        ]
    return "\n\n".join(lines) + "\n"


def line_by_line(text):
    """Markdown as HTML that breaks where the text does: (a), (b) and (c) below one another."""
    return to_html(re.sub(r"(?<!\n)\n(?!\n)", "  \n", text.strip()))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", help="a whole number; another one gives other numbers")
    parser.add_argument("--chapters", default="", help='such as "4 5 6"')
    parser.add_argument("--questions", default="", help="names of questions")
    parser.add_argument("--folder", type=Path, default=ROOT / "_classroom", help="where to write")
    options = parser.parse_args(arguments)
    seed = checked_seed(options.seed)
    check_folder(options.folder)
    try:
        found = chosen(questions(), options.chapters, options.questions)
        filled = [(question, *question.filled(question.chosen(seed))) for question in found]
    except BankError as error:
        raise SystemExit(f"teaching/exam.md: {error}") from error
    texts = {"exam": sheet(filled, seed), "key": key(filled, seed)}
    files = {f"{name}.md": text for name, text in texts.items()}
    files |= {
        f"{name}.html": plain_page.page(f"{name} {seed}".capitalize(), line_by_line(text)) for name, text in texts.items()
    }
    replace_made(options.folder, files)
    print(f"{options.folder}: {', '.join(files)}. {len(found)} questions, {sum(q.points for q in found)} points.")


if __name__ == "__main__":
    sys.exit(main())
