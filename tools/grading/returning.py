"""Feedback as Moodle and Canvas take it back: one zip for an assignment, with the names by which they find a student.

Moodle (*Upload multiple feedback files in a zip*) reads the number behind the name of a folder as it had given it out;
Canvas (*Upload Submissions*) the numbers of student and file in a file's name, which are those of its own zip.
"""

from tools.grading.course import ODD
from tools.grading.records import remembered, roster
from tools.grading.report import platform_ids
from tools.packing import pack
from tools.writing import beside


def plain(name):
    """A name without what separates the parts of a platform's names."""
    return ODD.sub("-", name).replace("_", " ").strip(" .-") or "student"


def moodle_name(student, number, title, collected):
    return f"{plain(collected.get('name') or student)}_{number}_assignsubmission_file/{title}.html"


def canvas_name(student, number, title, collected):
    """None for a hand-in of which Canvas's number of the file is not known: it did not come out of Canvas's zip."""
    attachment = collected.get("attachments", {}).get(title)
    letters = "".join(part for part in plain(student) if part.isalpha()) or "student"
    return attachment and f"{letters}_{number}_{attachment}_{title}.html"


def write(course, title, results):
    """Write moodle-feedback-week3.zip and canvas-feedback-week3.zip, where hand-ins came from them. Returns the names."""
    collected, rosters, made = remembered(course, "collected.json"), roster(course), []
    for platform, name_of in (("moodle", moodle_name), ("canvas", canvas_name)):
        contents = []
        for student, number in platform_ids(platform, results, rosters, collected).items():
            page = course / "feedback" / student / title / f"{title}.html"
            name = name_of(student, number, title, collected.get(student, {}))
            if name and results[student].settled and page.is_file():
                contents.append((name, page))
        if contents:
            made.append(f"{platform}-feedback-{title}.zip")
            with beside(course / made[-1]) as new:
                pack(contents, new)
    return made
