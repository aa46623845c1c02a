"""What the course remembers of its students and hand-ins: roster, what was graded how, and the gradebook's scores."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime

from tools.facts import ROOT
from tools.grading.course import hand_in_place, in_gradebook, replace_text, source_of

GRADED, WAITING, CHANGED = "graded", "not graded yet", "handed in again, not graded yet"
BY_HAND = "graded, but cells wait for grading by hand"
UNTOUCHED = "graded; no answer was changed"
PROGRAMS = ("judge.py", "judge_process.py", "judging.py", "sandbox.py", "preprocessors.py")

READ = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "resnext") as book:
    found = {"students": {s.id: [s.last_name, s.first_name, s.email] for s in book.students}, "due": {}, "handed_in": []}
    for assignment in book.assignments:
        found["due"][assignment.name] = str(assignment.duedate or "")
        for one in assignment.submissions:
            grades = [grade for notebook in one.notebooks for grade in notebook.grades]
            found["handed_in"].append({
                "title": assignment.name, "student": one.student_id, "at": str(one.timestamp or ""),
                "late": one.total_seconds_late, "score": one.score - (one.late_submission_penalty or 0),
                "complete": bool(grades) and all(g.auto_score is not None or g.manual_score is not None for g in grades),
                "by_hand": any(g.needs_manual_grade for g in grades)})
print(json.dumps(found))
"""

DROP = """
import json, sys
from nbgrader.api import Gradebook, MissingEntry
title, *students = sys.argv[1:]
kept = []
with Gradebook("sqlite:///gradebook.db", "resnext") as book:
    for student in students:
        try:
            one = book.find_submission(title, student)
        except MissingEntry:
            continue
        for notebook in one.notebooks:
            kept += [{"assignment": title, "student": student, "cell": g.name, "score": g.manual_score}
                     for g in notebook.grades if g.manual_score is not None]
            kept += [{"assignment": title, "student": student, "cell": c.name, "comment": c.manual_comment}
                     for c in notebook.comments if c.manual_comment]
        book.remove_submission(title, student)
print(json.dumps(kept))
"""

DUE = """
import json, sys
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
with Gradebook("sqlite:///gradebook.db", "resnext") as book:
    book.update_or_create_assignment(sys.argv[1], duedate=parse_utc(sys.argv[2]))
print(json.dumps(True))
"""


def utc(text):
    """A time by this machine's clock, such as ``2026-12-01 23:59``, as nbgrader keeps it. Raises ``ValueError``."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise ValueError(f"a due date looks like 2026-12-01 23:59, not {text!r}") from None


def local(text):
    """A time of nbgrader's as this machine's clock shows it; nothing for nothing."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M") if text else ""


def set_due(course, title, due):
    in_gradebook(course, DUE, title, utc(due) + " UTC")


def gradebook(course):
    """{"students": ..., "due": ..., "handed_in": [...]}; empty before the first assignment."""
    if not (course / "gradebook.db").exists():
        return {"students": {}, "due": {}, "handed_in": []}
    return in_gradebook(course, READ)


def drop(course, title, student):
    """Take a hand-in's scores out of the gradebook. What was graded by hand is kept in set_aside.jsonl; returns how much."""
    if not (course / "gradebook.db").exists():
        return 0
    kept = in_gradebook(course, DROP, title, student)
    if kept:
        with open(course / "set_aside.jsonl", "a", encoding="utf-8") as file:
            now = datetime.now().isoformat(timespec="seconds")
            file.writelines(json.dumps({"set aside": now} | line, ensure_ascii=False) + "\n" for line in kept)
    return len(kept)


def table(path, needed):
    """The rows of a CSV of a teacher's, by Excel or not, as dictionaries. Raises ``ValueError`` if a column is missing."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not UTF-8: save it as 'CSV UTF-8'") from None
    first = text.split("\n", 1)[0]
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ","))
    columns = rows[0].keys() if rows else first.strip().split(",")
    if missing := [name for name in needed if name not in columns]:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}; it begins with: {first.strip()}")
    return [{name: (value or "").strip() for name, value in row.items() if name} for row in rows]


def roster(course):
    """{student: row} of roster.csv; empty if there is none."""
    path = course / "roster.csv"
    rows = table(path, ["student"]) if path.exists() else []
    names = [row["student"] for row in rows if row["student"]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"roster.csv has {', '.join(twice)} more than once")
    return {row["student"]: row for row in rows if row["student"]}


def remembered(course, name):
    """A JSON file of the course's, {} if there is none. Raises ``ValueError`` if it was damaged."""
    path = course / name
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ValueError(f"{path} is damaged; move it away, and everything is graded again") from None


def remember(course, name, content):
    replace_text(course / name, json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def digest(*contents):
    """One short text that differs if any of the contents does."""
    found = hashlib.sha256()
    for content in contents:
        content = content if isinstance(content, bytes) else str(content).encode()
        found.update(len(content).to_bytes(8, "big") + content)
    return found.hexdigest()[:32]


def files_of(course, title, student):
    """A digest of all that a student handed in, and of the assignment."""
    folder = hand_in_place(course, title, student)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    parts = [part for path in paths for part in (path.relative_to(folder).as_posix(), path.read_bytes())]
    return digest(source_of(course, title).read_bytes(), *parts)


def way_of_grading(seconds):
    """A digest of what decides on a score besides the hand-in."""
    library = sorted(path for path in (ROOT / "resnext_lib").rglob("*") if path.suffix in (".py", ".toml"))
    own = [ROOT / "tools" / "grading" / name for name in PROGRAMS]
    return digest(seconds, *(path.read_bytes() for path in [*own, *library]))


def students_of(course, book=None):
    """Everybody whom the course knows: from the roster, from the folders, from the gradebook."""
    folders = {path.name for path in course.glob("submitted/*") if path.is_dir() and not path.name.startswith(".")}
    return sorted(folders | set(roster(course)) | set((book or gradebook(course))["students"]))
