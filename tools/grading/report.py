"""Scores as tables: grades.csv for people, and the files that Moodle and Canvas import."""

import csv
import io
from dataclasses import dataclass

import nbformat

from tools.grading import records
from tools.grading.course import hand_in_place, replace_text, source_of
from tools.grading.handed_in import marks, master_cells, place_problem, readable


@dataclass(frozen=True)
class Result:
    """What became of one hand-in. Without a grading there is no score, which is not a zero."""

    score: float | None
    points: float
    status: str
    at: str = ""
    late: bool = False
    settled: bool = False  # the last grading said so, of what lies there now

    def __str__(self):
        late = ", handed in late" if self.late else ""
        if self.score is None:
            return f"NO SCORE, {self.status}{late}"
        untouched = ", no answer was changed" if self.status == records.UNTOUCHED else ""
        return f"{self.score:g} of {self.points:g}{untouched}{late}"


def titles_of(course):
    return sorted(path.parent.name for path in course.glob("source/*/*.ipynb") if path.stem == path.parent.name)


def points_of(course, title):
    master = nbformat.read(source_of(course, title), as_version=4)
    return sum(marks(cell).get("points", 0) for cell in master.cells if marks(cell).get("grade"))


def entries(book, title):
    return {entry["student"]: entry for entry in book["handed_in"] if entry["title"] == title}


def status(course, title, student, entry, known):
    """What became of a hand-in, from what lies there now, what was graded, and what the gradebook holds."""
    if problem := place_problem(course, title, student):
        return problem
    if not known:
        return records.WAITING
    if known.get("files") != records.files_of(course, title, student):
        return records.CHANGED
    if known["status"] != records.GRADED:
        return known["status"]
    if entry is None or not entry["complete"]:
        return records.WAITING
    return records.BY_HAND if entry["by_hand"] else records.GRADED


def is_untouched(course, title, student):
    """Whether every answer is still the starter that was handed out."""
    master = master_cells(nbformat.read(source_of(course, title), as_version=4))
    starters = {name: one.metadata["starter"].strip() for name, one in master.items() if "starter" in one.metadata}
    handed_in = master_cells(readable(hand_in_place(course, title, student) / f"{title}.ipynb"))
    return bool(starters) and all(handed_in[name].source.strip() == text for name, text in starters.items())


def results_of(course, title, book, students):
    """{student: Result} of one assignment, for everybody."""
    known = records.remembered(course, "graded.json").get(title, {})
    collected = records.remembered(course, "collected.json")
    found, points, results = entries(book, title), points_of(course, title), {}
    for student in students:
        entry = found.get(student)
        became = status(course, title, student, entry, known.get(student))
        late = bool(entry and entry["late"]) or title in collected.get(student, {}).get("late", [])
        settled = became == known.get(student, {}).get("status")
        score = entry["score"] if became == records.GRADED else None
        if score is not None and is_untouched(course, title, student):
            became = records.UNTOUCHED
        results[student] = Result(score, points, became, records.local(entry["at"]) if entry else "", late, settled)
    return results


def person(student, rosters, book, collected):
    """Last name, first name and e-mail, from the roster, the gradebook or the platform's zip."""
    row, stored = rosters.get(student, {}), book["students"].get(student) or ["", "", ""]
    found = [row.get(name) or held or "" for name, held in zip(("last_name", "first_name", "email"), stored, strict=True)]
    if not any(found[:2]):
        found[0] = collected.get(student, {}).get("name", "")
    return found


def plain_number(score):
    return "" if score is None else f"{score:g}"


def harmless(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if str(text).startswith(("=", "+", "-", "@", "\t")) else text


def csv_text(rows):
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows(rows)
    return made.getvalue()


def wide(course, results, people, book):
    """One row a student, six columns an assignment, with a byte-order mark, by which Excel knows the encoding."""
    head = ["student", "last_name", "first_name", "email"]
    for title in results:
        head += [title, *(f"{title} {what}" for what in ("points", "status", "due", "handed in", "late"))]
    rows = [head]
    for student, names in people.items():
        row = [student, *names]
        for title, found in results.items():
            one, due = found[student], records.local(book["due"].get(title, ""))
            row += [plain_number(one.score), f"{one.points:g}", one.status, due, one.at, "late" if one.late else ""]
        rows.append([harmless(part) for part in row])
    return "\ufeff" + csv_text(rows)


def moodle(title, results, people, ids):
    """Moodle's grading worksheet, for those who have a score.

    Its importer finds a student by "Participant" and the number, and refuses a file without "Last modified (grade)".
    A date that is none there keeps whatever grade Moodle already has, unless the teacher allows it to be replaced.
    """
    rows = [["Identifier", "Full name", "Email address", "Grade", "Maximum Grade", "Last modified (grade)"]]
    for student, number in ids.items():
        one, (last, first, email) = results[title][student], people[student]
        if one.score is not None:
            full = f"{first} {last}".strip() or student
            rows.append([f"Participant {number}", full, email, plain_number(one.score), f"{one.points:g}", "-"])
    return csv_text(rows)


def canvas(title, results, people, ids):
    """Canvas's gradebook: a row of possible points, then a row for each student who has a score, by Canvas's own ID."""
    points = next(iter(results[title].values())).points
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        ["    Points Possible", "", "", "", "", f"{points:g}"],
    ]
    for student, number in ids.items():
        one, (last, first, _email) = results[title][student], people[student]
        if one.score is not None:
            rows.append([", ".join(filter(None, (last, first))) or student, number, "", "", "", plain_number(one.score)])
    return csv_text(rows)


def platform_ids(platform, students, rosters, collected):
    """{student: number on the platform}, from the roster's column or the zip."""
    found = {}
    for student in students:
        held = collected.get(student, {})
        number = rosters.get(student, {}).get(platform) or (held.get("id") if held.get("platform") == platform else None)
        if number:
            found[student] = number
    return found


def write(course):
    """Write grades.csv, and what Moodle and Canvas import. Returns {title: {student: Result}}."""
    book, rosters = records.gradebook(course), records.roster(course)
    collected = records.remembered(course, "collected.json")
    students = records.students_of(course, book)
    results = {title: results_of(course, title, book, students) for title in titles_of(course)}
    people = {student: person(student, rosters, book, collected) for student in students}
    replace_text(course / "grades.csv", wide(course, results, people, book))
    for platform, made in (("moodle", moodle), ("canvas", canvas)):
        ids = platform_ids(platform, students, rosters, collected)
        for title in results if ids else []:
            replace_text(course / f"{platform}-{title}.csv", made(title, results, people, ids))
    return results
