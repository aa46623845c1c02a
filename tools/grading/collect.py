"""Put what a learning platform gives, a zip or a folder, where nbgrader expects it: submitted/STUDENT/week3/week3.ipynb.

Moodle writes ``Wang Wei_4711_assignsubmission_file/week3.ipynb``, or the same in one name; Canvas
``doejane_1234_5678_week3-1.ipynb``, with LATE behind the name where it was; nbgrader ``doejane/week3/week3.ipynb``.
No name from a zip is ever used as a path, and an earlier hand-in is moved away, not overwritten.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.grading.course import ODD, checked_student, checked_title, hand_in_place
from tools.grading.records import remember, remembered, roster
from tools.grading.report import titles_of

MOODLE = re.compile(r"(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_file(?:_?/|_)(?P<file>.+)")
TYPED = re.compile(r"(?:.*/)?(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_onlinetext(?:_?/|_).+")
CANVAS = re.compile(r"(?P<name>[^/_]+)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>[^/]+)")
NBGRADER = re.compile(r"(?P<name>[^/]+)/(?P<title>[^/]+)/(?P<file>[^/]+)")
LARGEST, MOST = 50_000_000, 5_000  # bytes of a file, files of a zip


@dataclass(frozen=True)
class Found:
    """One file of a platform's, and whose it is."""

    platform: str
    name: str
    file: str
    content: bytes
    id: str = ""
    late: bool = False
    title: str = ""
    attachment: str = ""  # Canvas's number of the file


def entry_name(entry):
    """A zip's name of a file. Without the flag for UTF-8 programs still write it, and Python reads code page 437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def files_in(source):
    """(path with forward slashes, content) of every file in a zip or folder. Raises ``ValueError``."""
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
        small = [path for path in paths if path.stat().st_size <= LARGEST]
        return [(path.relative_to(source).as_posix(), path.read_bytes()) for path in small]
    try:
        with zipfile.ZipFile(source) as archive:
            held = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(held) > MOST or any(entry.file_size > LARGEST for entry in held):
                raise ValueError(f"{source} holds more than {MOST} files, or one of more than {LARGEST // 1_000_000} MB")
            return [(entry_name(entry), archive.read(entry)) for entry in held]
    except FileNotFoundError:
        raise ValueError(f"there is no {source}") from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise ValueError(f"{source} cannot be opened as a zip: {error}") from None


def recognise(path, content):
    """Whose file this is, or None."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    for start in range(len(parts)):
        rest = "/".join(parts[start:])
        if any(part.startswith((".", "__MACOSX")) for part in parts) or ".." in parts:
            return None
        if found := MOODLE.fullmatch(rest):
            return Found("moodle", found["name"], PurePosixPath(found["file"]).name, content, found["id"])
        if found := CANVAS.fullmatch(rest):
            late, attachment = bool(found["late"]), found["attachment"]
            return Found("canvas", found["name"], found["file"], content, found["id"], late, attachment=attachment)
    if len(parts) >= 3 and (found := NBGRADER.fullmatch("/".join(parts[-3:]))):
        return Found("nbgrader", found["name"], found["file"], content, title=found["title"])
    return None


def title_in(name, titles):
    """The assignment that a notebook's name means: platforms and browsers add ``-1``, `` (1)`` or `` - Copy``."""
    stem = PurePosixPath(name).stem
    plain = re.sub(r"([-_ ]\d+| ?\(\d+\)| - Copy|_copy)+$", "", stem)
    return next((title for title in (stem, plain) if title in titles), None)


def student_of(found, rosters):
    """The student's folder: the roster's name if it knows the platform's number, otherwise made of both."""
    known = [name for name, row in rosters.items() if found.id and row.get(found.platform) == found.id]
    if known:
        return known[0]
    made = f"{found.name}_{found.id}" if found.id else found.name
    return ODD.sub("-", made).strip(" .-") or f"student_{found.id}"


def titles_named(held, titles):
    """The assignments that the names of these notebooks mean."""
    return {one.title or title_in(one.file, titles) for one in held if one.file.endswith(".ipynb")} - {None}


def grouped(files, titles, wanted, rosters):
    """{(student, title): [Found]}, and {path that was not taken: why}.

    A notebook that its student has renamed belongs to the assignment of all the others in the same zip.
    """
    groups, strange = {}, {}
    for path, content in files:
        found = recognise(path, content)
        if found is None:
            strange[path] = "nobody's name is in it, as Moodle, Canvas and nbgrader write it"
        else:
            groups.setdefault(student_of(found, rosters), []).append(found)
    everywhere = titles_named([one for held in groups.values() for one in held], titles)
    made = {}
    for student, held in groups.items():
        named = titles_named(held, titles) or everywhere
        title = wanted or (min(named) if len(named) == 1 else None)
        if title in titles:
            made[student, title] = [one for one in held if not one.title or one.title == title]
        else:
            unknown, choice = ", ".join(sorted(named - {*titles})), sorted(named) or titles
            why = f"it may belong to {', '.join(choice)}; say which: NAME={choice[0]}"
            why = f"there is no assignment {unknown}; there are: {', '.join(titles)}" if unknown else why
            strange |= {f"{one.file} of {student}": why for one in held}
    return made, strange


def set_aside(course, folder, student, title):
    """Move an earlier hand-in to earlier/STUDENT/week3/NUMBER."""
    place = course / "earlier" / student / title
    place.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name) for path in place.iterdir() if path.name.isdigit()), default=0)
    folder.rename(place / str(number))
    return place / str(number)


def notebooks(held):
    return [one for one in held if one.file.endswith(".ipynb")]


def to_grade(held, title, titles):
    """The one notebook that is meant: the only one, or the only one of that name. None where it is not clear."""
    fitting = [one for one in notebooks(held) if title_in(one.file, titles) == title]
    # Of one who handed in twice, Canvas gives the last only; several files are several.
    return next((found[0] for found in (notebooks(held), fitting) if len(found) == 1), None)


def contents(held, title, graded):
    """{name: content} as it is to lie there: what is graded gets the assignment's name, everything else keeps its own."""
    return {f"{title}.ipynb" if one is graded else ODD.sub("-", one.file): one.content for one in held}


def renamed_or_left(held, title, graded):
    """What a teacher should know of the files' names, as words to add to a line."""
    if graded is None:
        return ""
    said = f", was called {graded.file!r}" if title_in(graded.file, [title]) is None else ""
    others = ", ".join(repr(one.file) for one in notebooks(held) if one is not graded)
    return said + (f"; also handed in, not graded: {others}" if others else "")


def put(course, student, title, wanted):
    """Write one hand-in; returns what became of it."""
    folder = hand_in_place(course, title, student)
    lying = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} if folder.is_dir() else None
    if lying == wanted:
        return "as before"
    moved = set_aside(course, folder, student, title) if lying is not None else None
    folder.mkdir(parents=True)
    for name, content in wanted.items():
        (folder / name).write_bytes(content)
    return f"new; the earlier one is in {moved.relative_to(course)}" if moved else "new"


def note(course, student, title, held):
    """Remember what only the platform's names say: numbers, name, lateness."""
    known = remembered(course, "collected.json")
    entry = known.setdefault(student, {"late": []})
    first = held[0]
    if first.platform != "nbgrader":
        entry |= {"platform": first.platform, "id": first.id, "name": first.name}
    if numbers := [one.attachment for one in held if one.attachment]:
        entry["attachments"] = entry.get("attachments", {}) | {title: numbers[0]}
    late = set(entry["late"]) - {title} | ({title} if any(one.late for one in held) else set())
    entry["late"] = sorted(late)
    remember(course, "collected.json", known)


def without_typed_text(files):
    """The files without the text that was typed into Moodle, which is named: it stays to be read there."""
    for path, _ in files:
        if found := TYPED.fullmatch(path.replace("\\", "/")):
            print(f"{found['name']}_{found['id']}: left out a text that was typed into Moodle; read it there")
    return [(path, content) for path, content in files if not TYPED.fullmatch(path.replace("\\", "/"))]


def collect(course, source, title=None):
    """Take the hand-ins out of a zip or folder. Returns the number of files that belong to nobody."""
    titles, source = titles_of(course), Path(source)
    if title and checked_title(title) not in titles:
        raise ValueError(f"there is no assignment {title!r}; there are: {', '.join(titles) or 'none'}")
    files = without_typed_text(files_in(source))
    if not titles:
        raise ValueError("no assignment was made yet: make assignment NAME=week3 EXERCISES=...")
    made, strange = grouped(files, titles, title, roster(course))
    if not made:
        raise ValueError(
            f"{source} has no hand-in of {title or ', '.join(titles) or 'any assignment'}: "
            "it is no zip of Moodle's, Canvas's or nbgrader's, or no file has an assignment's name, then say NAME=week3. "
            f"It holds: {', '.join([*strange][:5]) or 'nothing'}"
        )
    for (student, found_title), held in sorted(made.items()):
        graded = to_grade(held, found_title, titles)
        became = put(course, checked_student(student), found_title, contents(held, found_title, graded))
        note(course, student, found_title, held)
        became += renamed_or_left(held, found_title, graded)
        print(f"{student:20} {found_title}: {became}{', handed in late' if any(one.late for one in held) else ''}")
    for path, why in strange.items():
        print(f"NOT TAKEN            {path}: {why}")
    return len(strange)
